"""One endless list-and-watch, as three nested generators.

    seen      for ever: list, watch, watch on from the last version or list again, back off, and
              say when nothing can be seen
    _watched  one connection: events to sightings
    _events   one connection: bytes to events

What they give are sightings: the whole, one object, one object gone, or blindness with its reason.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from failover.domain.errors import ClusterUnreachable, FailoverError
from failover.fleet import Manifest
from failover.kube.connection import Call, Connection
from failover.kube.errors import Doing, Expired, StreamCut, refused
from failover.kube.plain import node

_GONE = 410
_LINE_BYTES_MAX = 16 * 2**20


@dataclass(frozen=True)
class Listed:
    """All that there is, at this moment."""

    manifests: list[Manifest]


@dataclass(frozen=True)
class Seen:
    """An object as it is now."""

    manifest: Manifest


@dataclass(frozen=True)
class Vanished:
    """An object as it last was."""

    manifest: Manifest


@dataclass(frozen=True)
class Blind:
    """The cluster cannot be seen."""

    error: FailoverError


Sighting = Listed | Seen | Vanished | Blind


@dataclass(frozen=True)
class Patience:
    """How long to bear silence, how long to be blind before saying so, and how to back off."""

    silent_seconds: float = 10.0
    mute_seconds: float = 90.0
    blind_seconds: float = 2.0
    back_off_seconds: float = 0.1
    back_off_seconds_max: float = 5.0
    connection_seconds: float = 300.0


class Collection(Protocol):
    """What is watched: how to list it, and the request that watches it."""

    @property
    def connection(self) -> Connection:
        """Where the watch's stream is opened."""
        ...

    async def list_at(self) -> tuple[list[Manifest], str]:
        """All objects, and the version to watch from."""
        ...

    async def watch_from(self, version: str, seconds: int) -> Call:
        """The request that watches from a version on, for so long."""
        ...


async def seen(
    collection: Collection, patience: Patience, clock: Callable[[], float]
) -> AsyncGenerator[Sighting, None]:
    """List and watch for ever. A definite error blinds at once, a transient one after a while."""
    blind_since: float | None = None
    announced = False
    failures = 0
    version = ""
    while True:
        try:
            if not version:
                manifests, version = await collection.list_at()
                blind_since, announced = None, False
                yield Listed(manifests)
            async with aclosing(_watched(collection, version, patience)) as watched:
                async for sighting, reached in watched:
                    blind_since = None
                    # Connections that open and bring nothing are tried ever more slowly.
                    failures = failures if reached == version else 0
                    version = reached
                    if sighting is not None:
                        yield sighting
        except Expired:
            version = ""
        except FailoverError as error:
            now = clock()
            blind_since = now if blind_since is None else blind_since
            if not isinstance(error, StreamCut):
                version = ""
            if not announced and (
                not error.transient or now - blind_since >= patience.blind_seconds
            ):
                announced, version = True, ""
                yield Blind(error)
        failures += 1
        await asyncio.sleep(_back_off(failures, patience))


async def _watched(
    collection: Collection, version: str, patience: Patience
) -> AsyncGenerator[tuple[Sighting | None, str], None]:
    """What one connection shows, with the version reached; `None` for a mere sign of life."""
    seconds = int(patience.connection_seconds * random.uniform(0.8, 1.2))  # noqa: S311
    call = await collection.watch_from(version, seconds)
    async with aclosing(_events(collection, call, patience)) as events:
        async for event in events:
            sighting, version = _understood(event, version, call.doing)
            yield sighting, version


async def _events(
    collection: Collection, call: Call, patience: Patience
) -> AsyncGenerator[dict[str, Any] | None, None]:
    """The events of one connection; `None` once it is open. Ends when the API server ends it."""
    rest = b""
    async with collection.connection.stream(call) as chunks:
        yield None
        async for chunk in _audible(chunks, collection, patience):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > _LINE_BYTES_MAX:
                raise ClusterUnreachable(f"{call.doing}: an event without end")
            for line in lines:
                if line:
                    yield _event(line, call.doing)


async def _audible(
    chunks: AsyncIterator[bytes], collection: Collection, patience: Patience
) -> AsyncIterator[bytes]:
    """The chunks; after a silence, the API server is asked for a sign of life.

    A frozen server, or one behind a dead link, never ends a stream: without the question its last
    word would be believed for ever. Bookmarks come once a minute; where even they stay away, it is
    this one stream that is dead.
    """
    pending: asyncio.Task[bytes] | None = None
    silent_seconds = 0.0
    try:
        while True:
            pending = pending or asyncio.ensure_future(_next(chunks))
            done, _ = await asyncio.wait({pending}, timeout=patience.silent_seconds)
            if not done:
                silent_seconds += patience.silent_seconds
                if silent_seconds >= patience.mute_seconds:
                    raise StreamCut(
                        "the stream brought not even a bookmark", reason="ClusterUnreachable"
                    )
                await collection.connection.probe()
                continue
            silent_seconds = 0.0
            chunk, pending = pending.result(), None
            if not chunk:
                return
            yield chunk
    finally:
        if pending is not None:
            pending.cancel()
            await asyncio.wait({pending})


async def _next(chunks: AsyncIterator[bytes]) -> bytes:
    return await anext(chunks, b"")


def _event(line: bytes, doing: Doing) -> dict[str, Any]:
    try:
        event = node(json.loads(line))
    except ValueError as error:
        raise StreamCut(
            f"{doing}: the stream broke off in the middle of an event", reason="ClusterUnreachable"
        ) from error
    if not event:
        raise ClusterUnreachable(f"{doing}: the stream holds something else than events")
    return event


def _understood(
    event: dict[str, Any] | None, version: str, doing: Doing
) -> tuple[Sighting | None, str]:
    if event is None:
        return None, version
    manifest: Manifest = node(event.get("object"))
    reached = str(node(manifest.get("metadata")).get("resourceVersion") or version)
    match event.get("type"):
        case "ADDED" | "MODIFIED":
            return Seen(manifest), reached
        case "DELETED":
            return Vanished(manifest), reached
        case "ERROR":
            code = int(manifest.get("code") or 500)
            if code == _GONE:
                raise Expired(f"{doing}: the version watched from is no longer kept")
            raise refused(doing, code, json.dumps(manifest).encode())
        case _:
            return None, reached


def _back_off(failures: int, patience: Patience) -> float:
    most = patience.back_off_seconds * float(2 ** min(failures - 1, 16))
    return min(most, patience.back_off_seconds_max) * random.uniform(0.5, 1.0)  # noqa: S311
