"""The one port to the clusters: every effect outside Temporal goes through these two protocols.

Objects are plain JSON (`Manifest`), as the API server sends them. Every method raises the errors of
`failover.domain.errors` and nothing else: `ClusterUnreachable`/`ClusterBusy` when no definite answer
came, `Forbidden`, `NotFound`, `Conflict`, `AlreadyExists`, `Invalid`, `UnknownKind` when one did.
Reads without a remark are quorum reads (no `resourceVersion`, straight from etcd).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest
from failover.domain.marks import FIELD_MANAGER
from failover.domain.topology import ClusterFacts

__all__ = ["BEFORE_CHANGES", "FIELD_MANAGER", "Change", "Cluster", "Fleet", "Manifest", "Resource"]

T = TypeVar("T")

BEFORE_CHANGES: ContextVar[Callable[[], None]] = ContextVar("before_changes", default=lambda: None)
"""Called when a request that may change something is about to leave, each time that it is sent.

It raises where whoever sends it may change nothing any more: a process may have been frozen, or waited in
line, since it was decided on.
"""


@dataclass(frozen=True)
class Resource:
    """One kind as one cluster serves it, from its discovery documents."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str]
    short_names: tuple[str, ...] = ()

    @property
    def group_kind(self) -> GroupKind:
        """The kind, without version."""
        return GroupKind(self.group, self.kind)

    @property
    def api_version(self) -> str:
        """`group/version`, or `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version


@dataclass(frozen=True)
class Change:
    """One entry of a followed collection. After a relist, vanished objects arrive as `Deleted`.

    `Synced` (manifest empty) marks that everything that existed at the start has been given; `Stale`
    (manifest empty) that the cluster cannot be seen, with the reason and message of the error why.
    Manifests are shared between followers: never change one.
    """

    type: Literal["Present", "Deleted", "Synced", "Stale"]
    manifest: Manifest
    reason: str = ""
    message: str = ""


class Cluster(Protocol):
    """One cluster's verbs. Implementations bound the calls in flight per cluster."""

    @property
    def name(self) -> str:
        """The cluster's name in the fleet."""
        ...

    async def uid(self) -> str:
        """The uid of the namespace `kube-system`: the identity of the cluster itself."""
        ...

    async def resource(self, kind: GroupKind) -> Resource:
        """How this cluster serves a kind (its preferred version). Raises `UnknownKind`."""
        ...

    async def resources(self) -> Sequence[Resource]:
        """All kinds that this cluster serves, each in its preferred version."""
        ...

    async def lookup(self, word: str) -> Resource:
        """The kind that a person means: `deploy`, `flinkdeployments`, `FlinkDeployment.flink.apache.org`.

        Raises `UnknownKind`, or `InvalidInput` that lists the candidates when there are several.
        """
        ...

    async def get(self, kind: GroupKind, namespace: str, name: str) -> Manifest:
        """The object, read from a quorum. Raises `NotFound`."""
        ...

    async def find(self, kind: GroupKind, namespace: str, name: str) -> Manifest | None:
        """The object, or `None` on a definite "not found" of this object (never of its kind)."""
        ...

    async def list(
        self,
        kind: GroupKind,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
    ) -> list[Manifest]:
        """All objects, from a quorum, page by page; an empty namespace means all of them."""
        ...

    async def sift(
        self,
        kind: GroupKind,
        keep: Callable[[Manifest], T],
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
    ) -> Sequence[T]:
        """What `keep` makes of each object, for lists too long to hold: only a page is in memory.

        `metadata_only`: the objects come with their metadata and, as a rule, nothing else.
        """
        ...

    def known(self, kind: GroupKind, namespace: str, owner_uid: str) -> Sequence[Manifest] | None:
        """What a shared watch that is in step has with this owner; `None` where none is. Asks nobody."""
        ...

    def follow(
        self, kind: GroupKind, namespace: str = "", *, name: str = "", owner_uid: str = ""
    ) -> AbstractAsyncContextManager[AsyncIterator[Change]]:
        """List, then watch, for ever: one shared watch for all followers of the kind and namespace.

        `name` and `owner_uid` narrow what is given, at no further cost to the cluster. Uses bookmarks,
        relists on 410, reconnects with back-off; while it cannot see the cluster (unreachable,
        forbidden, no such kind) it gives one `Stale` change, and the objects again, then `Synced`,
        when it can. Changes are levels: of several to one object, a slow follower gets the last.
        """
        ...

    async def create(self, manifest: Manifest, *, dry_run: bool = False) -> Manifest:
        """Create exactly this object, at its own apiVersion. Raises `AlreadyExists`, `Invalid`."""
        ...

    async def replace(self, manifest: Manifest) -> Manifest:
        """Replace the object if its `metadata.resourceVersion` is still current, else `Conflict`."""
        ...

    async def patch(
        self,
        kind: GroupKind,
        namespace: str,
        name: str,
        operations: Sequence[dict[str, Any]],
        *,
        subresource: str = "",
        dry_run: bool = False,
    ) -> Manifest:
        """Apply a JSON patch (RFC 6902); a failed `test` operation is a `Conflict`.

        With a subresource (`status`), only what belongs to that one is changed.
        """
        ...

    async def delete(
        self,
        kind: GroupKind,
        namespace: str,
        name: str,
        *,
        uid: str,
        resource_version: str | None = None,
        propagation: Literal["Background", "Foreground", "Orphan"] = "Background",
    ) -> None:
        """Delete the object if uid and resourceVersion are still these, else `Conflict`.

        Returns once the API server has accepted the delete, which is not yet "gone".
        Raises `NotFound` when there is no such object.
        """
        ...

    async def allowed(self, kind: GroupKind, verb: str, namespace: str = "") -> bool:
        """Whether our credentials may do this (SelfSubjectAccessReview)."""
        ...


class Fleet(Protocol):
    """A named, closed set of clusters."""

    @property
    def name(self) -> str:
        """The fleet's name, as in `fleet.yaml`."""
        ...

    @property
    def facts(self) -> tuple[ClusterFacts, ...]:
        """What the fleet file says of each cluster (labels, taints, region, zone), in its order."""
        ...

    def cluster(self, name: str) -> Cluster:
        """One cluster by name. Raises `UnknownCluster`, naming those that exist."""
        ...


def facts_of(fleet: Fleet, name: str) -> ClusterFacts:
    """What the fleet file says of this cluster, which is one of the fleet's."""
    return next(each for each in fleet.facts if each.name == name)
