"""The command line from start to end: what a person types, reads and gets as an exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from devstack.flink import ALIAS_LABEL
from failover.domain.identity import failover_id
from tests.support.engine import Engine, failover_policy, write_policy


async def test_a_sick_application_is_moved_by_one_command(
    engine: Engine, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`start --wait` shows topology and plan, moves it, and ends with 0; list, status and timeline tell."""
    monkeypatch.setenv("FAILOVER_UI", "http://temporal.example/")
    application = await engine.apply_sick_flink("orders", namespace)
    policy = write_policy(tmp_path, failover_policy("orders", namespace))
    started = await engine.cli("start", "flinkdeployment/orders", "-n", namespace, "-f", policy, "-y", "--wait", "--timeout", "60")  # fmt: skip
    assert started.code == 0, started.err
    assert "lives here" in started.out
    assert "Chosen" in started.out
    assert f"{failover_id(application)} started" in started.out
    assert f"http://temporal.example/namespaces/default/workflows/failover%2F{namespace}" in started.out
    assert "Completed" in started.out
    moved = await engine.healthy_on("west", application)
    assert ALIAS_LABEL not in moved["metadata"].get("labels", {})
    assert await engine.find("east", application) is None
