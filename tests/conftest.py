"""Fixtures that every suite may use; those with servers start them on first use only."""

from __future__ import annotations

import pytest

from tests.support.world import flink, fresh_world, namespace, world

__all__ = ["flink", "fresh_world", "namespace", "world"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of our own."""
    parser.addoption(
        "--record-histories",
        action="store_true",
        help="keep histories for tests/unit/test_histories.py",
    )
