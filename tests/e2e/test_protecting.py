"""Applications under protection, from the command line and the watcher, on real servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType

from devstack.flink import ALIAS_LABEL
from failover.domain.application import ApplicationPhase, ApplicationView
from failover.domain.identity import ApplicationRef, application_id
from failover.domain.request import Limits
from failover.telemetry import Metrics
from tests.support.engine import Engine, failover_policy, write_policy
from triggers import keeping
from triggers import policies as policies_module
from triggers import watcher as watcher_module
from triggers.connection import Starting
from triggers.keeping import Keeper
from triggers.policies import PolicyDirectory
from triggers.protecting import Protection, protection, wake
from triggers.requesting import Manner
from triggers.watcher import Watcher

RULE = {"aliasLabelName": ALIAS_LABEL, "jsonPath": "{ .jobStatus.jobId }"}
AT_ONCE = {"rules": [RULE], "goodAfterSeconds": 0}
"""State that is good as soon as it is seen healthy, so that no timer ever waits for it."""


async def view(engine: Engine, application: ApplicationRef) -> ApplicationView | None:
    """What the protection shows, if there is one."""
    found = await protection(engine.client, application)
    return found.view if found is not None else None


async def shows(engine: Engine, application: ApplicationRef, **fields: Any) -> Protection:
    """The protection, once what it knows is this."""

    async def reached() -> Protection | None:
        found = await protection(engine.client, application)
        known = found.view.known if found is not None else None
        same = known is not None and all(getattr(known, k) == v for k, v in fields.items())
        return found if same else None

    return await engine.wait_for(reached, f"the protection of {application} knows {fields}")


async def test_declared_shown_moved_and_ended(
    engine: Engine, namespace: str, tmp_path: Path
) -> None:
    """Observed unless something else is written; it learns where its application has gone."""
    application = await engine.apply_flink("orders", namespace)
    policy = write_policy(tmp_path, failover_policy("orders", namespace, statePreservation=AT_ONCE))
    said = await engine.cli("protect", "-f", policy, "-n", namespace)
    assert (said.code, said.err) == (0, "")
    assert "is protected: Observe" in said.out
    await shows(engine, application, home="east", generation=0)

    listed = await engine.cli("get", "applications", "-n", namespace, "-o", "json")
    (item,) = listed.json["items"]
    assert (item["phase"], item["mode"], item["home"]) == ("Protected", "Observe", "east")
    assert item["health"]["status"] == "Healthy"
    table = await engine.cli("get", "applications", "-n", namespace)
    assert table.rows[1][:4] == ["flinkdeployment/orders", "Protected", "east", "Healthy"]

    again = await engine.cli("protect", "-f", policy, "-n", namespace, "--mode", "automatic")
    assert "is protected: Automatic" in again.out
    await engine.cli("suspend", "flinkdeployment/orders", "-n", namespace, "--reason", "a test")
    told = await engine.cli("describe", "flinkdeployment/orders", "-n", namespace)
    assert told.out.startswith(f"{application}: Suspended\n")
    assert "a test" in told.out
    resumed = await engine.cli("resume", "flinkdeployment/orders", "-n", namespace)
    assert resumed.out == f"{application} is resumed\n"

    await engine.operator.kill_job_manager("east", namespace, "orders")
    started = await engine.cli(
        "start", "flinkdeployment/orders", "-n", namespace, "-f", policy, "-y", "--force",
        "--reason", "it goes", "--wait",
    )  # fmt: skip
    assert started.code == 0, started.err
    moved = await shows(engine, application, home="west", generation=1)
    assert moved.view.phase is ApplicationPhase.PROTECTED
    await is_idle(engine, application)
    counted = await engine.cli("get", "applications", "-n", namespace, "-o", "json")
    assert [each["failoversInWindow"] for each in counted.json["items"]] == [1]
    assert counted.json["items"][0]["nextAllowedAt"], "it cools down"

    ended = await engine.cli("unprotect", "flinkdeployment/orders", "-n", namespace)
    assert (ended.code, ended.out) == (0, f"{application} is not protected any more\n")
    nobody = await engine.cli("describe", "flinkdeployment/orders", "-n", namespace)
    assert nobody.code == 1
    assert "is not protected" in nobody.err


async def is_idle(engine: Engine, application: ApplicationRef) -> None:
    """Assert that nothing is pending, and that there never was a timer."""
    handle = engine.client.get_workflow_handle(application_id(application))
    described = await handle.describe()
    assert not described.raw_description.pending_activities
    events = (await handle.fetch_history()).events
    assert EventType.EVENT_TYPE_TIMER_STARTED not in {each.event_type for each in events}


async def test_a_generation_that_nobody_knows_stops_and_asks(
    engine: Engine, namespace: str, tmp_path: Path
) -> None:
    """As after a day-old Temporal database: it is told, and a person's word takes it over."""
    application = await engine.apply_flink("orders", namespace)
    policy = write_policy(tmp_path, failover_policy("orders", namespace))
    await engine.cli("protect", "-f", policy, "-n", namespace)
    await shows(engine, application, home="east")
    mark = {
        "stateful-failover.dev/failover-id": "failover/of/another/database",
        "stateful-failover.dev/generation": "5",
    }
    await engine.edit("east", application, {"metadata": {"annotations": mark}})
    assert await wake(engine.client, application)
    asking = await shows(engine, application, newer_generation=5)
    assert asking.view.phase is ApplicationPhase.NEWER_GENERATION
    said = await engine.cli("protect", "-f", policy, "-n", namespace)
    assert "as before" in said.out
    taken = await shows(engine, application, generation=5, newer_generation=0)
    assert taken.view.starts
    await engine.cli("unprotect", "flinkdeployment/orders", "-n", namespace)


async def test_what_cannot_be_protected_is_told(
    engine: Engine, namespace: str, tmp_path: Path
) -> None:
    """What is not on any cluster cannot be protected, and what is wrong is said."""
    policy = write_policy(tmp_path, failover_policy("nowhere", namespace))
    said = await engine.cli("protect", "-f", policy, "-n", namespace)
    assert said.code == 1
    assert "no cluster of the fleet has an application" in said.err
    wrong = await engine.cli("protect", "-f", policy, "--mode", "brave")
    assert wrong.code == 2
    assert "write Observe, Confirm or Automatic" in wrong.err
    unknown = await engine.cli(
        "suspend", "flinkdeployment/nowhere", "-n", namespace, "--reason", "why"
    )
    assert unknown.code == 1
    assert "is not protected" in unknown.err


@asynccontextmanager
async def watching(engine: Engine, policies: Path) -> AsyncGenerator[None, None]:
    """A watcher as `failover watch` makes it, until the end of the block."""
    start = Starting(engine.connected)
    watcher = Watcher(
        engine.fleet,
        PolicyDirectory(policies),
        start,
        Metrics(),
        Manner(Limits(blocked_after_seconds=3)),
        Keeper(start.client, f"directory {policies}"),
    )
    task = asyncio.create_task(watcher.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_watcher_keeps_them_in_step(
    engine: Engine, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its directory is declared and undeclared; what a person has declared is watched too, and held while suspended."""
    monkeypatch.setattr(policies_module, "READ_EVERY", timedelta(seconds=0.1))
    monkeypatch.setattr(watcher_module, "SWEEP_EVERY", timedelta(seconds=0.2))
    monkeypatch.setattr(keeping, "REFRESH_EVERY", timedelta(seconds=0.2))
    directory = tmp_path / "policies"
    directory.mkdir()
    orders = await engine.apply_flink("orders", namespace)
    clicks = await engine.apply_flink("clicks", namespace)
    file = write_policy(directory, failover_policy("orders", namespace))
    by_hand = write_policy(tmp_path, failover_policy("clicks", namespace))
    await engine.cli("protect", "-f", by_hand, "-n", namespace, "--mode", "Automatic")
    await engine.cli("suspend", "flinkdeployment/clicks", "-n", namespace, "--reason", "a test")
    async with watching(engine, directory):
        declared = await shows(engine, orders, home="east")
        assert declared.view.declaration.declared_by == f"directory {directory}"
        assert declared.view.declaration.mode == "Automatic"
        await engine.operator.kill_job_manager("east", namespace, "clicks")
        ill = await seen_ill(engine, clicks)
        assert ill.phase is ApplicationPhase.SUSPENDED
        assert "No failovers known" in (await engine.cli("list", "-n", namespace, "--all")).err
        await engine.cli("resume", "flinkdeployment/clicks", "-n", namespace)
        await shows(engine, clicks, home="west", generation=1)

        await asyncio.to_thread(Path(file).unlink)

        async def ended() -> bool:
            return await view(engine, orders) is None

        await engine.wait_for(ended, "orders is not protected any more")
        assert await view(engine, clicks) is not None, "that is a person's"
    await engine.cli("unprotect", "flinkdeployment/clicks", "-n", namespace)


async def seen_ill(engine: Engine, application: ApplicationRef) -> ApplicationView:
    """The protection, once it has been woken and has seen that its application is ill."""

    async def reached() -> ApplicationView | None:
        found = await view(engine, application)
        health = found.known.health if found is not None else None
        return found if health is not None and health.status == "Unhealthy" else None

    return await engine.wait_for(reached, f"{application} is known to be ill")
