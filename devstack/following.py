"""List a collection, then watch it, for ever: through restarts, cuts and expired versions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp

from devstack.api import Api, Manifest
from devstack.errors import ApiError

PAUSE_SECONDS = 0.1
PAUSE_SECONDS_MAX = 1.0


async def follow(api: Api, path: str) -> AsyncIterator[Manifest]:
    """Everything there is as `ADDED`, then each change; after a gap everything is given again.

    What was deleted during a gap is not reported: look at the cluster where that matters.
    """
    pause = PAUSE_SECONDS
    while True:
        try:
            listed = await api.get(path)
            pause = PAUSE_SECONDS
            for manifest in listed["items"]:
                yield {"type": "ADDED", "object": _complete(manifest, listed)}
            async for event in _changes(api, path, listed["metadata"]["resourceVersion"]):
                yield event
        except (ApiError, aiohttp.ClientError, TimeoutError, OSError, ValueError):
            # Whatever it was, the next look tells; there is nobody to report to in between.
            await asyncio.sleep(pause)
            pause = min(2 * pause, PAUSE_SECONDS_MAX)


async def _changes(api: Api, path: str, version: str) -> AsyncIterator[Manifest]:
    """The changes after a version, over as many watches as it takes, until one is refused."""
    while True:
        async with api.watch(path, version) as events:
            async for event in events:
                if event["type"] == "ERROR":
                    return
                version = event["object"]["metadata"]["resourceVersion"]
                if event["type"] != "BOOKMARK":
                    yield event


def _complete(manifest: Manifest, listed: Manifest) -> Manifest:
    """Items of a list lack what the list says once for all of them."""
    kind = listed["kind"].removesuffix("List")
    return {"apiVersion": listed["apiVersion"], "kind": kind, **manifest}
