"""The discovery of one cluster, remembered until there is a reason to doubt it.

Dropped when a path that it gave is not found, when a kind is asked for that it does not have (at
most once a second), and when the cluster turns out to be another one: after a time without an
answer, the uid of `kube-system` is compared before anything remembered is believed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from failover.domain.errors import ClusterUnreachable, DefiniteError, UnknownKind
from failover.kube.connection import Call, Connection
from failover.kube.discovery import Discovery, discover
from failover.kube.errors import Doing

_MISSING_SECONDS = 1.0

T = TypeVar("T")
U = TypeVar("U")


class Kinds:
    """What one cluster serves, as last seen."""

    def __init__(self, connection: Connection) -> None:
        """Nothing is read before it is asked for."""
        self._connection = connection
        self._discovery: Discovery | None = None
        self._read_at = 0.0
        self._reading = asyncio.Lock()
        self._cluster_uid = ""
        self._in_doubt = False

    async def ask(self, question: Callable[[Discovery], T]) -> T:
        """Ask the discovery; where it lacks the kind and is not brand-new, ask a fresh one."""
        discovery = await self._current()
        try:
            return question(discovery)
        except UnknownKind:
            if not self._older_than(_MISSING_SECONDS):
                raise
        self.drop(discovery)
        return question(await self._current())

    async def using(
        self, question: Callable[[Discovery], T], action: Callable[[T], Awaitable[U]]
    ) -> U:
        """Act on an answer; when the path that it led to is not there, ask and act once more."""
        before = self._discovery
        answer = await self.ask(question)
        believed = self._discovery
        try:
            return await action(answer)
        except UnknownKind:
            if believed is not before:
                raise
        except ClusterUnreachable:
            self._in_doubt = True
            raise
        self.drop(believed)
        return await action(await self.ask(question))

    def drop(self, believed: Discovery | None) -> None:
        """Forget a discovery, unless somebody else has replaced it already."""
        if self._discovery is believed:
            self._discovery = None

    async def uid(self) -> str:
        """The uid of `kube-system`, read now; a new one means another cluster, with other kinds."""
        doing = Doing("get", "Namespace kube-system", self._connection.cluster)
        call = Call(doing, "GET", "/api/v1/namespaces/kube-system")
        found = str((await self._connection.request(call))["metadata"]["uid"])
        if self._cluster_uid not in ("", found):
            self._discovery = None
        self._cluster_uid = found
        return found

    async def _current(self) -> Discovery:
        if self._discovery is not None and not self._in_doubt:
            return self._discovery
        async with self._reading:
            if self._in_doubt:
                await self._resolve_doubt()
            if self._discovery is None:
                self._discovery = await discover(self._connection)
                self._read_at = asyncio.get_running_loop().time()
            return self._discovery

    async def _resolve_doubt(self) -> None:
        known = self._cluster_uid
        try:
            await self.uid()
        except DefiniteError:
            # Not allowed to read it: reading the kinds again is as good.
            known = ""
        if not known:
            self._discovery = None
        self._in_doubt = False

    def _older_than(self, seconds: float) -> bool:
        return asyncio.get_running_loop().time() - self._read_at > seconds
