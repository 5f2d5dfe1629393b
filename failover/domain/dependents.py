"""What an application needs beside itself: followed from its pod templates, and moved with it.

Followed is what Karmada's interpreter follows: ConfigMaps, Secrets, ServiceAccounts (never
`default`) and PersistentVolumeClaims that a pod template names. Only kinds with known pod templates
are searched; guessing at templates inside an unknown kind could move what nobody asked for.
Dependents are compared by content, and messages name paths, never values.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict

from failover.domain.health.flink import FLINK_DEPLOYMENT
from failover.domain.health.spark import SPARK_APPLICATION
from failover.domain.identity import GroupKind, ObjectRef
from failover.domain.manifest import (
    Manifest,
    controller_of,
    digest,
    field,
    items,
    mapping,
    maps,
    namespace_of,
    text,
)
from failover.domain.marks import with_created_by
from failover.domain.podspecs import (
    CLUSTER_CERTIFICATE,
    DEFAULT_SERVICE_ACCOUNT,
    Reference,
    flink_references,
    pod_references,
    spark_references,
)
from failover.domain.template import portable

CONFIG_MAP = GroupKind("", "ConfigMap")
SECRET = GroupKind("", "Secret")
SERVICE_ACCOUNT = GroupKind("", "ServiceAccount")
CLAIM = GroupKind("", "PersistentVolumeClaim")

DIFFERENCES_MAX = 20
"""How many paths a comparison names."""

_POD_SPEC_PATHS: dict[GroupKind, tuple[str, ...]] = {
    GroupKind("", "Pod"): ("spec",),
    GroupKind("apps", "DaemonSet"): ("spec", "template", "spec"),
    GroupKind("apps", "Deployment"): ("spec", "template", "spec"),
    GroupKind("apps", "ReplicaSet"): ("spec", "template", "spec"),
    GroupKind("apps", "StatefulSet"): ("spec", "template", "spec"),
    GroupKind("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template", "spec"),
    GroupKind("batch", "Job"): ("spec", "template", "spec"),
}

TEMPLATE_KINDS: tuple[GroupKind, ...] = (*_POD_SPEC_PATHS, FLINK_DEPLOYMENT, SPARK_APPLICATION)
"""The kinds whose pod templates are known here."""

_EVERYWHERE = frozenset({DEFAULT_SERVICE_ACCOUNT, CLUSTER_CERTIFICATE})
"""What each namespace of each cluster has of its own."""


class Immovable(BaseModel):
    """Why an object is never moved, and what to do about it."""

    model_config = ConfigDict(frozen=True)

    reason: Literal[
        "ServiceAccountToken",
        "DefaultServiceAccount",
        "PersistentVolume",
        "ControllerOwned",
        "PerCluster",
    ]
    message: str


def dependents_of(manifest: Manifest) -> tuple[ObjectRef, ...]:
    """What the object's pod templates name, each once, in order; nothing for other kinds.

    What is named as `optional` is among them: it may well not exist where the application runs.
    """
    namespace = namespace_of(manifest)
    found = {each for each in _references(manifest) if each[1] and each not in _EVERYWHERE}
    return tuple(
        ObjectRef(group="", kind=kind, namespace=namespace, name=name)
        for kind, name in sorted(found)
    )


def _references(manifest: Manifest) -> Iterator[Reference]:
    kind = GroupKind.of(manifest)
    if kind == FLINK_DEPLOYMENT:
        return flink_references(mapping(manifest, "spec"))
    if kind == SPARK_APPLICATION:
        return spark_references(mapping(manifest, "spec"))
    if kind in _POD_SPEC_PATHS:
        return pod_references(mapping(manifest, *_POD_SPEC_PATHS[kind]))
    return iter(())


def claim_templates(manifest: Manifest) -> tuple[str, ...]:
    """The names of a StatefulSet's claim templates: volumes that would start empty elsewhere."""
    if GroupKind.of(manifest) != GroupKind("apps", "StatefulSet"):
        return ()
    claims = maps(items(manifest, "spec", "volumeClaimTemplates"))
    return tuple(text(each, "metadata", "name") for each in claims)


def immovable(manifest: Manifest) -> Immovable | None:
    """Why this object must never be created on another cluster by us; `None` where it may be."""
    reference = ObjectRef.of(manifest)
    kind = reference.group_kind
    if kind == SECRET and text(manifest, "type") == "kubernetes.io/service-account-token":
        return Immovable(
            reason="ServiceAccountToken",
            message=f"{reference} is a service account's token, good on its own cluster only",
        )
    if (reference.kind, reference.name) == DEFAULT_SERVICE_ACCOUNT and not reference.group:
        return Immovable(
            reason="DefaultServiceAccount", message=f"{reference}: each namespace has its own"
        )
    if (reference.kind, reference.name) == CLUSTER_CERTIFICATE and not reference.group:
        return Immovable(
            reason="PerCluster", message=f"{reference} holds the certificate of its own cluster"
        )
    if kind == GroupKind("", "PersistentVolume"):
        return Immovable(
            reason="PersistentVolume", message=f"{reference} is storage of its own cluster"
        )
    owner = controller_of(manifest)
    if owner is None:
        return None
    made_by = f"{text(owner, 'kind')}/{text(owner, 'name')}"
    return Immovable(
        reason="ControllerOwned",
        message=f"{reference} is made by {made_by}; have that on the target too, it makes its own",
    )


def as_dependent(manifest: Manifest, *, failover: str) -> Manifest:
    """What to create on the target for a dependent, marked as created by this failover."""
    template = (
        pvc_as_claim(manifest)
        if GroupKind.of(manifest) == CLAIM
        else portable(manifest, alias_labels=())
    )
    return with_created_by(template, failover)


def pvc_as_claim(claim: Manifest) -> Manifest:
    """A claim that asks for a new volume of the same sort; the data stays behind."""
    template = portable(claim, alias_labels=())
    for key in ("dataSource", "dataSourceRef"):
        mapping(template, "spec").pop(key, None)
    return template


def compare(wanted: Manifest, found: Manifest) -> tuple[str, ...]:
    """The paths in which what is there differs from what is wanted; empty when they are equal.

    Compared is content: labels and annotations are not, nor what only servers write. In `data` a
    key too many is a difference; elsewhere what only the found object has is its server's default.
    """
    left, right = _content(wanted), _content(found)
    paths = [
        each
        for key in sorted({*left, *right})
        for each in _differences(left.get(key), right.get(key), key)
    ]
    return tuple(sorted(paths)[:DIFFERENCES_MAX])


def _content(manifest: Manifest) -> Manifest:
    """The object as compared: no metadata; of a Secret's data and `stringData` only digests."""
    kind = GroupKind.of(manifest)
    template = pvc_as_claim(manifest) if kind == CLAIM else portable(manifest, alias_labels=())
    content = {
        key: value for key, value in template.items() if key not in {"apiVersion", "metadata"}
    }
    if kind == SECRET:
        content = {
            **content,
            "type": content.get("type", "Opaque"),
            "data": _secret_digests(content),
        }
        content.pop("stringData", None)
    return content


def _secret_digests(secret: Manifest) -> dict[str, str]:
    encoded = {key: digest(_decoded(value)) for key, value in mapping(secret, "data").items()}
    plain = {key: digest(str(value)) for key, value in mapping(secret, "stringData").items()}
    return {**encoded, **plain}


def _decoded(value: object) -> str:
    """The text of a Secret's value; bytes that are no text stay in their encoding."""
    if not isinstance(value, str):
        return digest(value)
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return value


_EXACT = frozenset({"data", "binaryData"})


def _differences(wanted: object, found: object, path: str) -> Iterator[str]:
    if path in _EXACT:
        yield from _differing_keys(mapping(wanted), mapping(found), path)
    elif isinstance(wanted, dict) and isinstance(found, dict):
        left, right = cast("Manifest", wanted), cast("Manifest", found)
        for key in left:
            yield from _differences(left[key], field(right, key), f"{path}.{key}")
    elif not _is_default(wanted) and wanted != found:
        yield path


def _differing_keys(
    wanted: Mapping[str, object], found: Mapping[str, object], path: str
) -> Iterator[str]:
    for key in {*wanted, *found}:
        if key not in wanted or key not in found or wanted[key] != found[key]:
            yield f"{path}.{key}"


def _is_default(wanted: Any) -> bool:
    """Nothing was wanted here: the field is missing or empty."""
    return wanted is None or wanted in ({}, [], "")
