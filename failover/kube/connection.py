"""One cluster's connections: bounded requests with plain JSON in and out, and streams beside them.

At most `in_flight_max` requests run at once; the others wait in line, for a bounded time. Streams
do not count: there is one for each kind and namespace that somebody follows. A change of server or
certificate gets new connections, and the old ones live on until their last request has ended.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp

from failover.domain.errors import ClusterBusy, ClusterUnreachable
from failover.fleet import BEFORE_CHANGES
from failover.kube.client import Client
from failover.kube.configuration import Access, Configurations
from failover.kube.errors import Doing, StreamCut, garbled, refused, unreachable

_UNAUTHORIZED = 401
_LATELY_SECONDS = 5.0
_STARTING_SECONDS = 30.0
_SUCCESS = range(200, 300)
_LOST = (aiohttp.ClientError, TimeoutError, ssl.SSLError, ConnectionError)


@dataclass(frozen=True)
class Limits:
    """The bounds of one cluster's connections."""

    in_flight_max: int = 32
    connect_seconds: float = 5.0
    answer_seconds: float = 10.0
    queue_seconds: float = 30.0


@dataclass(frozen=True)
class Call:
    """One request."""

    doing: Doing
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None
    content_type: str = "application/json"
    accept: str = "application/json"


class Connection:
    """All requests to one cluster go through here."""

    def __init__(self, cluster: str, configurations: Configurations, limits: Limits) -> None:
        """Take what is needed to connect; nothing is read or opened yet."""
        self.cluster = cluster
        self.limits = limits
        self._configurations = configurations
        self._slots = asyncio.Semaphore(limits.in_flight_max)
        self._client: Client | None = None
        self._closed = False
        self._answered_at = -_LATELY_SECONDS
        self._lost_at = float("-inf")
        self._probing = asyncio.Lock()

    async def request(self, call: Call) -> Any:
        """Send a request and give the answer's JSON; whatever goes wrong is in our error tree."""
        async with self._slot(call.doing):
            status, body = await self._send_twice(call)
            if status == HTTPStatus.FORBIDDEN:
                await self._raise_if_starting(call)
                status, body = await self._send_twice(call)
        if status not in _SUCCESS:
            raise refused(call.doing, status, body)
        try:
            return json.loads(body)
        except ValueError as error:
            raise garbled(call.doing) from error

    @asynccontextmanager
    async def stream(self, call: Call) -> AsyncGenerator[AsyncIterator[bytes], None]:
        """Send a request whose answer never ends, and give the chunks of its body as they come."""
        access = await self._configurations.current()
        async with self._borrowed(access) as client:
            response = await self._open(call, client, access)
            if response.status == _UNAUTHORIZED:
                response.close()
                # Whoever streams comes back, and then with the new credentials.
                await self._configurations.renewed(access)
                raise _cut(f"{call.doing}: the API server did not accept our credentials (401)")
            try:
                if response.status not in _SUCCESS:
                    raise refused(
                        call.doing, response.status, await self._body(call, response, access)
                    )
                yield self._chunks(call, response, access)
            finally:
                _cut_off(response)

    async def probe(self) -> None:
        """Raise unless the API server has given a sign of life lately, or gives one now."""
        async with self._probing:
            loop = asyncio.get_running_loop()
            if loop.time() - self._answered_at < _LATELY_SECONDS:
                return
            doing = Doing("look", "for a sign of life", self.cluster)
            access = await self._configurations.current()
            await self._send(Call(doing, "GET", "/version"), access)

    async def is_ready(self) -> bool:
        """Whether the API server calls itself ready: before that it serves only some of its kinds.

        A server that starts has not read its roles yet, and forbids everything until it has, this
        question too; then a connection that was lost lately says that it has just come back.
        Otherwise, where we may not ask, nothing speaks against it.
        """
        doing = Doing("look", "whether it is ready", self.cluster)
        async with self._slot(doing):
            return await self._says_ready(doing)

    async def _says_ready(self, doing: Doing) -> bool:
        status, _ = await self._send_twice(Call(doing, "GET", "/readyz"))
        if status == HTTPStatus.OK:
            return True
        lost_lately = asyncio.get_running_loop().time() - self._lost_at < _STARTING_SECONDS
        return status < HTTPStatus.INTERNAL_SERVER_ERROR and not lost_lately

    async def _raise_if_starting(self, call: Call) -> None:
        """What a server forbids that has not read its roles yet is not meant."""
        if not await self._says_ready(call.doing):
            message = f"{call.doing}: {self.cluster} is starting, and has not read its roles yet"
            raise ClusterBusy(message, reason="NotReady")

    async def close(self) -> None:
        """Close all connections."""
        self._closed = True
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    @asynccontextmanager
    async def _slot(self, doing: Doing) -> AsyncGenerator[None, None]:
        try:
            async with asyncio.timeout(self.limits.queue_seconds):
                await self._slots.acquire()
        except TimeoutError as error:
            raise ClusterBusy(
                f"{doing}: {self.limits.in_flight_max} requests to this cluster have been in "
                f"flight for {self.limits.queue_seconds:g} s; it was not sent"
            ) from error
        try:
            yield
        finally:
            self._slots.release()

    async def _send_twice(self, call: Call) -> tuple[int, bytes]:
        access = await self._configurations.current()
        status, body = await self._send(call, access)
        if status != _UNAUTHORIZED:
            return status, body
        return await self._send(call, await self._configurations.renewed(access))

    async def _send(self, call: Call, access: Access) -> tuple[int, bytes]:
        seconds = self.limits.answer_seconds
        async with self._borrowed(access) as client:
            try:
                async with asyncio.timeout(seconds):
                    response = await self._call(call, client, access)
                    try:
                        body = await response.read()
                    finally:
                        response.release()
                    self._answered_at = asyncio.get_running_loop().time()
                    return response.status, body
            except _LOST as error:
                raise self._lost(call, error, access, seconds) from error

    async def _open(self, call: Call, client: Client, access: Access) -> aiohttp.ClientResponse:
        seconds = self.limits.answer_seconds
        try:
            async with asyncio.timeout(seconds):
                return await self._call(call, client, access)
        except _LOST as error:
            raise self._lost(call, error, access, seconds) from error

    async def _body(self, call: Call, response: aiohttp.ClientResponse, access: Access) -> bytes:
        try:
            return await response.read()
        except _LOST as error:
            raise unreachable(call.doing, error, access.context.server, 0) from error

    async def _chunks(
        self, call: Call, response: aiohttp.ClientResponse, access: Access
    ) -> AsyncIterator[bytes]:
        try:
            while chunk := await response.content.readany():
                yield chunk
        except _LOST as error:
            lost = self._lost(call, error, access, 0)
            raise _cut(lost.message) from error

    def _lost(
        self, call: Call, error: Exception, access: Access, seconds: float
    ) -> ClusterUnreachable:
        """The error for a lost connection, and a note of when it was lost."""
        self._lost_at = asyncio.get_running_loop().time()
        return unreachable(call.doing, error, access.context.server, seconds)

    async def _call(self, call: Call, client: Client, access: Access) -> aiohttp.ClientResponse:
        headers = {"Accept": call.accept, "Content-Type": call.content_type}
        if access.credential.authorization:
            headers["Authorization"] = access.credential.authorization
        if call.method != "GET":
            BEFORE_CHANGES.get()()
        return await client.send(
            call.method,
            call.path,
            query=call.query,
            headers=headers,
            body=call.body,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self.limits.connect_seconds),
        )

    @asynccontextmanager
    async def _borrowed(self, access: Access) -> AsyncGenerator[Client, None]:
        client = await self._client_for(access)
        client.users += 1
        try:
            yield client
        finally:
            client.users -= 1
            if client.users == 0 and client is not self._client:
                await client.close()

    async def _client_for(self, access: Access) -> Client:
        if self._closed:
            raise ClusterUnreachable(f"the connection to {self.cluster} has been closed")
        client = self._client
        if client is not None and client.transport == access.transport:
            return client
        self._client = Client(access)
        if client is not None and client.users == 0:
            await client.close()
        return self._client


def _cut_off(response: aiohttp.ClientResponse) -> None:
    """End a stream at once: it never ends by itself, and a polite end waits for the other side."""
    connection = response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()
    response.close()


def _cut(message: str) -> StreamCut:
    return StreamCut(message, reason=ClusterUnreachable.__name__)
