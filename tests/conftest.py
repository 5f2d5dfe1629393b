"""Fixtures that every suite may use; those with servers start them on first use only."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.support.world import flink, fresh_world, namespace, world

__all__ = ["flink", "fresh_world", "namespace", "world"]


settings.register_profile("failover", deadline=None)  # a busy machine is no finding
settings.load_profile("failover")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of our own."""
    parser.addoption(
        "--record-histories",
        action="store_true",
        help="keep histories for tests/unit/test_histories.py",
    )
