"""Many followers, one watch: each (kind, namespace) is watched once, and fanned out from memory.

A new follower gets the present state at once. Changes are found by what a follower asked for, so a
thousand waits, each for one object of the same namespace, cost the same per change as one. A slow
follower keeps only the last state of each object, and holds up nobody.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

from failover.domain.errors import FailoverError
from failover.domain.identity import GroupKind
from failover.fleet import Change, Manifest
from failover.kube.lean import whole
from failover.kube.store import Interest, Store
from failover.kube.watching import Blind, Collection, Listed, Patience, Seen, Vanished, seen

LINGER_SECONDS = 5.0
_SYNCED = "Synced"
_STALE = "Stale"


class Follower:
    """What one follower has not taken yet: the last change of each object, in order of arrival."""

    def __init__(self) -> None:
        """Begin with nothing to give."""
        self._pending: dict[str, Change] = {}
        self._arrived = asyncio.Event()
        self._failure: BaseException | None = None

    def put(self, uid: str, change: Change) -> None:
        """Add a change in the place of an earlier one to the same object."""
        self._pending.pop(uid, None)
        self._pending[uid] = change
        self._arrived.set()

    def mark(self, change: Change) -> None:
        """Add `Synced` or `Stale` in the place of an earlier one that was not taken."""
        self._pending.pop(_SYNCED, None)
        self._pending.pop(_STALE, None)
        self.put(change.type, change)

    def fail(self, error: BaseException) -> None:
        """End the following with an error that nobody foresaw."""
        self._failure = error
        self._arrived.set()

    async def changes(self) -> AsyncGenerator[Change, None]:
        """Give the changes as they come, for ever."""
        while True:
            await self._arrived.wait()
            if self._failure is not None:
                raise self._failure
            while self._pending:
                yield self._pending.pop(next(iter(self._pending)))
            self._arrived.clear()


class SharedWatch:
    """The one watch of a kind in a namespace, its store, and those who follow it."""

    def __init__(
        self, collection: Collection, patience: Patience, keep: Callable[[Manifest], Manifest]
    ) -> None:
        """Begin to watch, in a task that knows nothing of the caller that happened to start it."""
        loop = asyncio.get_running_loop()
        self._store = Store()
        self._followers: dict[Interest, set[Follower]] = {}
        self._synced = False
        self._stale: Change | None = None
        self._keep = keep
        self.used_at = loop.time()
        """When somebody has followed or asked last."""
        self.lingers = False
        """Whether it is going to be looked at whether anybody still wants it."""
        self._sightings = seen(collection, patience, loop.time)
        self.task = loop.create_task(self._run(), context=contextvars.Context())

    @property
    def followed(self) -> bool:
        """Whether anybody follows."""
        return bool(self._followers)

    def known(self, interest: Interest) -> list[Manifest] | None:
        """What is known, if the watch is in step."""
        if self._stale is not None or not self._synced or self.task.done():
            return None
        return [manifest for _, manifest in self._store.matching(interest)]

    def join(self, interest: Interest) -> Follower:
        """A new follower, which gets what is known at once."""
        follower = Follower()
        self._followers.setdefault(interest, set()).add(follower)
        for uid, manifest in self._store.matching(interest):
            follower.put(uid, Change("Present", manifest))
        if self._stale is not None:
            follower.mark(self._stale)
        elif self._synced:
            follower.mark(Change("Synced", {}))
        return follower

    def leave(self, interest: Interest, follower: Follower) -> None:
        """Take a follower away."""
        followers = self._followers.get(interest, set())
        followers.discard(follower)
        if not followers:
            self._followers.pop(interest, None)

    def use(self) -> None:
        """Note that somebody follows or asks now."""
        self.used_at = asyncio.get_running_loop().time()

    async def _run(self) -> None:
        try:
            async with aclosing(self._sightings) as sightings:
                async for sighting in sightings:
                    match sighting:
                        case Listed(manifests):
                            self._relist(manifests)
                        case Seen(manifest):
                            self._present(self._keep(manifest))
                        case Vanished(manifest):
                            self._deleted(self._keep(manifest))
                        case Blind(error):
                            self._blind(error)
        except Exception as error:
            # A fault of ours must end all followings loudly: they would wait for ever otherwise.
            for follower in self._all():
                follower.fail(error)
            raise

    def _relist(self, manifests: list[Manifest]) -> None:
        recovered = self._stale is not None
        known = {str(manifest["metadata"]["uid"]) for manifest in manifests}
        for uid in self._store.uids() - known:
            self._deleted(self._store.get(uid))
        for manifest in manifests:
            if recovered or not self._store.has(manifest):
                self._present(manifest)
        if recovered or not self._synced:
            self._stale, self._synced = None, True
            for follower in self._all():
                follower.mark(Change("Synced", {}))

    def _present(self, manifest: Manifest) -> None:
        uid = str(manifest["metadata"]["uid"])
        before = self._store.put(manifest)
        interests = Interest.all_of(manifest)
        if before is not None:
            for interest in Interest.all_of(before) - interests:
                self._tell(interest, uid, Change("Deleted", manifest))
        for interest in interests:
            self._tell(interest, uid, Change("Present", manifest))

    def _deleted(self, manifest: Manifest) -> None:
        uid = str(manifest["metadata"]["uid"])
        before = self._store.remove(uid)
        interests = Interest.all_of(manifest) | (
            Interest.all_of(before) if before else frozenset[Interest]()
        )
        for interest in interests:
            self._tell(interest, uid, Change("Deleted", manifest))

    def _blind(self, error: FailoverError) -> None:
        self._stale = Change("Stale", {}, error.reason, error.message)
        for follower in self._all():
            follower.mark(self._stale)

    def _tell(self, interest: Interest, uid: str, change: Change) -> None:
        for follower in self._followers.get(interest, ()):
            follower.put(uid, change)

    def _all(self) -> list[Follower]:
        return [follower for followers in self._followers.values() for follower in followers]


@dataclass
class Followings:
    """All shared watches of one cluster."""

    source: Callable[[GroupKind, str], Collection]
    patience: Patience
    linger_seconds: float = LINGER_SECONDS
    keep: Callable[[Manifest], Manifest] = whole
    """What is kept of each object that an event brings, and given to followers; lists keep it already."""

    def __post_init__(self) -> None:
        self._watches: dict[tuple[GroupKind, str], SharedWatch] = {}

    @asynccontextmanager
    async def follow(
        self, kind: GroupKind, namespace: str = "", *, name: str = "", owner_uid: str = ""
    ) -> AsyncGenerator[AsyncIterator[Change], None]:
        """Follow what matches; the watch ends a while after its last follower has left, or somebody has asked."""
        key, watch = self._watch(kind, namespace)
        interest = Interest(namespace, name, owner_uid)
        follower = watch.join(interest)
        try:
            async with aclosing(follower.changes()) as changes:
                yield changes
        finally:
            watch.leave(interest, follower)
            watch.use()
            self._end_later(key, watch)

    def known(self, kind: GroupKind, namespace: str, owner_uid: str) -> list[Manifest] | None:
        """What a watch that is up and in step has with this owner; `None` where none is."""
        for key in ((kind, ""), (kind, namespace)):
            if (watch := self._watches.get(key)) is not None:
                # Who asks a watch that lingers keeps it: else a crowd of looks lists everything every few seconds.
                watch.use()
                return watch.known(Interest(namespace, owner_uid=owner_uid))
        return None

    async def close(self) -> None:
        """End all watches."""
        tasks = [watch.task for watch in self._watches.values()]
        self._watches.clear()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _watch(self, kind: GroupKind, namespace: str) -> tuple[tuple[GroupKind, str], SharedWatch]:
        # A watch of all namespaces serves the followers of one, too.
        for key in ((kind, ""), (kind, namespace)):
            watch = self._watches.get(key)
            if watch is not None and not watch.task.done():
                return key, watch
        key = (kind, namespace)
        watch = SharedWatch(self.source(kind, namespace), self.patience, self.keep)
        self._watches[key] = watch
        return key, watch

    def _end_later(self, key: tuple[GroupKind, str], watch: SharedWatch) -> None:
        """End the watch once nobody has followed or asked for a while; who follows until then ends it later."""
        if watch.followed or watch.lingers:
            return
        loop = asyncio.get_running_loop()
        left = watch.used_at + self.linger_seconds - loop.time()
        if left > 0:
            watch.lingers = True
            loop.call_later(left, self._end_if_left, key, watch)
            return
        watch.task.cancel()
        if self._watches.get(key) is watch:
            del self._watches[key]

    def _end_if_left(self, key: tuple[GroupKind, str], watch: SharedWatch) -> None:
        watch.lingers = False
        self._end_later(key, watch)
