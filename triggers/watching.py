"""`failover watch`: the watcher as a process, until it is told to stop."""

from __future__ import annotations

import logging
import os
import socket
from functools import partial

from failover.domain.request import Limits
from failover.kube.fleet import open_fleet
from failover.kube.fleetfile import load_fleet
from failover.kube.lean import lean
from failover.settings import Settings
from failover.stopping import stop_on_signals, until
from failover.telemetry import Metrics
from failover.temporal import connect
from triggers.connection import Starting
from triggers.keeping import Keeper
from triggers.requesting import Manner
from triggers.sources import called, open_source
from triggers.watcher import Watcher

logger = logging.getLogger("watcher")


async def run_watcher(settings: Settings, policies: str, *, observe: bool = False) -> None:
    """Watch until SIGTERM or SIGINT. Raises the errors of `load_fleet` and of the source of policies."""
    metrics = Metrics()
    async with (
        open_source(policies, settings.kubeconfig or None, telling=not observe) as source,
        open_fleet(load_fleet(settings.fleet, settings.kubeconfig or None), keep=lean) as fleet,
    ):
        if settings.metrics_port is not None:
            port = metrics.serve(settings.metrics_address, settings.metrics_port)
            logger.info("metrics are served on %s:%s", settings.metrics_address, port)
        manner = Manner(Limits.after(fleet.blocked_after), observe)
        start = Starting(partial(connect, identity=identity()), settings.runbook or fleet.runbook)
        keeper = Keeper(start.client, called(policies))
        watcher = Watcher(fleet, source, start, metrics, manner, keeper)
        stop = stop_on_signals()
        how = "tolerating and planning only" if observe else "failovers are started"
        logger.info("watching fleet %s for the policies in %s: %s", fleet.name, source, how)
        await until(stop, watcher.run())
        logger.info("stopping: failovers that are under way go on without the watcher")


def identity() -> str:
    """Who this watcher is, as it stands in histories."""
    return f"failover-watcher@{socket.gethostname()}:{os.getpid()}"
