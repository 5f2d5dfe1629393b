"""`doctor` sees what would keep a failover from working, and says how to mend it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from devstack.world import World
from failover.domain.identity import failover_id
from tests.support.engine import Engine, command, failover_policy, write_policy

NOWHERE = "127.0.0.1:1"


def found(answer: dict[str, Any], about: str) -> dict[str, dict[str, str]]:
    """The findings about one thing, by reason."""
    return {each["reason"]: each for each in answer["findings"] if each["about"] == about}


async def examined(engine: Engine, policy: str) -> dict[str, Any]:
    """What the doctor finds; the shared world may hold troubles of other tests."""
    answered = await engine.cli("doctor", "-f", policy, "-o", "json")
    assert answered.code in {0, 1}, answered.err
    return dict(answered.json)


async def test_what_is_well_is_said_to_be_so(
    engine: Engine, namespace: str, tmp_path: Path
) -> None:
    """Temporal, the worker, each cluster with our rights, and the application."""
    application = await engine.apply_flink("orders", namespace)
    policy = write_policy(tmp_path, failover_policy("orders", namespace))
    answer = await examined(engine, policy)
    assert {"Connected", "SearchAttributes"} <= set(found(answer, "Temporal"))
    assert found(answer, "worker")["Polling"]["level"] == "ok"
    for cluster in engine.world.clusters:
        assert set(found(answer, f"cluster {cluster}")) == {"Reachable", "MayMove"}
    assert {each["level"] for each in found(answer, str(application)).values()} == {"ok"}


async def test_an_application_that_is_ill_is_a_warning(
    engine: Engine, namespace: str, tmp_path: Path
) -> None:
    """It would be moved, which is no trouble of the engine's."""
    application = await engine.apply_sick_flink("orders", namespace)
    policy = write_policy(tmp_path, failover_policy("orders", namespace))
    finding = found(await examined(engine, policy), str(application))["StatusContradictsPods"]
    assert finding["level"] == "warn"
    assert finding["remedy"] == f"failover plan flinkdeployment/orders -n {namespace}"


async def test_an_owner_that_would_put_it_back_fails(
    engine: Engine, namespace: str, tmp_path: Path
) -> None:
    """Named, with what to do about it."""
    application = await engine.apply_flink("orders", namespace)
    labels = {"argocd.argoproj.io/instance": "shop"}
    await engine.edit("east", application, {"metadata": {"labels": labels}})
    policy = write_policy(tmp_path, failover_policy("orders", namespace))
    finding = found(await examined(engine, policy), str(application))["ManagedElsewhere"]
    assert finding["level"] == "fail"
    assert "Application shop" in finding["message"]


async def test_an_application_on_two_clusters_fails(
    engine: Engine, namespace: str, tmp_path: Path
) -> None:
    """Nobody knows which of the copies is the real one."""
    application = await engine.apply_flink("orders", namespace, "east")
    await engine.apply_flink("orders", namespace, "west")
    policy = write_policy(tmp_path, failover_policy("orders", namespace))
    finding = found(await examined(engine, policy), str(application))["LivesOnTwoClusters"]
    assert finding["level"] == "fail"
    assert "east and west" in finding["message"]


async def test_a_failover_that_nobody_carries_on_fails(
    engine: Engine, namespace: str, tmp_path: Path
) -> None:
    """A terminated run leaves an open record; the command that adopts it is said."""
    application = await engine.apply_sick_flink("orders", namespace)
    await engine.edit("east", application, {"metadata": {"finalizers": ["example.com/hold"]}})
    policy = write_policy(tmp_path, failover_policy("orders", namespace))
    where = ("flinkdeployment/orders", "-n", namespace)
    started = await engine.cli("start", *where, "-f", policy, "-y")
    assert started.code == 0, started.err
    await engine.in_phase(application, "Purging")
    assert "Interrupted" not in found(await examined(engine, policy), str(application))
    await engine.client.get_workflow_handle(failover_id(application)).terminate("for the test")
    finding = found(await examined(engine, policy), str(application))["Interrupted"]
    assert finding["level"] == "fail"
    assert finding["remedy"] == f"failover start {' '.join(where)} -f POLICY"
    await engine.edit("east", application, {"metadata": {"finalizers": None}})


async def test_silent_servers_are_named_and_the_rest_is_looked_at(
    engine: Engine, tmp_path: Path
) -> None:
    """Exit code 1; a cluster that answers is examined all the same."""
    kubeconfig = yaml.safe_load(engine.world.kubeconfig.read_text())
    for each in kubeconfig["clusters"]:
        if each["name"] == "east":
            each["cluster"]["server"] = f"https://{NOWHERE}"
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(kubeconfig))
    flags = ("--kubeconfig", str(path), "--temporal-address", NOWHERE)
    answered = await _said("doctor", "--fleet", str(engine.fleet_file), *flags)
    assert answered["fail"] == 2
    assert "TemporalUnreachable" in found(answered, "Temporal")
    assert found(answered, "cluster east")["ClusterUnreachable"]["remedy"]
    assert "Reachable" in found(answered, "cluster west")


@pytest.mark.parametrize(
    ("role", "reason", "level"),
    [
        pytest.param("", "Forbidden", "fail", id="no-rights"),
        pytest.param("watcher", "MayNotMove", "warn", id="watcher"),
        pytest.param("mover", "MayMove", "ok", id="mover"),
    ],
)
async def test_rights_are_those_that_rbac_prints(
    engine: Engine, world: World, namespace: str, tmp_path: Path, role: str, reason: str, level: str
) -> None:
    """What `failover rbac` prints is exactly what `doctor` asks for."""
    policy = write_policy(tmp_path, failover_policy("orders", namespace))
    user = f"{role or 'nobody'}-{namespace}"
    if role:
        flags = ("--role", role, "--subject", f"User:{user}")
        printed = await engine.cli("rbac", "-f", policy, *flags)
        assert printed.code == 0, printed.err
        await world.install("east", list(yaml.safe_load_all(_named(printed.out, role, namespace))))
    path = world.write_kubeconfig(tmp_path / "kubeconfig", user=user, clusters=("east",))
    flags = ("--kubeconfig", str(path), "--temporal-address", world.temporal_address)
    answer = await _said("doctor", "-f", policy, *flags)
    assert found(answer, "cluster east")[reason]["level"] == level


def _named(printed: str, role: str, namespace: str) -> str:
    """The roles under names of this test's own."""
    return printed.replace(f"stateful-failover-{role}", f"stateful-failover-{role}-{namespace}")


async def _said(*arguments: str) -> dict[str, Any]:
    """What a command with flags of its own says; in a thread, as `engine.cli` does."""
    answered = await asyncio.to_thread(command, *arguments, "-o", "json")
    assert answered.out, answered.err
    return dict(json.loads(answered.out))
