"""The worker: wires settings, fleet, activities and workflows together, and runs until told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio.client import Client
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.calling import Calling
from activities.capturing import Capturing
from activities.crowd import Crowd
from activities.deciding import Deciding
from activities.finishing import Finishing
from activities.fitting import Capacities
from activities.lanes import LANES, Lanes
from activities.moving import Moving
from activities.observing import Observing
from activities.protecting import Protecting
from activities.purging import Purging
from activities.telling import Telling
from activities.tidying import Tidying
from failover.domain.errors import FailoverError
from failover.domain.phases import WAITING_PHASES
from failover.domain.request import Limits
from failover.fleet import Fleet
from failover.kube.fleet import open_fleet
from failover.kube.fleetfile import load_fleet
from failover.kube.lean import lean
from failover.pauses import Pauses
from failover.protections import Protections
from failover.receivers.reading import ReceiverFile
from failover.settings import Settings
from failover.stopping import leave, stop_on_signals
from failover.telemetry import Metrics, set_up_logs
from failover.temporal import (
    CROWD_QUEUE,
    PROTECTION_QUEUE,
    STICKY_TIMEOUT,
    TASK_QUEUE,
    claim_namespace,
    connect,
    ensure_search_attributes,
)
from triggers.scheduling import ensure_sweeps
from triggers.sweeping import Sweeping
from workflows.application import ApplicationWorkflow
from workflows.failover import FailoverWorkflow
from workflows.pause import PauseWorkflow
from workflows.sweep import SweepWorkflow

logger = logging.getLogger("worker")

COUNT_EVERY = timedelta(seconds=10)
SCHEDULE_AGAIN_AFTER = timedelta(seconds=30)
OPEN_FAILOVERS = "WorkflowType = 'Failover' AND ExecutionStatus = 'Running'"
GRACEFUL_SHUTDOWN = timedelta(seconds=5)
ACTIVITIES_MAX = 5000
CACHED_WORKFLOWS_MAX = 2000
"""More than move at once."""
PROTECTIONS_AT_ONCE = 32
"""Looks take place within workflow tasks: so many, with their requests, are done before such a task is late."""
CACHED_PROTECTIONS_MAX = 100
"""More than are looked at together. One that is idle need not lie in memory: it is replayed from its short history when
somebody wakes it."""
CROWD_CAPTURES_MAX = LANES + LANES // 2
"""As many as have lanes, and some that are ready for the next."""
WORKFLOW_THREADS = 2
"""Python runs one thread at a time: more of them would only keep the activities waiting."""
HEARTBEAT_THROTTLE = timedelta(seconds=0.5)


@asynccontextmanager
async def at_work(
    client: Client,
    fleet: Fleet,
    metrics: Metrics,
    calling: Calling | None = None,
    sweeping: Sweeping | None = None,
) -> AsyncGenerator[None, None]:
    """Work for this fleet while the block runs. Without `calling` it calls nobody."""
    calling = calling or Calling(None, metrics)
    sweeping = sweeping or Sweeping(client, fleet, metrics)
    lanes, protections = Lanes(), Protections(client)
    capturing = Capturing(fleet, Pauses(client), lanes)
    telling = Telling(fleet, metrics, protections)
    async with (
        _worker(client, fleet, telling, calling, capturing, lanes, sweeping),
        _crowd_worker(client, capturing),
        _protection_worker(client, Protecting(fleet, protections)),
    ):
        yield


def _crowd_worker(client: Client, capturing: Capturing) -> Worker:
    return Worker(
        client,
        task_queue=CROWD_QUEUE,
        activities=[capturing.capture_and_stage],
        max_concurrent_activities=CROWD_CAPTURES_MAX,
        max_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
        default_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
        graceful_shutdown_timeout=GRACEFUL_SHUTDOWN,
    )


def _protection_worker(client: Client, protecting: Protecting) -> Worker:
    """However many are declared or woken together, failovers have their own queue and their own place in memory."""
    return Worker(
        client,
        task_queue=PROTECTION_QUEUE,
        workflows=[ApplicationWorkflow],
        activities=[
            protecting.look_at_application,
            protecting.keep_state,
            protecting.forget_state,
        ],
        workflow_runner=UnsandboxedWorkflowRunner(),
        workflow_task_executor=ThreadPoolExecutor(1, "protection"),
        max_concurrent_workflow_tasks=PROTECTIONS_AT_ONCE,
        max_concurrent_local_activities=PROTECTIONS_AT_ONCE,
        max_concurrent_activities=ACTIVITIES_MAX,
        max_cached_workflows=CACHED_PROTECTIONS_MAX,
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
        max_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
        default_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
        graceful_shutdown_timeout=GRACEFUL_SHUTDOWN,
    )


def _worker(
    client: Client,
    fleet: Fleet,
    telling: Telling,
    calling: Calling,
    capturing: Capturing,
    lanes: Lanes,
    sweeping: Sweeping,
) -> Worker:
    """An async wait costs memory, not a thread, so it takes thousands."""
    deciding, finishing, moving, observing, purging, tidying = (
        Deciding(fleet, Crowd(), Capacities(fleet)),
        Finishing(fleet, lanes),
        Moving(fleet, lanes),
        Observing(fleet, lanes),
        Purging(fleet),
        Tidying(fleet),
    )
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[FailoverWorkflow, PauseWorkflow, SweepWorkflow],
        activities=[
            observing.observe,
            tidying.tidy_interrupted,
            observing.wait_out_toleration,
            observing.await_healthy,
            deciding.plan_failover,
            capturing.capture_and_stage,
            moving.start_on_target,
            moving.restore_source,
            purging.purge_source,
            purging.withdraw_target,
            finishing.release_labels,
            finishing.finish,
            telling.publish_result,
            calling.call_person,
            sweeping.sweep_applications,
        ],
        workflow_runner=UnsandboxedWorkflowRunner(),  # every history is replayed in the sandbox by tests
        workflow_task_executor=ThreadPoolExecutor(WORKFLOW_THREADS, "workflow"),
        max_concurrent_activities=ACTIVITIES_MAX,
        max_cached_workflows=CACHED_WORKFLOWS_MAX,
        max_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
        default_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
        graceful_shutdown_timeout=GRACEFUL_SHUTDOWN,
    )


def identity() -> str:
    """Who this worker is, as it stands in histories and on Temporal's Workers page."""
    return f"failover-worker@{socket.gethostname()}:{os.getpid()}"


async def run_worker(settings: Settings, *, ready: asyncio.Event | None = None) -> None:
    """Work until SIGTERM or SIGINT. Raises the errors of `connect` and `load_fleet`."""
    metrics = Metrics()
    receivers = ReceiverFile(settings.receivers) if settings.receivers is not None else None
    client = await connect(identity=identity(), runtime=_runtime(settings))
    await ensure_search_attributes(client)
    file = load_fleet(settings.fleet, settings.kubeconfig or None)
    async with open_fleet(file, keep=lean) as fleet:
        await claim_namespace(client, fleet.name)
        if settings.metrics_port is not None:
            port = metrics.serve(settings.metrics_address, settings.metrics_port)
            logger.info("metrics are served on %s:%s", settings.metrics_address, port)
        stop = stop_on_signals()
        runbook = settings.runbook or fleet.runbook
        calling = Calling(receivers, metrics, settings.ui, runbook)
        limits = Limits.after(fleet.blocked_after)
        sweeping = Sweeping(client, fleet, metrics, limits, runbook)
        async with at_work(client, fleet, metrics, calling, sweeping):
            logger.info("working for fleet %s on queue %s", fleet.name, TASK_QUEUE)
            if ready is not None:
                ready.set()
            every = timedelta(seconds=settings.sweep_every_seconds)
            beside = (
                asyncio.create_task(_keep_counting(client, metrics)),
                asyncio.create_task(_schedule_sweeps(client, every)),
            )
            await stop.wait()
            for each in beside:
                each.cancel()
            logger.info("stopping: no new work is taken, what runs is handed back")


def _runtime(settings: Settings) -> Runtime | None:
    """Temporal's own metrics of this worker, on a port of their own, where one is set."""
    if settings.temporal_metrics_port is None:
        return None
    address = f"{settings.metrics_address}:{settings.temporal_metrics_port}"
    prometheus = PrometheusConfig(bind_address=address, durations_as_seconds=True)
    return Runtime(telemetry=TelemetryConfig(metrics=prometheus))


async def _schedule_sweeps(client: Client, every: timedelta) -> None:
    """See to the schedule of sweeps; what Temporal does not allow hinders nothing else."""
    while True:
        try:
            await ensure_sweeps(client, every)
        except FailoverError as error:
            logger.warning("%s", error.message, extra={"reason": error.reason})
            await asyncio.sleep(SCHEDULE_AGAIN_AFTER.total_seconds())
        else:
            return


async def _keep_counting(client: Client, metrics: Metrics) -> None:
    """Keep `failover_waiting` up to date."""
    while True:
        try:
            await count_failovers(client, metrics)
        except RPCError as error:
            logger.warning("open failovers cannot be counted: %s", error.message)
        await asyncio.sleep(COUNT_EVERY.total_seconds())


async def count_failovers(client: Client, metrics: Metrics) -> None:
    """Count what is open, and what waits, from visibility, which groups by status only. Raises `RPCError`."""
    total, *counts = await asyncio.gather(
        client.count_workflows(OPEN_FAILOVERS),
        *(
            client.count_workflows(f"{OPEN_FAILOVERS} AND FailoverPhase = '{phase}'")
            for phase in sorted(WAITING_PHASES)
        ),
    )
    found = zip(sorted(WAITING_PHASES), counts, strict=True)
    waiting = {phase: counted.count for phase, counted in found if counted.count}
    metrics.waiting(waiting, open_total=total.count)


def main() -> None:
    """Run the worker with settings from the environment."""
    settings = Settings()
    set_up_logs(as_json=settings.log_json, level=settings.log_level)
    asyncio.run(run_worker(settings))
    leave(0)


if __name__ == "__main__":
    main()
