"""The simulated cluster answers as an API server does, as far as our own client can tell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.simulated import Kind, SimulatedCluster, served
from failover.domain.identity import GroupKind
from failover.fleet import Change
from failover.kube.cluster import KubeCluster
from failover.kube.configuration import Configurations
from failover.kube.connection import Connection, Limits
from failover.kube.listing import PAGE_SIZE
from failover.kube.watching import Patience

NAMESPACES = Kind("", "v1", "Namespace", "namespaces", namespaced=False)
DEPLOYMENTS = Kind("apps", "v1", "Deployment", "deployments")
DEPLOYMENT = GroupKind("apps", "Deployment")
KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{{name: east, cluster: {{server: "{server}"}}}}]
contexts: [{{name: east, context: {{cluster: east, user: bench}}}}]
users: [{{name: bench, user: {{}}}}]
"""
QUICK = Patience(silent_seconds=0.2, back_off_seconds=0.01, blind_seconds=60)
SECONDS = 10


@asynccontextmanager
async def reached(
    directory: Path, simulated: SimulatedCluster, patience: Patience = QUICK
) -> AsyncGenerator[KubeCluster, None]:
    """Our client, connected to it."""
    async with served([simulated]) as (address,):
        file = directory / "kubeconfig"
        file.write_text(KUBECONFIG.format(server=address))
        connection = Connection("east", Configurations("east", (file,), {}), Limits())
        cluster = KubeCluster(connection, patience)
        try:
            yield cluster
        finally:
            await cluster.close()


def put(simulated: SimulatedCluster, name: str, namespace: str = "shop", **more: object) -> None:
    """Write a Deployment."""
    simulated.put(
        DEPLOYMENTS, {"metadata": {"name": name, "namespace": namespace}, "status": dict(more)}
    )


async def seen(changes: AsyncIterator[Change], count: int) -> list[tuple[str, str, object]]:
    """The next changes: type, name and what the status says."""
    found: list[tuple[str, str, object]] = []
    async with asyncio.timeout(SECONDS):
        for _ in range(count):
            each = await anext(changes)
            metadata, status = each.manifest.get("metadata", {}), each.manifest.get("status", {})
            found.append((each.type, metadata.get("name", ""), status.get("v")))
    return found


async def test_pages_hold_everything_once(tmp_path: Path) -> None:
    """Two full pages and a rest, of one namespace only."""
    simulated = SimulatedCluster("east", (DEPLOYMENTS,))
    names = [f"orders-{number}" for number in range(2 * PAGE_SIZE + 3)]
    for name in names:
        put(simulated, name)
    put(simulated, "stranger", "elsewhere")
    async with reached(tmp_path, simulated) as cluster:
        found = await cluster.list(DEPLOYMENT, "shop")
        assert sorted(each["metadata"]["name"] for each in found) == sorted(names)
        assert (await cluster.find(DEPLOYMENT, "shop", "nobody")) is None
        assert (await cluster.get(DEPLOYMENT, "shop", "orders-7"))["kind"] == "Deployment"
        assert (
            await cluster.uid() == simulated.get(NAMESPACES, "", "kube-system")["metadata"]["uid"]
        )


async def test_changes_are_followed_over_the_ends_of_streams(tmp_path: Path) -> None:
    """Streams end each second, and what changes meanwhile is seen all the same, once."""
    simulated = SimulatedCluster("east", (DEPLOYMENTS,))
    put(simulated, "orders", v=0)
    patience = Patience(connection_seconds=1.3, back_off_seconds=0.01, silent_seconds=5)
    async with (
        reached(tmp_path, simulated, patience) as cluster,
        cluster.follow(DEPLOYMENT, "shop") as changes,
    ):
        assert await seen(changes, 2) == [("Present", "orders", 0), ("Synced", "", None)]
        for number in range(1, 40):
            put(simulated, "elsewhere", "other", v=number)
            put(simulated, "orders", v=number)
            assert await seen(changes, 1) == [("Present", "orders", number)]
        simulated.delete(DEPLOYMENTS, "shop", "orders")
        assert await seen(changes, 1) == [("Deleted", "orders", 39)]


async def test_bookmarks_keep_a_silent_stream_alive_and_fresh(tmp_path: Path) -> None:
    """Without them, a stream that brings nothing is cut; with them it goes on from a newer version."""
    simulated = SimulatedCluster("east", (DEPLOYMENTS,), bookmark_seconds=0.05)
    put(simulated, "orders", v=0)
    patience = Patience(silent_seconds=0.2, mute_seconds=0.4, connection_seconds=1.3)
    async with (
        reached(tmp_path, simulated, patience) as cluster,
        cluster.follow(DEPLOYMENT, "shop") as changes,
    ):
        await seen(changes, 2)
        put(simulated, "stranger", "elsewhere")  # only a bookmark tells of this version
        async with asyncio.timeout(SECONDS):
            while simulated.watched < 2:
                await simulated.asked.wait()
                simulated.asked.clear()
        put(simulated, "orders", v=1)
        assert await seen(changes, 1) == [("Present", "orders", 1)]
        assert simulated.watched_from >= 3
        assert simulated.listed == 1


async def test_an_expired_version_leads_to_a_new_list(tmp_path: Path) -> None:
    """What changed while nobody could watch is found."""
    simulated = SimulatedCluster("east", (DEPLOYMENTS,))
    put(simulated, "orders", v=0)
    put(simulated, "gone", v=0)
    patience = Patience(connection_seconds=1.3, back_off_seconds=0.01)
    async with (
        reached(tmp_path, simulated, patience) as cluster,
        cluster.follow(DEPLOYMENT, "shop") as changes,
    ):
        await seen(changes, 3)
        simulated.delete(DEPLOYMENTS, "shop", "gone")
        put(simulated, "orders", v=1)
        simulated.forget()
        found = sorted(await seen(changes, 2))
        assert found == [("Deleted", "gone", 0), ("Present", "orders", 1)]


async def test_a_list_by_labels_holds_nothing_else(tmp_path: Path) -> None:
    """Else what is closed would look open to whoever asks for open records only."""
    simulated = SimulatedCluster("east", (DEPLOYMENTS,))
    for name, labels in (("open", {"a": "true", "b": "true"}), ("closed", {"a": "true"}), ("bare", {})):  # fmt: skip
        metadata = {"name": name, "namespace": "shop", "labels": labels}
        simulated.put(DEPLOYMENTS, {"metadata": metadata})
    async with reached(tmp_path, simulated) as cluster:
        found = await cluster.list(DEPLOYMENT, "shop", label_selector="a=true,b=true")
    assert [each["metadata"]["name"] for each in found] == ["open"]
