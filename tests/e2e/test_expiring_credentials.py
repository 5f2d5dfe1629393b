"""Credentials that end in the middle of a failover are renewed, and the failover does not notice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from devstack.flink import FlinkOperator
from devstack.world import World
from failover.domain.manifest import Manifest
from failover.domain.policy.reading import read_policies
from failover.domain.request import FailoverRequest, Trigger
from failover.kube.fleet import open_fleet
from failover.kube.fleetfile import load_fleet
from failover.telemetry import Metrics
from failover.temporal import ensure_search_attributes
from tests.integration.kube.connecting import edited, server_of
from tests.integration.kube.test_credentials import EXEC, credential, install_plugin, runs
from tests.support.engine import (
    API_VERSION,
    Engine,
    failover_policy,
    flink_deployment,
    write_policy,
)
from tests.support.namespaces import namespaced
from tests.support.printed import user_of_role
from tests.support.relay import Relay
from tests.support.waiting import eventually
from triggers.starting import Started, start_failover
from worker import at_work

LIFE = timedelta(seconds=12)
FINALIZER = "tests.stateful-failover.dev/hold"


@asynccontextmanager
async def relayed(
    world: World, kubeconfig: Path, copy: Path
) -> AsyncGenerator[tuple[Path, dict[str, Relay]], None]:
    """A kubeconfig that leads through relays, which can cut every connection."""
    async with AsyncExitStack() as stack:
        relays: dict[str, Relay] = {}
        path = kubeconfig
        for name in world.clusters:
            host, _, port = server_of(kubeconfig, name).removeprefix("https://").partition(":")
            relays[name] = relay = Relay(host, int(port))
            await relay.start()
            stack.push_async_callback(relay.stop)
            path = edited(path, copy, cluster={"server": relay.address}, only=name)
        yield path, relays


async def test_a_credential_that_ends_in_the_middle_of_a_purge_is_renewed(
    world: World,
    flink: FlinkOperator,
    engine: Engine,
    namespace: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The certificate is over and all connections are cut while a finalizer holds the purge.

    Its worker may do what `failover rbac` prints for a mover of this policy, and is refused nothing.
    """
    document = failover_policy("orders", namespace)
    document["spec"]["propagateDeps"] = True
    user = await user_of_role(engine, "mover", namespace, write_policy(tmp_path, document))
    mover = world.write_kubeconfig(tmp_path / "mover", user=user)
    ends = datetime.now(UTC) + LIFE
    counter = install_plugin(
        tmp_path,
        *(credential(world.credentials(user, lifetime=LIFE), ends) for _ in world.clusters),
        credential(world.credentials(user)),
    )
    application = engine.flink("orders", namespace)
    manifest = flink_deployment("orders", namespace)
    manifest["metadata"]["finalizers"] = [FINALIZER]
    manifest["spec"]["podTemplate"] = reading("settings")
    await world.install("east", [config_map("settings", namespace), manifest])
    there = await engine.healthy_on("east", application)
    await flink.kill_job_manager("east", namespace, "orders")
    client = await namespaced(world)
    await ensure_search_attributes(client)
    path = f"/apis/{API_VERSION}/namespaces/{namespace}/flinkdeployments/orders"
    policy = read_policies(yaml.safe_dump(document), "p").policies[0]
    plugged = edited(mover, tmp_path / "kubeconfig", user={"exec": EXEC})
    async with (
        relayed(world, plugged, tmp_path / "kubeconfig") as (kubeconfig, relays),
        open_fleet(load_fleet(world.fleet_file, kubeconfig)) as fleet,
        at_work(client, fleet, Metrics()),
    ):
        request = FailoverRequest(
            application=application,
            source="east",
            source_uid=there["metadata"]["uid"],
            policy=policy,
            trigger=Trigger(actor="tests"),
        )
        started = await start_failover(client, request)
        assert isinstance(started, Started)

        async def going() -> bool:
            return "deletionTimestamp" in (await world.api("east").get(path))["metadata"]

        await eventually(going, "the delete is accepted")
        before = runs(counter)
        await eventually(lambda: datetime.now(UTC) > ends, "the first certificate is over")
        for relay in relays.values():
            relay.cut()
        await world.api("east").merge(path, {"metadata": {"finalizers": []}})
        async with asyncio.timeout(60):
            result = await client.get_workflow_handle(started.id).result()
    assert (result["outcome"], result["reason"]) == ("Completed", "")
    assert runs(counter) > before, "the plugin was asked again"
    assert await world.api("west").find(path) is not None
    here = f"/api/v1/namespaces/{namespace}"
    assert await world.api("west").find(f"{here}/configmaps/settings") is not None
    told = await world.api("west").list(f"{here}/events")
    assert "FailoverCompleted" in {each["reason"] for each in told}
    assert "orbidden" not in caplog.text


def config_map(name: str, namespace: str) -> Manifest:
    """What the application cannot do without."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"key": "value"}}


def reading(name: str) -> Manifest:
    """A pod template that reads this ConfigMap."""
    container = {"name": "main", "envFrom": [{"configMapRef": {"name": name}}]}
    return {"spec": {"containers": [container]}}
