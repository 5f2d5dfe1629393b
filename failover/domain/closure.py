"""Everything that an application has brought into being and that runs, or makes pods that run.

"Gone" means that the object *and each of these* are absent. They are found from owner references by
uid, so an object of the same name from another life is never taken for one of them.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from failover.domain.health import kinds_between, owned_kinds
from failover.domain.health.pods import JOB, POD, REPLICA_SET
from failover.domain.identity import GroupKind
from failover.domain.manifest import (
    Manifest,
    descendants_of,
    name_of,
    namespace_of,
    text,
    uid_of,
)

CLOSURE_KINDS: tuple[GroupKind, ...] = (
    POD,
    REPLICA_SET,
    JOB,
    GroupKind("apps", "Deployment"),
    GroupKind("apps", "StatefulSet"),
)
"""Pods and what makes them: all that an unknown operator may have created for its object."""

_KNOWN: dict[GroupKind, tuple[GroupKind, ...]] = {
    POD: (),
    REPLICA_SET: (POD,),
    JOB: (POD,),
    GroupKind("apps", "DaemonSet"): (POD,),
    GroupKind("apps", "Deployment"): (REPLICA_SET, POD),
    GroupKind("apps", "StatefulSet"): (POD,),
    GroupKind("batch", "CronJob"): (JOB, POD),
}
"""Kubernetes' own kinds own nothing else, which saves three lists on the way to "gone"."""


class OwnedRef(BaseModel):
    """One object of the closure, by uid; a pod with its node: a lost node confirms nothing."""

    model_config = ConfigDict(frozen=True)

    group: str
    kind: str
    namespace: str = ""
    name: str
    uid: str
    node: str = ""

    @property
    def group_kind(self) -> GroupKind:
        """The kind, without version."""
        return GroupKind(self.group, self.kind)

    def __str__(self) -> str:
        where = f" on node {self.node}" if self.node else ""
        return f"{self.kind}/{self.name}{where}"


def closure_kinds(kind: GroupKind) -> tuple[GroupKind, ...]:
    """Which kinds to list before the closure of an object of this kind can be told."""
    if kind in _KNOWN:
        return _KNOWN[kind]
    return tuple(dict.fromkeys((*CLOSURE_KINDS, *owned_kinds(kind), *kinds_between(kind))))


def closure(root_uid: str, objects: Iterable[Manifest]) -> tuple[OwnedRef, ...]:
    """All of these objects that the root owns, directly or through others; without the root."""
    return tuple(
        sorted(
            map(_reference, descendants_of(root_uid, objects)),
            key=lambda each: (each.group, each.kind, each.namespace, each.name, each.uid),
        )
    )


def _reference(manifest: Manifest) -> OwnedRef:
    kind = GroupKind.of(manifest)
    return OwnedRef(
        group=kind.group,
        kind=kind.kind,
        namespace=namespace_of(manifest),
        name=name_of(manifest),
        uid=uid_of(manifest),
        node=text(manifest, "spec", "nodeName") if kind == POD else "",
    )
