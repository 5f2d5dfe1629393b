"""The rows of the catalogue: one for each kind that has a rule of its own."""

from __future__ import annotations

from failover.domain.health.entries import Entry
from failover.domain.health.rows import batch, data, streaming, workloads

ROWS: tuple[Entry, ...] = (*workloads.ROWS, *streaming.ROWS, *batch.ROWS, *data.ROWS)
"""Every kind with a rule; any other is judged by its conditions (`conditions.py`)."""
