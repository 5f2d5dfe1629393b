"""What `up` and `demo` share: our own processes on a world of this machine.

A worker and a watcher are children of this command line, started as a person would start them, so
that killing one is killing a real process and nothing else.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from devstack.api import Manifest
from devstack.errors import DevstackError, DirectoryInUse, PartFailed, PortInUse
from devstack.processes import Command, Part
from devstack.world import World
from failover.domain.errors import DefiniteError, InvalidInput
from failover.domain.record import NAMESPACE
from failover.temporal import TASK_QUEUE, connect

NAMESPACE_DEFAULT = "default"
WORKER_SECONDS = 60.0
CONNECT_SECONDS = 10.0
LOOK_EVERY_SECONDS = 0.05


class LocalWorldFailed(DefiniteError):
    """What runs on this machine did not start, or ended by itself."""


@contextmanager
def local_world() -> Generator[None, None, None]:
    """Turn what the local world says into an error of ours."""
    try:
        yield
    except (PortInUse, DirectoryInUse) as error:
        raise InvalidInput(error.message, reason=type(error).__name__) from error
    except DevstackError as error:
        raise LocalWorldFailed(error.message, reason=type(error).__name__) from error


def temporal_environment(address: str) -> dict[str, str]:
    """Temporal's own variables for the local server, whatever a profile of the person says."""
    return {
        "TEMPORAL_ADDRESS": address,
        "TEMPORAL_NAMESPACE": NAMESPACE_DEFAULT,
        "TEMPORAL_TLS": "false",
        "TEMPORAL_API_KEY": "",
    }


def environment_of(world: World) -> dict[str, str]:
    """Where a child finds Temporal and the clusters of this world."""
    return {
        **temporal_environment(world.temporal_address),
        "FAILOVER_FLEET": str(world.fleet_file),
        "FAILOVER_KUBECONFIG": str(world.kubeconfig),
        "FAILOVER_UI": world.temporal_ui_url,
    }


def worker_command(environment: Mapping[str, str]) -> Command:
    """A worker as a child: what `failover worker` runs, without the time that other verbs take to load."""
    return Command(arguments=(sys.executable, "-m", "worker"), environment=environment)


def watcher_command(environment: Mapping[str, str], policies: Path, log: Path) -> Command:
    """`failover watch`, as a child; ready when it says that it follows something, or has nothing to."""

    async def ready() -> bool:
        text = await asyncio.to_thread(_read, log)
        return "following" in text or "nothing is watched" in text

    return Command(
        arguments=(sys.executable, "-m", "cli.main", "watch", "--policies", str(policies)),
        environment=environment,
        ready=ready,
    )


async def connect_to(world: World) -> Client:
    """A client of the local server, and of no other."""
    os.environ.update(temporal_environment(world.temporal_address))
    async with asyncio.timeout(CONNECT_SECONDS):
        return await connect(identity="failover-cli")


async def await_worker(client: Client, part: Part) -> None:
    """Return when this very process polls the queue; raise if it dies first or takes too long."""
    try:
        async with asyncio.timeout(WORKER_SECONDS):
            while not await _polls(client, part):
                if not part.running:
                    raise PartFailed(
                        f"{part.name} ended with code {part.exit_code}. {part.last_words()}"
                    )
                await asyncio.sleep(LOOK_EVERY_SECONDS)
    except TimeoutError:
        message = f"{part.name} did not begin to work in {WORKER_SECONDS:g} s. {part.last_words()}"
        raise PartFailed(message) from None


async def pollers(client: Client) -> list[str]:
    """Who has asked for work lately, by identity; the server remembers each for five minutes."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=TASK_QUEUE),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    answer = await client.workflow_service.describe_task_queue(request)
    return [each.identity for each in answer.pollers]


async def _polls(client: Client, part: Part) -> bool:
    try:
        return any(each.endswith(f":{part.pid}") for each in await pollers(client))
    except RPCError:
        return False  # the server has a moment of its own; the deadline bounds it


def system_namespace() -> Manifest:
    """The namespace in which the records are kept."""
    return namespace(NAMESPACE)


def namespace(name: str) -> Manifest:
    """A namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""
