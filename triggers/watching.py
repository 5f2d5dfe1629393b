"""`failover watch`: the watcher as a process, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from temporalio.client import Client

from failover.domain.request import FailoverRequest, Limits
from failover.kube.fleet import open_fleet
from failover.kube.fleetfile import load_fleet
from failover.settings import Settings
from failover.stopping import stop_on_signals
from failover.telemetry import Metrics
from failover.temporal import connect
from triggers.policies import PolicyDirectory
from triggers.starting import Start, start_failover
from triggers.watcher import Manner, Watcher

logger = logging.getLogger("watcher")


async def run_watcher(settings: Settings, policies: Path, *, observe: bool = False) -> None:
    """Watch until SIGTERM or SIGINT. Raises the errors of `load_fleet`, and `InvalidInput` without a directory."""
    metrics = Metrics()
    directory = PolicyDirectory(policies)
    async with open_fleet(load_fleet(settings.fleet, settings.kubeconfig or None)) as fleet:
        if settings.metrics_port is not None:
            port = metrics.serve(settings.metrics_address, settings.metrics_port)
            logger.info("metrics are served on %s:%s", settings.metrics_address, port)
        manner = Manner(Limits(blocked_after_seconds=fleet.blocked_after.total_seconds()), observe)
        start = Starting(partial(connect, identity=identity()), settings.runbook or fleet.runbook)
        watcher = Watcher(fleet, directory, start, metrics, manner)
        stop = stop_on_signals()
        how = "tolerating and planning only" if observe else "failovers are started"
        logger.info("watching fleet %s for the policies in %s: %s", fleet.name, policies, how)
        await _until(stop, watcher.run())
        logger.info("stopping: failovers that are under way go on without the watcher")


def identity() -> str:
    """Who this watcher is, as it stands in histories."""
    return f"failover-watcher@{socket.gethostname()}:{os.getpid()}"


class Starting:
    """Starts failovers through a connection that is made when one is first needed."""

    def __init__(self, connecting: Callable[[], Awaitable[Client]], runbook: str = "") -> None:
        """Nothing is connected to yet, so that Temporal may come later than the watcher."""
        self._connecting, self._runbook = connecting, runbook
        self._client: Client | None = None
        self._lock = asyncio.Lock()

    async def __call__(self, request: FailoverRequest) -> Start:
        """Start or wake a failover. Raises as `start_failover` does."""
        async with self._lock:
            client = self._client = self._client or await self._connecting()
        return await start_failover(client, request, runbook=self._runbook)


async def _until(stop: asyncio.Event, work: Awaitable[None]) -> None:
    """Do the work until it fails, or is to be stopped."""
    working = asyncio.ensure_future(work)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        return
    working.result()
