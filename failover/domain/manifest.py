"""Kubernetes objects as plain JSON, and the few readers that every rule needs.

Manifests come from servers, files and people: any field may be missing or of a wrong type. Readers
never raise; what is not there, or is not of the expected type, reads as empty.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeAlias, cast

Manifest: TypeAlias = dict[str, Any]
"""A Kubernetes object as plain JSON."""

NOISY_ANNOTATIONS = frozenset(
    {
        "deployment.kubernetes.io/revision",
        "deprecated.daemonset.template.generation",
        "kubectl.kubernetes.io/last-applied-configuration",
    }
)
"""Written by tools and controllers about an object, never part of what somebody wanted."""

OUR_PREFIX = "stateful-failover.dev/"
"""Everything that we write into metadata stands under this prefix."""


def field(value: object, *path: str | int) -> object:
    """What stands at this path of keys and indexes, or `None`."""
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = cast("dict[str, object]", value).get(step)
        elif isinstance(value, list) and isinstance(step, int):
            items = cast("list[object]", value)
            value = items[step] if -len(items) <= step < len(items) else None
        else:
            return None
    return value


def mapping(value: object, *path: str | int) -> Manifest:
    """The map at this path, or an empty one."""
    found = field(value, *path)
    return cast("Manifest", found) if isinstance(found, dict) else {}


def items(value: object, *path: str | int) -> list[object]:
    """The list at this path, or an empty one."""
    found = field(value, *path)
    return cast("list[object]", found) if isinstance(found, list) else []


def text(value: object, *path: str | int) -> str:
    """The string at this path, or an empty one."""
    found = field(value, *path)
    return found if isinstance(found, str) else ""


def number(value: object, *path: str | int, default: int = 0) -> int:
    """The whole number at this path, or the default."""
    found = field(value, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else default


def moment(value: object, *path: str | int) -> datetime | None:
    """The moment at this path; `None` where there is none, or nobody says of which zone."""
    try:
        found = datetime.fromisoformat(text(value, *path))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def name_of(manifest: Manifest) -> str:
    """`metadata.name`."""
    return text(manifest, "metadata", "name")


def namespace_of(manifest: Manifest) -> str:
    """`metadata.namespace`, empty for cluster scope."""
    return text(manifest, "metadata", "namespace")


def uid_of(manifest: Manifest) -> str:
    """`metadata.uid`: the identity of this very object, new after each creation."""
    return text(manifest, "metadata", "uid")


def generation_of(manifest: Manifest) -> int:
    """`metadata.generation`, 0 where the kind has none."""
    return number(manifest, "metadata", "generation")


def resource_version_of(manifest: Manifest) -> str:
    """`metadata.resourceVersion`."""
    return text(manifest, "metadata", "resourceVersion")


def labels_of(manifest: Manifest) -> dict[str, str]:
    """`metadata.labels`, those with text values."""
    return _strings(mapping(manifest, "metadata", "labels"))


def annotations_of(manifest: Manifest) -> dict[str, str]:
    """`metadata.annotations`, those with text values."""
    return _strings(mapping(manifest, "metadata", "annotations"))


def is_deleting(manifest: Manifest) -> bool:
    """Whether a delete of the object has been accepted."""
    return bool(field(manifest, "metadata", "deletionTimestamp"))


def owner_references_of(manifest: Manifest) -> tuple[Manifest, ...]:
    """`metadata.ownerReferences`, those that are maps."""
    references = items(manifest, "metadata", "ownerReferences")
    return tuple(cast("Manifest", each) for each in references if isinstance(each, dict))


def owner_uids_of(manifest: Manifest) -> frozenset[str]:
    """The uids of all owners, controllers or not."""
    return frozenset(uid for each in owner_references_of(manifest) if (uid := text(each, "uid")))


def descendants_of(root_uid: str, objects: Iterable[Manifest]) -> list[Manifest]:
    """All of these objects that the root owns, directly or through others of them; each once, without the root."""
    by_owner: defaultdict[str, list[Manifest]] = defaultdict(list)
    for each in objects:
        for owner in owner_uids_of(each):
            by_owner[owner].append(each)
    found: dict[str, Manifest] = {}
    waiting = [root_uid]
    while waiting:
        for each in by_owner.get(waiting.pop(), ()):
            uid = uid_of(each)
            if uid and uid != root_uid and uid not in found:
                found[uid] = each
                waiting.append(uid)
    return list(found.values())


def controller_of(manifest: Manifest) -> Manifest | None:
    """The owner reference of the controller that keeps this object, if one does."""
    return next(
        (each for each in owner_references_of(manifest) if each.get("controller") is True), None
    )


def digest(value: object) -> str:
    """SHA-256 in hex over canonical JSON: equal for equal content, whatever the order of keys."""
    raw = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()


def spec_digest(manifest: Manifest) -> str:
    """The digest of what somebody wanted: everything but status and what servers or we wrote.

    It stays the same while controllers report, and changes when a person edits the object.
    """
    wanted = {key: value for key, value in manifest.items() if key not in {"metadata", "status"}}
    metadata = {
        "name": name_of(manifest),
        "namespace": namespace_of(manifest),
        "labels": mapping(manifest, "metadata", "labels"),
        "annotations": without_noise(mapping(manifest, "metadata", "annotations")),
    }
    return digest({**wanted, "metadata": metadata})


def without_noise(annotations: Manifest) -> Manifest:
    """The annotations without those of tools, controllers and ours."""
    return {
        key: value
        for key, value in annotations.items()
        if key not in NOISY_ANNOTATIONS and not key.startswith(OUR_PREFIX)
    }


def copied(manifest: Manifest) -> Manifest:
    """A deep copy, to be changed freely."""
    return copy.deepcopy(manifest)


def maps(values: Sequence[object]) -> Iterator[Manifest]:
    """Those of the values that are maps."""
    return (cast("Manifest", each) for each in values if isinstance(each, dict))


def _strings(found: Manifest) -> dict[str, str]:
    return {key: value for key, value in found.items() if isinstance(value, str)}
