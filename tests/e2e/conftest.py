"""Fixtures of the end-to-end tests."""

from __future__ import annotations

import pytest

from tests.support.engine import engine
from tests.support.saga import saga

__all__ = ["engine", "saga"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits for minutes is looked at after everything else, in whatever order that comes."""
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)
