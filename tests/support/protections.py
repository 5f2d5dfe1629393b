"""What tests of the watcher need of protections, where they are about something else."""

from __future__ import annotations

from temporalio.client import Client

from failover.temporal import TemporalUnreachable


async def out_of_reach() -> Client:
    """A keeper that never reaches Temporal keeps nothing, and the watcher goes on by its policies."""
    raise TemporalUnreachable("nobody is there")
