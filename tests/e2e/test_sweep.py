"""What nobody tells of is found all the same: no watcher runs in these tests."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from failover.domain.identity import failover_id
from failover.domain.sweeping import SweepRequest, Swept
from failover.telemetry import Metrics
from failover.temporal import SWEEP_ID, SWEEP_WORKFLOW, TASK_QUEUE
from tests.e2e.test_protecting import seen_ill, shows
from tests.support.engine import Engine, failover_policy, write_policy
from triggers.scheduling import ensure_sweeps
from triggers.sweeping import Sweeping


@asynccontextmanager
async def scheduled(engine: Engine, every: timedelta) -> AsyncGenerator[None, None]:
    """Sweeps as the first worker schedules them, until the end of the block."""
    await ensure_sweeps(engine.client, timedelta(hours=1))
    await ensure_sweeps(engine.client, every)
    try:
        yield
    finally:
        await engine.client.get_schedule_handle(SWEEP_ID).delete()


async def swept(engine: Engine) -> Swept:
    """One sweep, now."""
    result: Swept = await engine.client.execute_workflow(
        SWEEP_WORKFLOW,
        SweepRequest(),
        id=f"{SWEEP_ID}-now",
        task_queue=TASK_QUEUE,
        result_type=Swept,
    )
    return result


async def test_without_a_watcher_what_is_ill_moves(
    engine: Engine, namespace: str, tmp_path: Path
) -> None:
    """The schedule finds it; what is suspended is held; a pause of the schedule outlives a worker's start."""
    orders = await engine.apply_flink("orders", namespace)
    held = await engine.apply_flink("held", namespace)
    for name in ("orders", "held"):
        policy = write_policy(tmp_path, failover_policy(name, namespace))
        await engine.cli("protect", "-f", policy, "-n", namespace, "--mode", "Automatic")
    await engine.cli("suspend", "flinkdeployment/held", "-n", namespace, "--reason", "a test")
    for application in (orders, held):
        await shows(engine, application, home="east")
        await engine.operator.kill_job_manager("east", namespace, application.name)
    async with scheduled(engine, timedelta(seconds=1)):
        await shows(engine, orders, home="west", generation=1)
        await seen_ill(engine, held)
        schedule = engine.client.get_schedule_handle(SWEEP_ID)
        await schedule.pause(note="a test")
        await ensure_sweeps(engine.client, timedelta(seconds=2))
        there = (await schedule.describe()).schedule
        assert (there.state.paused, there.state.note) == (True, "a test")
        assert there.spec.intervals[0].every == timedelta(seconds=2)
    told = await engine.cli("history", "flinkdeployment/orders", "-n", namespace, "-o", "json")
    assert [each["trigger"] for each in told.json["items"]] == ["Sweep"]
    after = await swept(engine)
    assert (after.protected, after.held, after.unhealthy, after.errors) == (2, 1, 0, {})
    for name in ("orders", "held"):
        await engine.cli("unprotect", f"flinkdeployment/{name}", "-n", namespace)


async def test_a_move_that_nobody_carries_on_is_taken_up(
    engine: Engine, namespace: str, tmp_path: Path
) -> None:
    """Its run is lost amid the purge, and its application is nowhere: found, and finished when it is due."""
    orders = await engine.apply_sick_flink("orders", namespace)
    await engine.edit("east", orders, {"metadata": {"finalizers": ["tests.example.org/held"]}})
    policy = write_policy(tmp_path, failover_policy("orders", namespace))
    await engine.cli("protect", "-f", policy, "-n", namespace, "--mode", "Automatic")
    await shows(engine, orders, home="east", generation=0)
    await engine.cli("start", orders.short, "-n", namespace, "-f", policy, "-y")

    async def nowhere() -> bool:
        return [await engine.find(each, orders) for each in engine.world.clusters] == [None] * 3

    await engine.is_going("east", orders)
    await engine.client.get_workflow_handle(failover_id(orders)).terminate()
    await engine.edit("east", orders, {"metadata": {"finalizers": []}})
    await engine.wait_for(nowhere, "it is nowhere")

    told = await swept(engine)
    assert (told.woken, told.started) == (1, 0), "its protection learns of the move first"
    await shows(engine, orders, generation=1, newer_generation=0)
    early = await swept(engine)
    assert (early.waiting, early.unhealthy, early.started) == (1, 0, 0), early
    sweeping = Sweeping(engine.client, engine.fleet, Metrics())
    due = await sweeping.sweep(SweepRequest(), datetime.now(UTC) + timedelta(minutes=1))
    assert (due.started, due.taken_up) == (1, 1), due
    await shows(engine, orders, home="west")
    await engine.in_phase(orders, "Completed")
    await engine.healthy_on("west", orders)
    known = await engine.cli("history", orders.short, "-n", namespace, "-o", "json")
    assert [each["trigger"] for each in known.json["items"]] == ["Sweep", "Manual"]
    await engine.cli("unprotect", orders.short, "-n", namespace)
