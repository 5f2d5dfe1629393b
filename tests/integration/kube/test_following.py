"""Following a collection on a real API server: whole at the start, never silent, never wrong."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from devstack.world import World
from failover.domain.identity import GroupKind
from failover.fleet import Change, Manifest
from failover.kube.cluster import KubeCluster
from failover.kube.connection import Call, Connection
from failover.kube.following import Followings
from failover.kube.listing import KindCollection
from tests.integration.kube.connecting import (
    BRISK,
    SHORT,
    cluster_at,
    server_of,
    with_server,
)
from tests.integration.kube.objects import CONFIG_MAP, config_map, widget, widget_definition
from tests.support.relay import relay_to

DEADLINE_SECONDS = 30.0
OLD_LISTS = 2
PATH = "/api/v1/namespaces/{}/configmaps"


async def until(changes: AsyncIterator[Change], wanted: Callable[[Change], bool]) -> list[Change]:
    """The changes up to and with the first wanted one."""
    taken: list[Change] = []
    async with asyncio.timeout(DEADLINE_SECONDS):
        async for change in changes:
            taken.append(change)
            if wanted(change):
                return taken
    raise AssertionError(taken)


def is_type(kind: str) -> Callable[[Change], bool]:
    """Whether a change is of this type."""
    return lambda change: change.type == kind


def is_of(name: str, kind: str = "Present") -> Callable[[Change], bool]:
    """Whether a change is of this type and object."""
    return lambda change: change.type == kind and name_of(change) == name


def name_of(change: Change) -> str:
    """The name of a change's object."""
    return str(change.manifest.get("metadata", {}).get("name", ""))


def seen(changes: list[Change]) -> list[tuple[str, str]]:
    """Types and names."""
    return [
        (change.type, name_of(change))
        for change in changes
        if name_of(change) != "kube-root-ca.crt"
    ]


async def test_follower_sees_what_is_and_what_becomes(east: KubeCluster, namespace: str) -> None:
    """The present state, then Synced, then every change as it happens."""
    await east.create(config_map(namespace, "one", a="1"))
    async with east.follow(CONFIG_MAP, namespace) as changes:
        start = await until(changes, is_type("Synced"))
        assert ("Present", "one") in seen(start)
        await east.create(config_map(namespace, "two"))
        assert seen(await until(changes, is_of("two"))) == [("Present", "two")]
        change = [{"op": "replace", "path": "/data/a", "value": "2"}]
        patched = await east.patch(CONFIG_MAP, namespace, "one", change)
        assert (await until(changes, is_of("one")))[-1].manifest == patched
        uid = patched["metadata"]["uid"]
        await east.delete(CONFIG_MAP, namespace, "one", uid=uid)
        assert seen(await until(changes, is_of("one", "Deleted"))) == [("Deleted", "one")]


async def test_follower_by_name_and_by_owner(east: KubeCluster, namespace: str) -> None:
    """A narrow follower is given its own objects only, and those that leave its view as Deleted."""
    owner = await east.create(config_map(namespace, "owner"))
    owned = config_map(namespace, "owned")
    owned["metadata"]["ownerReferences"] = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    ]
    await east.create(owned)
    by_name = east.follow(CONFIG_MAP, namespace, name="owner")
    by_owner = east.follow(CONFIG_MAP, namespace, owner_uid=owner["metadata"]["uid"])
    async with by_name as named, by_owner as ownings:
        assert seen(await until(named, is_type("Synced"))) == [("Present", "owner"), ("Synced", "")]
        assert seen(await until(ownings, is_type("Synced"))) == [
            ("Present", "owned"),
            ("Synced", ""),
        ]
        await east.patch(
            CONFIG_MAP, namespace, "owned", [{"op": "remove", "path": "/metadata/ownerReferences"}]
        )
        assert seen(await until(ownings, is_type("Deleted"))) == [("Deleted", "owned")]
        await east.patch(
            CONFIG_MAP, namespace, "owner", [{"op": "add", "path": "/data", "value": {"b": "1"}}]
        )
        assert seen(await until(named, is_of("owner"))) == [("Present", "owner")]


async def test_thousand_followers_share_one_watch(
    world: World, namespace: str, tmp_path: Path
) -> None:
    """A thousand waits in one namespace cost one connection for the watch."""
    async with relay_to(server_of(world.kubeconfig, "east")) as relay:
        kubeconfig = with_server(world.kubeconfig, relay.address, tmp_path / "kubeconfig")
        async with cluster_at(kubeconfig, "east") as east:
            names = [f"app-{number}" for number in range(1000)]

            async def wait_for(name: str) -> str:
                async with east.follow(CONFIG_MAP, namespace, name=name) as changes:
                    return name_of((await until(changes, is_of(name)))[-1])

            waits = [asyncio.create_task(wait_for(name)) for name in names]
            async with east.follow(CONFIG_MAP, namespace) as changes:
                await until(changes, is_type("Synced"))
            for name in names[:50]:
                await world.api("east").create(PATH.format(namespace), config_map(namespace, name))
            done = await asyncio.gather(*waits[:50])
            assert done == names[:50]
            assert not any(wait.done() for wait in waits[50:])
            assert relay.accepted <= 3
            for wait in waits[50:]:
                wait.cancel()
            await asyncio.gather(*waits[50:], return_exceptions=True)


async def test_cut_connection_loses_nothing(world: World, namespace: str, tmp_path: Path) -> None:
    """A watch that is cut goes on from where it was, and its followers do not notice."""
    async with relay_to(server_of(world.kubeconfig, "east")) as relay:
        kubeconfig = with_server(world.kubeconfig, relay.address, tmp_path / "kubeconfig")
        async with (
            cluster_at(kubeconfig, "east") as east,
            east.follow(CONFIG_MAP, namespace) as changes,
        ):
            await until(changes, is_type("Synced"))
            for number in range(5):
                relay.cut()
                name = f"after-{number}"
                await world.api("east").create(PATH.format(namespace), config_map(namespace, name))
                assert seen(await until(changes, is_of(name))) == [("Present", name)]


async def test_blindness_is_said_and_healed(world: World, namespace: str, tmp_path: Path) -> None:
    """Stale while nothing can be seen; afterwards all objects again, the vanished as Deleted."""
    api = world.api("east")
    for name in ("stays", "vanishes"):
        await api.create(PATH.format(namespace), config_map(namespace, name))
    async with relay_to(server_of(world.kubeconfig, "east")) as relay:
        kubeconfig = with_server(world.kubeconfig, relay.address, tmp_path / "kubeconfig")
        async with (
            cluster_at(kubeconfig, "east") as east,
            east.follow(CONFIG_MAP, namespace) as changes,
        ):
            await until(changes, is_type("Synced"))
            await relay.stop()
            [stale] = await until(changes, is_type("Stale"))
            assert stale.reason == "ClusterUnreachable"
            assert "on east" in stale.message
            async with east.follow(CONFIG_MAP, namespace, name="stays") as late:
                start = await until(late, is_type("Stale"))
                assert seen(start) == [("Present", "stays"), ("Stale", "")]
                await api.delete(PATH.format(namespace) + "/vanishes")
                await relay.start()
                assert seen(await until(late, is_type("Synced"))) == [
                    ("Present", "stays"),
                    ("Synced", ""),
                ]
            healed = seen(await until(changes, is_type("Synced")))
            assert set(healed) == {("Deleted", "vanishes"), ("Present", "stays"), ("Synced", "")}
            assert healed[-1] == ("Synced", "")


async def test_silent_server_is_noticed(world: World, namespace: str, tmp_path: Path) -> None:
    """A link that is dead but not cut makes Stale long before any bookmark is missed."""
    async with relay_to(server_of(world.kubeconfig, "east")) as relay:
        kubeconfig = with_server(world.kubeconfig, relay.address, tmp_path / "kubeconfig")
        east_of = cluster_at(kubeconfig, "east", limits=SHORT)
        async with east_of as east, east.follow(CONFIG_MAP, namespace) as changes:
            await until(changes, is_type("Synced"))
            await world.api("east").create(PATH.format(namespace), config_map(namespace, "one"))
            # It comes through the watch: the stream is open, and only a question can tell.
            await until(changes, is_of("one"))
            relay.hold()
            assert (await until(changes, is_type("Stale")))[-1].reason == "ClusterUnreachable"
            relay.release()
            await until(changes, is_type("Synced"))


@dataclass(frozen=True)
class OldCollection:
    """A collection whose first lists claim a version that the API server no longer keeps."""

    real: KindCollection
    lists: list[str]

    @property
    def connection(self) -> Connection:
        """That of the real one."""
        return self.real.connection

    async def list_at(self) -> tuple[list[Manifest], str]:
        """The truth, with a wrong version twice."""
        manifests, version = await self.real.list_at()
        self.lists.append(version)
        return manifests, "1" if len(self.lists) <= OLD_LISTS else version

    async def watch_from(self, version: str, seconds: int) -> Call:
        """As the real one."""
        return await self.real.watch_from(version, seconds)


async def test_expired_version_leads_to_a_new_list(shaky: World) -> None:
    """After 410 everything is listed again, unnoticed by those who have it already."""
    # A kind that is younger than the cluster: version 1 was never in its watch cache.
    group = f"g{uuid.uuid4().hex[:8]}.test"
    kind = GroupKind(group, "Widget")
    await shaky.install("lone", [widget_definition(group)])
    lists: list[str] = []
    async with cluster_at(shaky.kubeconfig, "lone") as lone:
        await lone.create(widget(group, "default", "one"))
        followings = Followings(
            lambda kind, where: OldCollection(lone._collection(kind, where), lists),
            BRISK,
        )
        async with followings.follow(kind) as changes:
            start = [("Present", "one"), ("Synced", "")]
            assert seen(await until(changes, is_type("Synced"))) == start
            await lone.create(widget(group, "default", "two"))
            assert seen(await until(changes, is_of("two"))) == [("Present", "two")]
            while len(lists) < OLD_LISTS + 1:
                await lone.uid()
            await lone.create(widget(group, "default", "three"))
            assert seen(await until(changes, is_of("three"))) == [("Present", "three")]
        await followings.close()


async def test_kind_that_is_not_there_yet(shaky: World) -> None:
    """Following a kind without a CRD says why nothing is seen, and begins once it is installed."""
    group = f"g{uuid.uuid4().hex[:8]}.test"
    kind = GroupKind(group, "Widget")
    async with cluster_at(shaky.kubeconfig, "lone") as lone, lone.follow(kind) as changes:
        [stale] = await until(changes, is_type("Stale"))
        assert stale.reason == "UnknownKind"
        await shaky.install("lone", [widget_definition(group)])
        await until(changes, is_type("Synced"))
        await lone.create(widget(group, "default", "one"))
        assert seen(await until(changes, is_of("one"))) == [("Present", "one")]


async def test_watch_ends_with_its_last_follower(east: KubeCluster, namespace: str) -> None:
    """A watch lingers for the next follower, and then ends."""
    followings = Followings(east._collection, BRISK, linger_seconds=0.05)
    async with followings.follow(CONFIG_MAP, namespace) as changes:
        await until(changes, is_type("Synced"))
        [watch] = followings._watches.values()
    async with followings.follow(CONFIG_MAP, namespace) as changes:
        await until(changes, is_type("Synced"))
        assert list(followings._watches.values()) == [watch]
    await asyncio.wait({watch.task}, timeout=DEADLINE_SECONDS)
    assert watch.task.cancelled()
    assert not followings._watches
