"""A failover that waits calls a person, again and again, and says when it waits no more."""

from __future__ import annotations

import asyncio
from pathlib import Path

import yaml

from tests.support.engine import NOBODY, Engine, failover_policy, write_policy
from tests.support.phone import ringing


async def test_a_blocked_failover_calls_until_somebody_decides(
    engine: Engine, namespace: str, tmp_path: Path
) -> None:
    """A receiver that does not answer is told of, and hinders neither the other one nor the decision."""
    policy = write_policy(tmp_path, failover_policy("orders", namespace, json_path="{ .no.such }"))
    await engine.apply_sick_flink("orders", namespace)
    place = ("flinkdeployment/orders", "-n", namespace)
    async with ringing() as phone:
        document = yaml.safe_load(NOBODY)
        document["spec"] = {
            "repeatSeconds": 1,
            "receivers": [
                {"name": "phone", "alertmanager": {"url": phone.url}},
                {"name": "dead", "alertmanager": {"url": "http://127.0.0.1:1"}},
            ],
        }
        await asyncio.to_thread(engine.receivers_file.write_text, yaml.safe_dump(document))
        try:
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

            async def ended() -> bool:
                return "waits no more" in phone.alerts[-1]["annotations"]["summary"]

            await engine.wait_for(ended, "the end is told")
        finally:
            await asyncio.to_thread(engine.receivers_file.write_text, NOBODY)
    first, *_, last = phone.alerts
    assert first["labels"]["namespace"] == namespace
    assert first["labels"]["waiting"] == "Blocked"
    assert first["annotations"]["copies"] == "the original is untouched on east"
    assert first["annotations"]["command"].endswith(f"flinkdeployment/orders -n {namespace}")
    assert last["labels"] == first["labels"]
    assert last["endsAt"] < first["endsAt"]
