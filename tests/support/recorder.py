"""A witness of the promises: what existed where, and when, as etcd itself remembers it.

All clusters of a world share one etcd, each under a prefix of its own. Its revisions therefore order
everything that happens on all clusters, exactly; and a watch on it misses nothing, whatever becomes
of the API servers. Custom objects are stored as JSON; of built-in kinds only the keys are read.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import aiohttp

from devstack.world import World
from tests.support.waiting import eventually

FOREVER = aiohttp.ClientTimeout(total=None)
LINE_BYTES_MAX = 64 << 20
FLINK = "flink.apache.org/flinkdeployments"
DEPLOYMENTS = "deployments"
FAILOVER_MARK = "stateful-failover.dev/failover-id"


@dataclass
class Copy:
    """One object on one cluster, from its creation to its end, in revisions of etcd."""

    cluster: str
    created: int
    gone: int | None = None
    versions: list[tuple[int, dict[str, Any]]] = field(
        default_factory=list[tuple[int, dict[str, Any]]]
    )

    @property
    def born(self) -> dict[str, Any]:
        """The object as it was created."""
        return self.versions[0][1]

    @property
    def uid(self) -> str:
        """Its uid."""
        return str(self.born["metadata"]["uid"])

    @property
    def labels(self) -> dict[str, str]:
        """The labels that it was created with."""
        return dict(self.born["metadata"].get("labels") or {})

    @property
    def is_ours(self) -> bool:
        """Whether a failover created it."""
        return FAILOVER_MARK in (self.born["metadata"].get("annotations") or {})

    @property
    def doomed(self) -> int | None:
        """When its deletion began."""
        for revision, manifest in self.versions:
            if "deletionTimestamp" in manifest["metadata"]:
                return revision
        return self.gone

    @property
    def healthy_since(self) -> int | None:
        """When its job was first reported as running."""
        for revision, manifest in self.versions:
            if manifest.get("status", {}).get("jobStatus", {}).get("state") == "RUNNING":
                return revision
        return None

    def existed_at(self, revision: int) -> bool:
        """Whether it was there right after this revision."""
        return self.created <= revision and (self.gone is None or revision < self.gone)

    def __str__(self) -> str:
        return f"{self.cluster} [{self.created}, {self.gone or '…'})"


class Recorder:
    """Watches the applications and what they own on all clusters, from `recording` to its end."""

    def __init__(self, world: World) -> None:
        """Nothing is watched before it is entered."""
        self._url = f"http://127.0.0.1:{world._etcd.client}"
        self._clusters = {
            name: f"/{name}-{world._directory.generation(name)}" for name in world.clusters
        }
        self._copies: dict[str, list[Copy]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._session = aiohttp.ClientSession(timeout=FOREVER, read_bufsize=LINE_BYTES_MAX)

    async def __aenter__(self) -> Self:
        """Watch from now on."""
        watching = asyncio.Barrier(1 + 2 * len(self._clusters))
        for prefix in self._clusters.values():
            for kind in (FLINK, DEPLOYMENTS):
                work = self._watch(f"{prefix}/{kind}/", watching)
                self._tasks.append(asyncio.create_task(work))
        await watching.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop watching."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()

    async def copies(self, namespace: str, name: str) -> list[Copy]:
        """All copies of the application that ever were, oldest first."""
        return await self._all(FLINK, namespace, name)

    async def never_two(self, namespace: str, name: str) -> None:
        """No failover created a copy before every earlier one, and its JobManager, was gone."""
        copies = await self._all(FLINK, namespace, name)
        earlier = [*copies, *await self._all(DEPLOYMENTS, namespace, name)]
        for copy in (each for each in copies if each.is_ours):
            for other in earlier:
                if other.created < copy.created and other.cluster != copy.cluster:
                    gone = other.gone is not None and other.gone < copy.created
                    assert gone, f"two copies of {name} at once: {other} and {copy}"

    async def never_zero(self, namespace: str, name: str) -> None:
        """A copy was there all the time, and none was deleted but beside a healthy one."""
        copies = await self._all(FLINK, namespace, name)
        for copy in copies:
            if copy.doomed is None or (copy.is_ours and copy.healthy_since is None):
                continue
            others = [each for each in copies if each is not copy and each.existed_at(copy.doomed)]
            healthy = [
                each
                for each in others
                if each.healthy_since is not None and each.healthy_since < copy.doomed
            ]
            assert healthy, f"{name}: {copy} was deleted while no other copy was healthy: {copies}"

    async def state_kept(self, namespace: str, name: str, label: str, value: str) -> None:
        """Every copy that a failover created carried this state from its first moment."""
        for copy in await self._all(FLINK, namespace, name):
            if copy.is_ours:
                assert copy.labels.get(label) == value, f"{name}: {copy} began with {copy.labels}"

    async def _all(self, kind: str, namespace: str, name: str) -> list[Copy]:
        """What was seen, once nothing is missing any more that etcd holds by now."""
        keys = [f"{prefix}/{kind}/{namespace}/{name}" for prefix in self._clusters.values()]
        for key in keys:
            there = await self._revision(key)
            await eventually(partial(self._seen, key, there), f"the recorder saw {key}")
        found = sorted(
            (copy for key in keys for copy in self._copies.get(key, [])),
            key=lambda copy: copy.created,
        )
        assert found, f"the recorder has seen nothing of {name}"
        return found

    def _seen(self, key: str, revision: int | None) -> bool:
        copies = self._copies.get(key, [])
        if revision is None:
            return all(copy.gone is not None for copy in copies)
        return bool(copies) and copies[-1].versions[-1][0] >= revision

    async def _revision(self, key: str) -> int | None:
        """The revision of the key's value, or `None` where there is none."""
        question = {"key": _encoded(key), "keys_only": True}
        async with self._session.post(f"{self._url}/v3/kv/range", json=question) as answer:
            found = (await answer.json()).get("kvs", [])
        return int(found[0]["mod_revision"]) if found else None

    async def _watch(self, prefix: str, watching: asyncio.Barrier) -> None:
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        request = {"create_request": {"key": _encoded(prefix), "range_end": _encoded(end)}}
        async with self._session.post(f"{self._url}/v3/watch", json=request) as answer:
            async for line in answer.content:
                result = json.loads(line)["result"]
                if result.get("created"):
                    await watching.wait()
                self._take(result.get("events", []))

    def _take(self, events: Iterable[dict[str, Any]]) -> None:
        for event in events:
            entry = event["kv"]
            key, revision = _decoded(entry["key"]), int(entry["mod_revision"])
            copies = self._copies.setdefault(key, [])
            if event.get("type") == "DELETE":
                copies[-1].gone = revision
                continue
            if not copies or copies[-1].gone is not None:
                cluster = key.split("/")[1].rpartition("-")[0]
                copies.append(Copy(cluster, int(entry["create_revision"])))
            raw: Any = json.loads(base64.b64decode(entry["value"])) if FLINK in key else {}
            manifest: dict[str, Any] = raw
            copies[-1].versions.append((revision, manifest))


@asynccontextmanager
async def recording(world: World) -> AsyncGenerator[Recorder, None]:
    """Record what happens on this world's clusters."""
    async with Recorder(world) as recorder:
        yield recorder


def _encoded(key: str) -> str:
    return base64.b64encode(key.encode()).decode()


def _decoded(key: str) -> str:
    return base64.b64decode(key).decode()
