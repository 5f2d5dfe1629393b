"""A failover that waits calls a person, again and again, and says when it waits no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from failover.domain.calling.call import PATIENCE
from tests.support.engine import NOBODY, Engine, failover_policy, write_policy
from tests.support.phone import Phone, ringing


@asynccontextmanager
async def calling(engine: Engine, *others: dict[str, Any]) -> AsyncGenerator[Phone, None]:
    """A phone that the worker calls every second, beside these receivers, until the end of the block."""
    async with ringing() as phone:
        document = yaml.safe_load(NOBODY)
        ours = {"name": "phone", "alertmanager": {"url": phone.url}}
        document["spec"] = {"repeatSeconds": 1, "receivers": [ours, *others]}
        await asyncio.to_thread(engine.receivers_file.write_text, yaml.safe_dump(document))
        try:
            yield phone
        finally:
            await asyncio.to_thread(engine.receivers_file.write_text, NOBODY)


async def test_a_blocked_failover_calls_until_somebody_decides(
    engine: Engine, namespace: str, tmp_path: Path
) -> None:
    """A receiver that does not answer is told of, and hinders neither the other one nor the decision."""
    policy = write_policy(tmp_path, failover_policy("orders", namespace, json_path="{ .no.such }"))
    await engine.apply_sick_flink("orders", namespace)
    place = ("flinkdeployment/orders", "-n", namespace)
    dead = {"name": "dead", "alertmanager": {"url": "http://127.0.0.1:1"}}
    async with calling(engine, dead) as phone:
        forced = ("--force", "--reason", "a test", "--wait", "--timeout", "60")
        started = await engine.cli("start", *place, "-f", policy, "-y", *forced)
        assert started.code == 3, started.err

        async def repeated() -> bool:
            return len(phone.alerts) >= 2

        await engine.wait_for(repeated, "the call is repeated")
        status = await engine.cli("status", *place)
        assert "not reached: dead (cannot be reached (Connection refused))" in status.out
        aborted = await engine.cli("abort", *place, "--actor", "ada", "--reason", "a test")
        assert aborted.code == 0, aborted.err
        await waits_no_more(engine, phone, "Blocked")
    first, *_, last = phone.alerts
    assert first["labels"]["namespace"] == namespace
    assert first["labels"]["waiting"] == "Blocked"
    assert first["annotations"]["copies"] == "the original is untouched on east"
    assert first["annotations"]["command"].endswith(f"flinkdeployment/orders -n {namespace}")
    assert last["labels"] == first["labels"]
    assert last["endsAt"] < first["endsAt"]


async def test_who_waits_for_an_approval_or_is_held_calls_as_well(
    engine: Engine, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call says what to type; once that is done it is over, and what then holds the failover calls anew."""
    monkeypatch.setitem(PATIENCE, "Held", timedelta(0))
    policy = write_policy(tmp_path, failover_policy("orders", namespace, mode="Confirm"))
    orders = await engine.apply_sick_flink("orders", namespace)
    place = ("flinkdeployment/orders", "-n", namespace)
    async with calling(engine) as phone:
        await engine.cli("start", *place, "-f", policy, "-y")
        wanted = await told(engine, phone, "AwaitingApproval")
        assert wanted["annotations"]["command"] == f"failover approve {' '.join(place)}"
        await engine.cli("pause", *place, "--reason", "power works")
        await engine.cli(*wanted["annotations"]["command"].split()[1:], "-y", "--actor", "ada")
        over = await waits_no_more(engine, phone, "AwaitingApproval")
        assert over["labels"] == wanted["labels"]
        held = await told(engine, phone, "Held")
        assert "power works" in held["annotations"]["message"]
        assert held["annotations"]["copies"] == "the original is untouched on east"
        await engine.cli("resume", *place)
        over = await waits_no_more(engine, phone, "Held")
        assert over["labels"] == held["labels"]
        assert (await engine.in_phase(orders, "Completed")).phase == "Completed"


async def told(engine: Engine, phone: Phone, waiting: str) -> dict[str, Any]:
    """The first call for a wait of this kind."""
    return await heard(engine, phone, waiting, f"is {waiting}")


async def waits_no_more(engine: Engine, phone: Phone, waiting: str) -> dict[str, Any]:
    """The word that a wait of this kind is over."""
    return await heard(engine, phone, waiting, "waits no more")


async def heard(engine: Engine, phone: Phone, waiting: str, what: str) -> dict[str, Any]:
    """The first alert about a wait of this kind whose summary says so."""

    async def rung() -> dict[str, Any] | None:
        ours = (each for each in phone.alerts if each["labels"]["waiting"] == waiting)
        return next((each for each in ours if what in each["annotations"]["summary"]), None)

    return await engine.wait_for(rung, f"a call: {waiting} {what}")
