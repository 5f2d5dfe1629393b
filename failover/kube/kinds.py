"""The discovery of one cluster, remembered until there is a reason to doubt it.

Dropped when a path that it gave is not found, when a kind is asked for that it does not have (at
most once a second), and when the cluster turns out to be another one: after a time without an
answer, the uid of `kube-system` is compared before anything remembered is believed.

A kind that is missing is unknown only if the API server was ready when it was asked: one that has
just started serves its custom kinds a moment later, and is busy until then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from failover.domain.errors import (
    ClusterBusy,
    ClusterUnreachable,
    DefiniteError,
    UnknownKind,
)
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
        self._complete = True

    async def ask(self, question: Callable[[Discovery], T]) -> T:
        """Ask the discovery; where it lacks the kind and is not brand-new, ask a fresh one."""
        discovery = await self._current()
        try:
            return question(discovery)
        except UnknownKind:
            if self._complete and not self._older_than(_MISSING_SECONDS):
                raise
        self.drop(discovery)
        fresh = await self._current()
        try:
            return question(fresh)
        except UnknownKind as error:
            self._raise_if_starting(error)
            raise

    async def using(
        self, question: Callable[[Discovery], T], action: Callable[[T], Awaitable[U]]
    ) -> U:
        """Act on an answer; when the path that it led to is not there, ask and act once more."""
        before = self._discovery
        answer = await self.ask(question)
        believed = self._discovery
        try:
            return await action(answer)
        except UnknownKind as error:
            if believed is not before:
                self._raise_if_starting(error)
                raise
        except ClusterUnreachable:
            self._in_doubt = True
            raise
        self.drop(believed)
        again = await self.ask(question)
        try:
            return await action(again)
        except UnknownKind as error:
            self._raise_if_starting(error)
            raise

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
                self._complete = await self._connection.is_ready()
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

    def _raise_if_starting(self, error: UnknownKind) -> None:
        """While the API server is not ready, nobody knows yet what it serves."""
        if not self._complete:
            message = (
                f"{self._connection.cluster} is starting, and does not serve all its kinds yet"
            )
            raise ClusterBusy(message, reason="NotReady") from error

    def _older_than(self, seconds: float) -> bool:
        return asyncio.get_running_loop().time() - self._read_at > seconds
