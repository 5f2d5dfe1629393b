"""An independent eye on the target: when each labelled copy came to be, and when it ran.

It shares no code with the engine. Moments are those at which the watch's event arrived here, by the
clock of the machine, which is Temporal's clock too: what it adds to the truth is its own delay.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

from bench.applications import FLINK
from devstack.api import Api, Manifest
from devstack.flink import ALIAS_LABEL
from devstack.following import follow


class Witness:
    """What was seen on one cluster so far, by namespace and name."""

    def __init__(self) -> None:
        self.copied_at: dict[tuple[str, str], datetime] = {}
        self.healthy_at: dict[tuple[str, str], datetime] = {}
        self._news = asyncio.Event()

    def see(self, event: Manifest) -> None:
        """Note the first time of each fact."""
        now, manifest = datetime.now(UTC), event["object"]
        metadata = manifest["metadata"]
        key = metadata["namespace"], metadata["name"]
        if event["type"] != "DELETED" and ALIAS_LABEL in metadata.get("labels", {}):
            self.copied_at.setdefault(key, now)
        if manifest.get("status", {}).get("jobStatus", {}).get("jobId"):
            self.healthy_at.setdefault(key, now)
        self._news.set()

    async def until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Return when the condition holds; raises `TimeoutError` after that time."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def witness(api: Api) -> AsyncGenerator[Witness, None]:
    """Watch the FlinkDeployments of a cluster, and its labels, until the end of the block."""
    seen = Witness()

    async def watch() -> None:
        async for event in follow(api, f"{FLINK}/flinkdeployments"):
            seen.see(event)

    task = asyncio.create_task(watch())
    try:
        yield seen
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
