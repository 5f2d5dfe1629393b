"""Watching objects go: what says when a quorum read is worth its while.

The watches are opened before anything is deleted, so that no end is missed; what they say is only
ever a reason to look, never the answer.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from activities.following import Followings
from failover.domain.identity import GroupKind
from failover.domain.manifest import uid_of
from failover.fleet import Change, Cluster

WATCHED_MAX = 16


class Departures:
    """The objects on one cluster whose end is awaited; those beyond the sixteenth are not watched."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._followings = Followings()
        self._uids: list[str] = []
        self._awaited: set[int] = set()
        self._present: set[int] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._followings.__aexit__(kind, error, trace)

    def add(self, kind: GroupKind, namespace: str, name: str, uid: str) -> None:
        """Await the end of exactly this object."""
        number = len(self._uids)
        if number >= WATCHED_MAX or uid in self._uids:
            return
        self._uids.append(uid)
        self._awaited.add(number)
        self._followings.add(number, self._cluster.follow(kind, namespace, name=name))

    @property
    def all_seen(self) -> bool:
        """Whether the watches have nothing more to tell."""
        return not self._awaited

    async def wait(self, seconds: float) -> bool:
        """Return when all of them have been seen to go, or after this time: a watch may be blind."""
        try:
            async with asyncio.timeout(seconds):
                while self._awaited:
                    self._take(*await self._followings.next())
        except TimeoutError:
            return False
        return True

    def _take(self, number: int, change: Change) -> None:
        if change.type == "Synced":
            if number not in self._present:
                self._awaited.discard(number)  # it was not there any more
        elif change.manifest and uid_of(change.manifest) == self._uids[number]:
            if change.type == "Present":
                self._present.add(number)
            else:
                self._awaited.discard(number)
