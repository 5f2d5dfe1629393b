"""A small client for the local API servers: enough to see, set up and disturb what runs there.

It shares nothing with the engine, so that tests can use it as an independent witness.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

import aiohttp

from devstack.errors import ApiError

Manifest = dict[str, Any]
"""A Kubernetes object as plain JSON."""

TIMEOUT = aiohttp.ClientTimeout(total=30, connect=5)
WATCH_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=5, sock_read=90)
WATCH_LINE_BYTES_MAX = 8 << 20
CONNECTIONS_MAX = 64
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"


class Api:
    """One API server, with one user's credentials."""

    def __init__(self, server: str, tls: ssl.SSLContext, headers: Mapping[str, str] = {}) -> None:
        """Nothing is opened before the first request."""
        self.server = server
        self._tls = tls
        self._headers = dict(headers)
        self._open: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Use as a context manager, or call `close`."""
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._open is not None:
            await self._open.close()
            self._open = None

    async def get(self, path: str, **params: str) -> Manifest:
        """Read an object or a collection."""
        return await self.request("GET", path, params=params)

    async def find(self, path: str) -> Manifest | None:
        """Read an object; `None` if it is not there."""
        try:
            return await self.get(path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def list(self, path: str, **params: str) -> list[Manifest]:
        """The items of a collection."""
        return list((await self.get(path, **params))["items"])

    async def create(self, collection: str, manifest: Manifest) -> Manifest:
        """Create an object in a collection."""
        return await self.request("POST", collection, body=manifest)

    async def replace(self, path: str, manifest: Manifest) -> Manifest:
        """Replace an object."""
        return await self.request("PUT", path, body=manifest)

    async def merge(self, path: str, patch: Manifest) -> Manifest:
        """Apply a merge patch (RFC 7386): what is given replaces, `None` removes."""
        return await self.request("PATCH", path, body=patch, content_type=MERGE_PATCH)

    async def patch(self, path: str, operations: Sequence[Manifest]) -> Manifest:
        """Apply a JSON patch (RFC 6902)."""
        return await self.request("PATCH", path, body=list(operations), content_type=JSON_PATCH)

    async def delete(self, path: str, options: Manifest | None = None) -> Manifest:
        """Delete an object or a collection."""
        return await self.request("DELETE", path, body=options)

    async def is_ready(self) -> bool:
        """Whether the API server says that it is ready."""
        try:
            async with self._session().get(f"{self.server}/readyz", ssl=self._tls) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Mapping[str, str] = {},
        content_type: str = JSON,
        headers: Mapping[str, str] = {},
    ) -> Manifest:
        """One request; an answer that is no success raises `ApiError`."""
        data = None if body is None else json.dumps(body).encode()
        async with self._session().request(
            method,
            f"{self.server}{path}",
            data=data,
            params=dict(params),
            headers={"Content-Type": content_type, **headers},
            ssl=self._tls,
        ) as answer:
            text = await answer.text()
            if answer.status >= 400:
                raise _error(method, path, answer.status, text)
            return dict(json.loads(text))

    @asynccontextmanager
    async def watch(self, path: str, version: str) -> AsyncGenerator[AsyncIterator[Manifest], None]:
        """The events (`{"type": …, "object": …}`) of a collection after a resource version."""
        params = {"watch": "1", "allowWatchBookmarks": "true", "resourceVersion": version}
        async with self._session().get(
            f"{self.server}{path}", params=params, ssl=self._tls, timeout=WATCH_TIMEOUT
        ) as answer:
            if answer.status >= 400:
                raise _error("WATCH", path, answer.status, await answer.text())
            yield _events(answer)

    def _session(self) -> aiohttp.ClientSession:
        if self._open is None:
            self._open = aiohttp.ClientSession(
                headers=self._headers,
                timeout=TIMEOUT,
                connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
                read_bufsize=WATCH_LINE_BYTES_MAX,
            )
        return self._open


async def _events(answer: aiohttp.ClientResponse) -> AsyncIterator[Manifest]:
    async for line in answer.content:
        yield json.loads(line)


def _error(method: str, path: str, status: int, text: str) -> ApiError:
    try:
        answer = json.loads(text)
        reason, message = str(answer.get("reason", "")), str(answer.get("message", ""))
    except (ValueError, AttributeError):
        reason, message = "", text[:200]
    return ApiError(status, reason, f"{method} {path}: {message}")
