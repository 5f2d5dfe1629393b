"""An onlooker on all clusters, who shares nothing with the engine and believes only what it sees."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from devstack.api import Api, Manifest
from devstack.flink import ALIAS_LABEL, FLINK
from devstack.following import follow
from failover.domain.manifest import field as at
from failover.domain.manifest import labels_of, name_of, namespace_of, text, uid_of


@dataclass
class Copy:
    """One object of the application, from its first sight to its last."""

    cluster: str
    uid: str
    manifest: Manifest
    seen_at: float = field(default_factory=time.monotonic)
    gone: bool = False
    label: str = ""
    """The value that the alias label had; kept after the label was taken off."""

    @property
    def is_deleting(self) -> bool:
        """Whether a delete of it was accepted."""
        return at(self.manifest, "metadata", "deletionTimestamp") is not None

    @property
    def is_labelled(self) -> bool:
        """Whether it carries the alias label now."""
        return ALIAS_LABEL in labels_of(self.manifest)

    @property
    def job(self) -> str:
        """The id of its job."""
        return text(self.manifest, "status", "jobStatus", "jobId")

    @property
    def resumed_from(self) -> str:
        """The checkpoint from which its job was resumed."""
        return text(self.manifest, "status", "jobStatus", "upgradeSavepointPath")


class Witness:
    """Follows one application on every cluster, from `async with` to its end."""

    def __init__(self, apis: Mapping[str, Api], namespace: str, name: str) -> None:
        """Nothing is followed yet."""
        self.two_at_once: str = ""
        """Where two copies were seen at one moment; empty: never."""
        self._apis, self._namespace, self._name = apis, namespace, name
        self._copies: dict[str, Copy] = {}
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        """Begin to look."""
        self._tasks = [
            asyncio.create_task(self._follow(cluster, api)) for cluster, api in self._apis.items()
        ]
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Look no longer."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def copies(self) -> tuple[Copy, ...]:
        """Those that are there now."""
        return tuple(each for each in self._copies.values() if not each.gone)

    def on(self, cluster: str) -> Copy | None:
        """The copy that is on a cluster now."""
        return next((each for each in self.copies if each.cluster == cluster), None)

    async def until(self, holds: Callable[[], Copy | None]) -> Copy:
        """The copy for which this holds, as soon as there is one; the caller sets the deadline."""
        while (found := holds()) is None:
            self._changed.clear()
            await self._changed.wait()
        return found

    async def _follow(self, cluster: str, api: Api) -> None:
        async for event in follow(api, f"{FLINK}/flinkdeployments"):
            manifest: Manifest = event["object"]
            if (namespace_of(manifest), name_of(manifest)) != (self._namespace, self._name):
                continue
            await self._saw(cluster, manifest, gone=event["type"] == "DELETED")
            self._changed.set()

    async def _saw(self, cluster: str, manifest: Manifest, *, gone: bool) -> None:
        uid = uid_of(manifest)
        copy = self._copies.get(uid)
        if copy is None:
            copy = self._copies[uid] = Copy(cluster, uid, manifest)
            await self._look_elsewhere(cluster)
        copy.manifest, copy.gone = manifest, gone
        copy.label = labels_of(manifest).get(ALIAS_LABEL) or copy.label

    async def _look_elsewhere(self, cluster: str) -> None:
        """Events of two clusters have no order; what is read after one was seen has."""
        path = f"{FLINK}/namespaces/{self._namespace}/flinkdeployments/{self._name}"
        for other, api in self._apis.items():
            if other != cluster and await api.find(path) is not None:
                self.two_at_once = f"{other} and {cluster}"
