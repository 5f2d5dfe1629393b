"""How changes reach followers, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from failover.domain.identity import GroupKind
from failover.fleet import Change
from failover.kube.connection import Call, Connection
from failover.kube.following import Follower, Followings
from failover.kube.store import Interest, Store
from failover.kube.watching import Patience


def manifest(uid: str, *, namespace: str = "shop", owners: tuple[str, ...] = ()) -> dict[str, Any]:
    """An object whose name is its uid's first letter."""
    metadata: dict[str, Any] = {"uid": uid, "namespace": namespace, "name": uid[0]}
    metadata["ownerReferences"] = [{"uid": owner} for owner in owners]
    return {"metadata": metadata}


async def taken(follower: Follower, count: int) -> list[tuple[str, Any]]:
    """The next changes of a follower."""
    changes: AsyncIterator[Change] = follower.changes()
    found = [await anext(changes) for _ in range(count)]
    return [(change.type, change.manifest.get("v")) for change in found]


async def test_slow_follower_gets_the_last_of_each_object() -> None:
    """Of many changes to one object that nobody took, one is kept."""
    follower = Follower()
    for version in range(1000):
        follower.put("a", Change("Present", {"v": version}))
    follower.put("b", Change("Present", {"v": 0}))
    follower.put("a", Change("Deleted", {"v": 1000}))
    assert await taken(follower, 2) == [("Present", 0), ("Deleted", 1000)]


async def test_synced_comes_after_what_it_is_about() -> None:
    """Synced never overtakes an object, and takes the place of a Stale that nobody saw."""
    follower = Follower()
    follower.mark(Change("Stale", {}))
    follower.put("a", Change("Present", {"v": 1}))
    follower.mark(Change("Synced", {}))
    assert await taken(follower, 2) == [("Present", 1), ("Synced", None)]


async def test_follower_waits_for_what_comes_later() -> None:
    """A follower that has taken everything is woken by the next change."""
    follower = Follower()
    waiting = asyncio.ensure_future(taken(follower, 1))
    await asyncio.sleep(0)
    assert not waiting.done()
    follower.put("a", Change("Present", {"v": 1}))
    assert await waiting == [("Present", 1)]


UIDS = st.sampled_from(["a1", "a2", "b1", "c1"])
OWNERS = st.lists(st.sampled_from(["o1", "o2"]), max_size=2).map(tuple)
OBJECTS = st.builds(manifest, UIDS, namespace=st.sampled_from(["shop", "other"]), owners=OWNERS)
INTERESTS = st.builds(
    Interest,
    st.sampled_from(["", "shop"]),
    st.sampled_from(["", "a", "b"]),
    st.sampled_from(["", "o1"]),
)


@given(st.lists(st.one_of(OBJECTS, UIDS)), INTERESTS)
def test_index_finds_what_a_search_would(
    steps: list[dict[str, Any] | str], interest: Interest
) -> None:
    """After any changes, the index gives exactly the objects that satisfy an interest."""
    store = Store()
    for step in steps:
        if isinstance(step, str):
            store.remove(step)
        else:
            store.put(step)
    every = {uid: store.get(uid) for uid in store.uids()}
    wanted = {uid for uid, one in every.items() if interest in Interest.all_of(one)}
    assert {uid for uid, _ in store.matching(interest)} == wanted


class Listing:
    """A collection that is empty, counts its lists, and whose watch never says anything."""

    connection = cast("Connection", None)

    def __init__(self) -> None:
        self.lists = 0

    async def list_at(self) -> tuple[list[dict[str, Any]], str]:
        """Nothing."""
        self.lists += 1
        return [], "1"

    async def watch_from(self, version: str, seconds: int) -> Call:
        """Never."""
        await asyncio.Event().wait()
        raise AssertionError(version, seconds)


async def test_who_asks_a_watch_keeps_it() -> None:
    """A crowd of looks, one after the other, costs one list; when nobody asks any more, it ends."""
    source, kind = Listing(), GroupKind("apps", "Deployment")
    followings = Followings(lambda _kind, _namespace: source, Patience(), linger_seconds=0.3)
    async with followings.follow(kind, "shop", owner_uid="o") as changes:
        await anext(changes)
    [watch] = followings._watches.values()
    loop = asyncio.get_running_loop()
    until = loop.time() + 3 * followings.linger_seconds
    while loop.time() < until:
        assert followings.known(kind, "shop", "o") == []
        await asyncio.sleep(0)
    assert source.lists == 1
    await asyncio.wait({watch.task}, timeout=10)
    assert watch.task.cancelled()
    assert followings._watches == {}
