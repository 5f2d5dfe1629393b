"""Names of things: kinds, applications, and every id that is derived from them.

Ids are derived, never random: the same application gives the same id on every machine.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import cast

from pydantic import BaseModel

ID_BYTES_MAX = 200
_ID_HEAD_BYTES = 160
CLUSTER_SCOPE = "_"


@dataclass(frozen=True, order=True)
class GroupKind:
    """A kind without its version, as in `FlinkDeployment.flink.apache.org`; core kinds have no group."""

    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @classmethod
    def of(cls, manifest: dict[str, object]) -> GroupKind:
        """The kind of a Kubernetes object given as plain JSON."""
        group, _, _ = str(manifest.get("apiVersion", "")).rpartition("/")
        return cls(group, str(manifest.get("kind", "")))


class ApplicationRef(BaseModel, frozen=True):
    """An application: one top-level object, by kind and name. Its place is not part of its name."""

    group: str
    kind: str
    namespace: str = ""
    """Empty for cluster-scoped kinds."""
    name: str

    @property
    def group_kind(self) -> GroupKind:
        """The kind, without version."""
        return GroupKind(self.group, self.kind)

    @property
    def short(self) -> str:
        """`flinkdeployment/orders`, as kubectl prints it."""
        return f"{self.kind.lower()}/{self.name}"

    def __str__(self) -> str:
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.kind}/{self.name}{where}"

    @property
    def key(self) -> str:
        """`<namespace>/<kind>.<group>/<name>`, `_` for cluster scope."""
        return f"{self.namespace or CLUSTER_SCOPE}/{self.group_kind}/{self.name}"

    @classmethod
    def from_key(cls, key: str) -> ApplicationRef:
        """The application whose `key` this is; of a shortened key, as much of it as is there."""
        namespace, kind, name = (*key.split("/", 2), "", "")[:3]
        word, _, group = kind.partition(".")
        scope = "" if namespace == CLUSTER_SCOPE else namespace
        return cls(group=group, kind=word, namespace=scope, name=name)


class ObjectRef(BaseModel, frozen=True):
    """One object by kind and name: a dependent, or what else stands beside an application."""

    group: str
    kind: str
    namespace: str = ""
    """Empty for cluster-scoped kinds."""
    name: str

    @property
    def group_kind(self) -> GroupKind:
        """The kind, without version."""
        return GroupKind(self.group, self.kind)

    @classmethod
    def of(cls, manifest: dict[str, object]) -> ObjectRef:
        """The reference to an object given as plain JSON."""
        kind = GroupKind.of(manifest)
        found = manifest.get("metadata")
        metadata = cast("dict[str, object]", found) if isinstance(found, dict) else {}
        namespace, name = metadata.get("namespace"), metadata.get("name")
        return cls(
            group=kind.group,
            kind=kind.kind,
            namespace=namespace if isinstance(namespace, str) else "",
            name=name if isinstance(name, str) else "",
        )

    def __str__(self) -> str:
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.kind}/{self.name}{where}"


def bounded_id(text: str) -> str:
    """The text itself up to 200 bytes; above, its first 160 bytes, `~`, 16 hex digits of its SHA-256.

    Temporal's SQL stores keep ids and Keyword values in 255 characters.
    """
    raw = text.encode()
    if len(raw) <= ID_BYTES_MAX:
        return text
    head = raw[:_ID_HEAD_BYTES].decode(errors="ignore")
    return f"{head}~{hashlib.sha256(raw).hexdigest()[:16]}"


def failover_id(application: ApplicationRef) -> str:
    """The workflow id of every failover of this application."""
    return bounded_id(f"failover/{application.key}")


def application_id(application: ApplicationRef) -> str:
    """The workflow id of the protection of this application."""
    return bounded_id(f"application/{application.key}")


def application_pause_id(application: ApplicationRef) -> str:
    """The workflow id of a pause of this application."""
    return bounded_id(f"pause/application/{application.key}")


def cluster_pause_id(cluster: str) -> str:
    """The workflow id of a pause of everything on this cluster."""
    return bounded_id(f"pause/cluster/{cluster}")


ALL_PAUSE_ID = "pause/all"


def record_name(application: ApplicationRef) -> str:
    """The name of the Secret that holds this application's record on each cluster."""
    return f"failover-{hashlib.sha256(application.key.encode()).hexdigest()[:20]}"
