"""Temporal's database is lost, or an older one is put back: what the clusters know is enough."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
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
from tests.support.admission import FLINKS, refuse
from tests.support.engine import Engine, failover_policy, write_policy
from tests.support.world import FreshWorld
from triggers.pausing import wake
from triggers.sources import called
from worker import at_work

NAMESPACE = "shop"
PURGED = ("aborted", "ended", "moved-on")
"""Applications that are being purged when the backup is made, by what has become of their moves since."""
HELD = "tests.example.org/held"


@asynccontextmanager
async def at_hand(
    world: World, fleet: KubeFleet, operator: FlinkOperator
) -> AsyncGenerator[Engine, None]:
    """A worker, and what the test has at hand, on Temporal as it is now."""
    client = await connect(address=world.temporal_address)
    await ensure_search_attributes(client)
    metrics = Metrics()
    async with at_work(client, fleet, metrics):
        yield Engine(world, operator, client, fleet, world.fleet_file, Path("/dev/null"), metrics)


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


@pytest.mark.timeout(300)
async def test_the_clusters_know_enough(fresh_world: FreshWorld, tmp_path: Path) -> None:
    """First a day-old database, whose runs are from before all that has happened since; then an empty one, amid a move."""
    world = await fresh_world()
    await world.install_everywhere(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": each}}
        for each in (NAMESPACE, RECORDS)
    )
    operator = FlinkOperator({name: world.api(name) for name in world.clusters})
    patient = failover_policy("orders", NAMESPACE, toleration_seconds=3600)
    slow = write_policy(tmp_path, patient)
    policies = {each: written(tmp_path / "policies", each) for each in ("orders", *PURGED)}
    backup = tmp_path / "backup"
    async with operator, open_fleet(load_fleet(world.fleet_file, world.kubeconfig)) as fleet:
        async with at_hand(world, fleet, operator) as engine:
            orders = await tolerating(engine, slow)
            purged = await purging(engine, policies)
        await copy_of(world, backup)
        async with at_hand(world, fleet, operator) as engine:
            await engine.client.get_workflow_handle(failover_id(orders)).terminate()
            await moved(engine, orders, policies["orders"])
            await shows(engine, orders, home="west", generation=1)
            await gone_on_since(engine, purged, policies)
        await put_back(world, backup)
        async with at_hand(world, fleet, operator) as engine:
            await purged_by_nobody(engine, purged)
            await a_day_old(engine, orders, policies["orders"])
            await interrupted(engine, orders, policies["orders"])
        await put_back(world, None)
        async with at_hand(world, fleet, operator) as engine:
            await emptied(engine, orders, tmp_path / "policies")


def written(directory: Path, name: str) -> str:
    """The policy that counts in the end, in the directory that a watcher would be given."""
    directory.mkdir(exist_ok=True)
    budget = {"maxFailovers": 3, "coolDownSeconds": 0}
    policy = failover_policy(name, NAMESPACE, mode="Automatic", budget=budget)
    return write_policy(directory, policy)


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


async def purging(engine: Engine, policies: Mapping[str, str]) -> dict[str, ApplicationRef]:
    """Applications under protection whose moves stand amid the purge: one delete is refused, the others do not end."""
    east = engine.world.api("east")
    refusing = await refuse(east, replace(FLINKS, namespace=NAMESPACE), "aborted", "DELETE")
    found = {name: await engine.apply_flink(name, NAMESPACE) for name in PURGED}
    for name, application in found.items():
        if name != "aborted":
            await engine.edit("east", application, {"metadata": {"finalizers": [HELD]}})
        await engine.cli("protect", "-f", policies[name])
        await shows(engine, application, home="east", generation=0)
        await engine.operator.kill_job_manager("east", NAMESPACE, name)
        await engine.cli("start", application.short, "-n", NAMESPACE, "-f", policies[name], "-y")
    blocked = await engine.in_phase(found["aborted"], "Blocked")
    assert blocked.reason == "Forbidden"
    for name in ("ended", "moved-on"):
        await engine.is_going("east", found[name])
    await refusing.lift()
    return found


async def gone_on_since(
    engine: Engine, purged: Mapping[str, ApplicationRef], policies: Mapping[str, str]
) -> None:
    """One move was aborted, and its application is well again; one has ended; one application has moved back since."""
    aborted, ended, on = (purged[each] for each in ("aborted", "ended", "moved-on"))
    said = await engine.cli("abort", aborted.short, "-n", NAMESPACE, "--reason", "a test")
    assert said.code == 0, said.err
    await engine.in_phase(aborted, "Aborted")
    await engine.operator.recover("east", NAMESPACE, aborted.name)
    for each in (ended, on):
        await engine.edit("east", each, {"metadata": {"finalizers": []}})
        await engine.in_phase(each, "Completed")
    await engine.operator.kill_job_manager("west", NAMESPACE, on.name)
    await moved(engine, on, policies[on.name])
    await shows(engine, on, home="east", generation=2)


async def purged_by_nobody(engine: Engine, purged: Mapping[str, ApplicationRef]) -> None:
    """Their runs of yesterday end without a write, also where a person lets one go on; a protection asks."""
    homes = {"aborted": "east", "ended": "west", "moved-on": "east"}
    before = {name: await engine.find(home, purged[name]) for name, home in homes.items()}
    retried = await engine.cli("retry", purged["aborted"].short, "-n", NAMESPACE)
    assert retried.code == 0, retried.err
    for name, home in homes.items():
        await engine.in_phase(purged[name], "Superseded")
        assert await engine.find(home, purged[name]) == before[name], f"{name} was touched"
        (other,) = {"east", "west"} - {home}
        assert await engine.find(other, purged[name]) is None
        told = await engine.cli("status", purged[name].short, "-n", NAMESPACE)
        known = "generation 2 owns" if name == "moved-on" else "has come to its end before"
        assert known in told.out, told.out
    asking = await shows(engine, purged["moved-on"], newer_generation=2)
    assert asking.view.phase is ApplicationPhase.NEWER_GENERATION


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


async def emptied(engine: Engine, orders: ApplicationRef, policies: Path) -> None:
    """From the watcher's directory: protections are made again, the move is finished, the budget knows of all moves."""
    west, east = engine.fleet.cluster("west"), engine.fleet.cluster("east")
    head = await read_head(west, orders)
    assert head is not None
    assert is_open(head)
    said = await engine.cli("rebuild", "--policies", str(policies), "-y")
    assert said.code == 0, said.err + said.out
    assert "protect again; take up a move off west" in " ".join(said.out.split())
    assert f"{1 + len(PURGED)} applications rebuilt, 0 failed, 0 without a policy" in said.out
    await engine.operator.hold("east", NAMESPACE, "orders")
    await engine.operator.release("east", NAMESPACE, "orders")
    await engine.in_phase(orders, "Completed")
    await engine.healthy_on("east", orders)
    protected = await shows(engine, orders, home="east")
    assert protected.view.starts
    assert protected.view.declaration.mode == "Automatic"
    assert protected.view.declaration.source == called(str(policies))
    after = await read_head(east, orders)
    assert after is not None
    assert not is_open(after)
    assert len(counted_of(after)) >= len(counted_of(head)), "its budget is as it was"
    again = await engine.cli("rebuild", "--policies", str(policies), "-y")
    assert (again.code, again.out) == (0, "nothing to rebuild\n")
