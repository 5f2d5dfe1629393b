"""Fixtures of the end-to-end tests."""

from __future__ import annotations

from tests.support.engine import engine
from tests.support.saga import saga

__all__ = ["engine", "saga"]
