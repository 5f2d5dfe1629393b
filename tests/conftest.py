"""Fixtures that every suite may use; those with servers start them on first use only."""

from __future__ import annotations

from tests.support.world import flink, fresh_world, namespace, world

__all__ = ["flink", "fresh_world", "namespace", "world"]
