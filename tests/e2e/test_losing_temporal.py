"""Temporal's database is lost, or an older one is put back: what the clusters know is enough."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from devstack.flink import FlinkOperator
from devstack.world import World
from failover.domain.application import ApplicationPhase
from failover.domain.identity import ApplicationRef, failover_id
from failover.domain.record import NAMESPACE as RECORDS
from failover.domain.record import counted_of, is_open
from failover.kube.fleet import KubeFleet, open_fleet
from failover.kube.fleetfile import load_fleet
from failover.records import read_head
from failover.telemetry import Metrics
from failover.temporal import connect, ensure_search_attributes
from tests.e2e.test_protecting import shows
from tests.support.engine import Engine, failover_policy, write_policy
from tests.support.world import FreshWorld
from triggers.pausing import wake
from worker import at_work

NAMESPACE = "shop"


@asynccontextmanager
async def at_hand(
    world: World, fleet: KubeFleet, operator: FlinkOperator
) -> AsyncGenerator[Engine, None]:
    """A worker, and what the test has at hand, on Temporal as it is now."""
    client = await connect(address=world.temporal_address)
    await ensure_search_attributes(client)
    async with at_work(client, fleet, Metrics()):
        yield Engine(world, operator, client, fleet, world.fleet_file, Path("/dev/null"))


def databases(world: World) -> list[Path]:
    """The files of Temporal's database."""
    return sorted(world.data_directory.glob("temporal.db*"))


async def copy_of(world: World, to: Path) -> None:
    """A backup, made while Temporal stands still."""
    await world.part("temporal").stop()
    await asyncio.to_thread(_copy, databases(world), to)
    await world.part("temporal").restart()


async def put_back(world: World, backup: Path | None) -> None:
    """An older database in place of the present one, or none."""
    await world.part("temporal").kill()
    await asyncio.to_thread(_replace, world, backup)
    await world.part("temporal").restart()


def _copy(files: Iterable[Path], to: Path) -> None:
    to.mkdir(exist_ok=True)
    for each in files:
        shutil.copy2(each, to)


def _replace(world: World, backup: Path | None) -> None:
    for each in databases(world):
        each.unlink()
    if backup is not None:
        _copy(backup.iterdir(), world.data_directory)


async def moved(engine: Engine, application: ApplicationRef, policy: str) -> None:
    """A person moves it, to the end."""
    said = await engine.cli(
        "start", application.short, "-n", NAMESPACE, "-f", policy, "-y", "--force", "--reason", "a test", "--wait",
    )  # fmt: skip
    assert said.code == 0, said.err


@pytest.mark.timeout(240)
async def test_the_clusters_know_enough(fresh_world: FreshWorld, tmp_path: Path) -> None:
    """First a day-old database, in which a run tolerates that has moved since; then an empty one, amid a move."""
    world = await fresh_world()
    await world.install_everywhere(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": each}}
        for each in (NAMESPACE, RECORDS)
    )
    operator = FlinkOperator({name: world.api(name) for name in world.clusters})
    patient = failover_policy("orders", NAMESPACE, toleration_seconds=3600)
    slow = write_policy(tmp_path, patient)
    policy = write_policy(
        later(tmp_path),
        failover_policy(
            "orders", NAMESPACE, mode="Automatic", budget={"maxFailovers": 3, "coolDownSeconds": 0}
        ),
    )
    backup = tmp_path / "backup"
    async with operator, open_fleet(load_fleet(world.fleet_file, world.kubeconfig)) as fleet:
        async with at_hand(world, fleet, operator) as engine:
            orders = await tolerating(engine, slow)
        await copy_of(world, backup)
        async with at_hand(world, fleet, operator) as engine:
            await engine.client.get_workflow_handle(failover_id(orders)).terminate()
            await moved(engine, orders, policy)
            await shows(engine, orders, home="west", generation=1)
        await put_back(world, backup)
        async with at_hand(world, fleet, operator) as engine:
            await a_day_old(engine, orders, policy)
            await interrupted(engine, orders, policy)
        await put_back(world, None)
        async with at_hand(world, fleet, operator) as engine:
            await emptied(engine, orders, policy)


def later(path: Path) -> Path:
    """A directory for the policy that counts later."""
    directory = path / "later"
    directory.mkdir()
    return directory


async def tolerating(engine: Engine, policy: str) -> ApplicationRef:
    """An application under protection on east, ill, with a run that tolerates."""
    orders = await engine.apply_flink("orders", NAMESPACE)
    said = await engine.cli("protect", "-f", policy, "--mode", "Automatic")
    assert said.code == 0, said.err
    await shows(engine, orders, home="east", generation=0)
    await engine.operator.kill_job_manager("east", NAMESPACE, "orders")
    begun = await engine.cli("start", orders.short, "-n", NAMESPACE, "-f", policy, "-y")
    assert begun.code == 0, begun.err
    await engine.in_phase(orders, "Tolerating")
    return orders


async def a_day_old(engine: Engine, orders: ApplicationRef, policy: str) -> None:
    """The run of yesterday writes nothing; the protection stops and asks; rebuilding settles it, once."""
    before = await engine.find("west", orders)
    await wake(engine.client, failover_id(orders))
    ended = await engine.in_phase(orders, "Refused", "Superseded")
    assert ended.reason in {"StaleIncident", "Superseded"}
    assert await engine.find("west", orders) == before, "nothing was written"
    asking = await shows(engine, orders, newer_generation=1)
    assert asking.view.phase is ApplicationPhase.NEWER_GENERATION
    said = await engine.cli("rebuild", "-f", policy, "-y")
    assert said.code == 0, said.err + said.out
    assert "settle its newer generation" in said.out
    await shows(engine, orders, home="west", generation=1, newer_generation=0)
    again = await engine.cli("rebuild", "-f", policy, "-y")
    assert (again.code, again.out) == (0, "nothing to rebuild\n")


async def interrupted(engine: Engine, orders: ApplicationRef, policy: str) -> None:
    """A move off west has purged and started, and its copy is not healthy yet."""
    await engine.operator.kill_job_manager("west", NAMESPACE, "orders")
    engine.operator.healthy_after = timedelta(seconds=600)
    started = await engine.cli("start", orders.short, "-n", NAMESPACE, "-f", policy, "-y")
    assert started.code == 0, started.err
    await engine.in_phase(orders, "Verifying")
    engine.operator.healthy_after = timedelta(0)


async def emptied(engine: Engine, orders: ApplicationRef, policy: str) -> None:
    """The protection is made again, the move is finished, and the budget knows of all moves."""
    west, east = engine.fleet.cluster("west"), engine.fleet.cluster("east")
    head = await read_head(west, orders)
    assert head is not None
    assert is_open(head)
    said = await engine.cli("rebuild", "-f", policy, "-y")
    assert said.code == 0, said.err + said.out
    assert "protect again; take up a move off west" in " ".join(said.out.split())
    await engine.operator.hold("east", NAMESPACE, "orders")
    await engine.operator.release("east", NAMESPACE, "orders")
    await engine.in_phase(orders, "Completed")
    await engine.healthy_on("east", orders)
    protected = await shows(engine, orders, home="east")
    assert protected.view.starts
    assert protected.view.declaration.mode == "Automatic"
    after = await read_head(east, orders)
    assert after is not None
    assert not is_open(after)
    assert len(counted_of(after)) >= len(counted_of(head)), "its budget is as it was"
