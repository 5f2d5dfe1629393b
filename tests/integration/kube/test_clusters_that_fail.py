"""Clusters that refuse, are silent, are gone, or are suddenly somebody else."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path

import pytest

from devstack.world import World
from failover.domain.errors import (
    ClusterBusy,
    ClusterUnreachable,
    CredentialsRejected,
    FailoverError,
    Forbidden,
    UnknownKind,
)
from failover.domain.identity import GroupKind
from failover.kube.cluster import KubeCluster
from failover.kube.connection import Limits
from failover.kube.fleet import open_fleet
from failover.kube.fleetfile import load_fleet
from tests.integration.kube.connecting import SHORT, cluster_at, edited
from tests.integration.kube.objects import (
    CONFIG_MAP,
    SECRET,
    config_map,
    widget,
    widget_definition,
    widget_short_name,
)

DEADLINE_SECONDS = 30.0


async def test_forbidden_names_user_verb_and_resource(
    world: World, namespace: str, tmp_path: Path
) -> None:
    """Who may not do it, what, and where: the operator can write the Role from the message."""
    kubeconfig = world.write_kubeconfig(tmp_path / "kubeconfig", user="nobody-special")
    async with cluster_at(kubeconfig, "east") as east:
        with pytest.raises(Forbidden) as caught:
            await east.get(CONFIG_MAP, namespace, "one")
        with pytest.raises(Forbidden):
            await east.find(CONFIG_MAP, namespace, "one")
        assert not await east.allowed(CONFIG_MAP, "get", namespace)
    message = caught.value.message
    assert f"get ConfigMap {namespace}/one on east: not allowed" in message
    for part in ('User "nobody-special"', 'get resource "configmaps"', f'namespace "{namespace}"'):
        assert part in message


async def test_terminating_namespace_has_a_reason_of_its_own(
    east: KubeCluster, world: World, namespace: str
) -> None:
    """A namespace on its way out is told from a missing right."""
    held = config_map(namespace, "held")
    held["metadata"]["finalizers"] = ["example.test/hold"]
    await east.create(held)
    await world.api("east").delete(f"/api/v1/namespaces/{namespace}")
    with pytest.raises(Forbidden, match="namespace is being deleted") as caught:
        await east.create(config_map(namespace, "late"))
    assert caught.value.reason == "NamespaceTerminating"
    release = [{"op": "remove", "path": "/metadata/finalizers"}]
    await east.patch(CONFIG_MAP, namespace, "held", release)


async def test_unknown_authority_is_said(world: World, tmp_path: Path) -> None:
    """A server whose certificate is not trusted is not merely "unreachable"."""
    strange = {"certificate-authority-data": None, "tls-server-name": "localhost"}
    kubeconfig = edited(world.kubeconfig, tmp_path / "kubeconfig", cluster=strange)
    async with cluster_at(kubeconfig, "east") as east:
        with pytest.raises(ClusterUnreachable, match="not signed by the authority") as caught:
            await east.uid()
    assert caught.value.reason == "CertificateNotTrusted"


async def test_unknown_token_is_rejected_for_good(world: World, tmp_path: Path) -> None:
    """Credentials that stay wrong after a renewal need a person."""
    kubeconfig = edited(world.kubeconfig, tmp_path / "kubeconfig", user={"token": "no-such-token"})
    async with cluster_at(kubeconfig, "east") as east:
        with pytest.raises(CredentialsRejected, match="does not accept our credentials") as caught:
            await east.list(SECRET, "default")
    assert "no-such-token" not in str(caught.value)
    assert not caught.value.transient


async def test_dead_cluster_hinders_nobody_else(world: World, tmp_path: Path) -> None:
    """One cluster that refuses connections leaves the rest of its fleet as quick as ever."""
    nowhere = {"server": "https://127.0.0.1:1"}
    kubeconfig = edited(world.kubeconfig, tmp_path / "config", cluster=nowhere, only="east")
    async with open_fleet(load_fleet(world.fleet_file, kubeconfig)) as fleet:
        with pytest.raises(ClusterUnreachable, match=r"on east: .* cannot be reached \("):
            await fleet.cluster("east").create(config_map("default", "x"))
        async with fleet.cluster("east").follow(CONFIG_MAP, "default"):
            assert await fleet.cluster("west").uid()


async def test_full_queue_is_said(shaky: World) -> None:
    """Behind a cluster that does not answer, a request gives up its place in the line in time."""
    limits = Limits(in_flight_max=1, answer_seconds=3.0, queue_seconds=0.2)
    async with cluster_at(shaky.kubeconfig, "lone", limits=limits) as lone:
        await lone.uid()
        part = shaky.part("lone/apiserver")
        await part.freeze()
        try:
            first = asyncio.create_task(lone.uid())
            await asyncio.sleep(0)
            with pytest.raises(ClusterBusy, match="it was not sent"):
                await lone.uid()
        finally:
            await part.thaw()
        assert await first


async def test_frozen_server_is_unreachable_in_time(shaky: World) -> None:
    """A server that keeps its connections and says nothing is left after the time for an answer."""
    part = shaky.part("lone/apiserver")
    async with cluster_at(shaky.kubeconfig, "lone", limits=SHORT) as lone:
        await lone.create(config_map("default", f"warm-{uuid.uuid4().hex[:6]}"))
        await part.freeze()
        try:
            with pytest.raises(
                ClusterUnreachable, match=r"within 2 s; whether it was done is not known"
            ):
                await lone.create(config_map("default", "frozen"))
            with pytest.raises(ClusterUnreachable, match=r"within 2 s$"):
                await lone.get(CONFIG_MAP, "default", "frozen")
        finally:
            await part.thaw()
        assert await lone.uid()


async def test_killed_server_is_unreachable_until_it_is_back(shaky: World) -> None:
    """After a restart the same connection goes on."""
    part = shaky.part("lone/apiserver")
    async with cluster_at(shaky.kubeconfig, "lone") as lone:
        before = await lone.uid()
        await part.kill()
        with pytest.raises(ClusterUnreachable):
            await lone.uid()
        await part.restart()
        assert await lone.uid() == before


async def test_kind_can_come_and_go(shaky: World) -> None:
    """A CRD that is installed is found; one that is removed is unknown, never "not found"."""
    group = f"g{uuid.uuid4().hex[:8]}.test"
    kind = GroupKind(group, "Widget")
    async with cluster_at(shaky.kubeconfig, "lone") as lone:
        with pytest.raises(UnknownKind):
            await lone.resource(kind)
        await shaky.install("lone", [widget_definition(group)])
        async with asyncio.timeout(DEADLINE_SECONDS):
            while await _missing(lone, kind):
                pass
        created = await lone.create(widget(group, "default", "one"))
        assert await lone.find(kind, "default", "one") == created
        assert (await lone.lookup(widget_short_name(group))).group_kind == kind
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.{group}"
        await shaky.api("lone").delete(path)
        with pytest.raises(UnknownKind):
            await _find_for_ever(lone, kind)


async def test_kind_can_move_to_another_version(shaky: World) -> None:
    """A remembered version that is no longer served is asked for anew, in the same call."""
    group = f"g{uuid.uuid4().hex[:8]}.test"
    kind = GroupKind(group, "Widget")
    definition = widget_definition(group)
    await shaky.install("lone", [definition])
    async with cluster_at(shaky.kubeconfig, "lone") as lone:
        assert (await lone.resource(kind)).version == "v1"
        [first] = definition["spec"]["versions"]
        second = {**first, "name": "v2"}
        definition["spec"]["versions"] = [{**first, "served": False, "storage": False}, second]
        await shaky.install("lone", [definition])
        async with asyncio.timeout(DEADLINE_SECONDS):
            while (await lone.resource(kind)).version == "v1":
                assert await lone.find(kind, "default", "none") is None


async def _find_for_ever(cluster: KubeCluster, kind: GroupKind) -> None:
    # While a CRD is being removed, its objects go first, and then the kind.
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            await cluster.find(kind, "default", "one")


async def _missing(cluster: KubeCluster, kind: GroupKind) -> bool:
    try:
        await cluster.resource(kind)
    except FailoverError:
        return True
    return False


async def test_another_cluster_at_the_same_address_is_noticed(shaky: World) -> None:
    """What was known of the kinds of a lost cluster is not believed of the one in its place."""
    group = f"g{uuid.uuid4().hex[:8]}.test"
    kind = GroupKind(group, "Widget")
    await shaky.install("lone", [widget_definition(group)])
    async with cluster_at(shaky.kubeconfig, "lone") as lone:
        before = await lone.uid()
        assert (await lone.resource(kind)).plural == "widgets"
        await shaky.destroy("lone")
        with pytest.raises(ClusterUnreachable):
            await lone.list(kind)
        await shaky.recreate("lone")
        with pytest.raises(UnknownKind):
            await lone.resource(kind)
        assert await lone.uid() != before
