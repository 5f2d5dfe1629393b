"""A manifest as one cluster should get it: every override that means it, in Karmada's order.

1. `ClusterOverridePolicy` before `OverridePolicy`.
2. Among these, the less precise selector first (all kinds, whole kind, labels, name): the more
   precise one has the last word. Equally precise ones by name.
3. Within one, its rules as written; within a rule: images, commands, arguments, labels,
   annotations, texts, plain fields.

An override may change everything but what the object is: its kind, name and namespace.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any, cast

import yaml

from failover.domain.documents import FlawError, read_value
from failover.domain.errors import InvalidInput
from failover.domain.identity import ApplicationRef, GroupKind
from failover.domain.manifest import (
    Manifest,
    copied,
    field,
    items,
    labels_of,
    mapping,
    name_of,
    namespace_of,
)
from failover.domain.overrides.images import Image, ImageError
from failover.domain.overrides.model import (
    CommandArgsOverrider,
    FieldOverrider,
    ImageOverrider,
    MetadataOverrider,
    Override,
    Overriders,
    PlaintextOverrider,
)
from failover.domain.overrides.patching import Operation, PatchError, apply_patch, escape, look_up
from failover.domain.policy.selectors import Precision, closest
from failover.domain.topology import ClusterFacts

_TEMPLATE_KINDS = frozenset({"ReplicaSet", "Deployment", "DaemonSet", "StatefulSet", "Job"})


def apply_overrides(
    manifest: Manifest, overrides: Sequence[Override], cluster: ClusterFacts
) -> Manifest:
    """A copy of the manifest, changed as the overrides say for this cluster.

    Raises `InvalidInput` (`OverrideFailed`) naming the override and the path that does not fit.
    """
    changed = copied(manifest)
    for override, place, overriders in _chosen(manifest, overrides, cluster):
        for path, operations in _changes(overriders):
            try:
                changed = _changed(changed, operations(changed))
            except (PatchError, ImageError, FlawError) as error:
                raise _failure(override, f"{place}.{path}", manifest, str(error)) from error
        if _identity(changed) != _identity(manifest):
            message = "an override cannot change the kind, name or namespace of an object"
            raise _failure(override, place, manifest, message)
    return changed


def matching_overrides(
    application: ApplicationRef, labels: dict[str, str], overrides: Sequence[Override]
) -> tuple[Override, ...]:
    """The overrides that mean this object on some cluster, in the order of their application."""
    found = [(_precision(each, application, labels), each) for each in overrides]
    meant = [(precision, each) for precision, each in found if precision > Precision.NONE]
    meant.sort(key=lambda pair: (pair[1].kind == "OverridePolicy", pair[0], pair[1].name))
    return tuple(each for _, each in meant)


def _precision(
    override: Override, application: ApplicationRef, labels: dict[str, str]
) -> Precision:
    if override.kind == "OverridePolicy":
        elsewhere = override.namespace and override.namespace != application.namespace
        if not application.namespace or elsewhere:
            return Precision.NONE
    selectors = override.spec.resource_selectors
    return closest(selectors, application, labels) if selectors else Precision.KIND


def _chosen(
    manifest: Manifest, overrides: Sequence[Override], cluster: ClusterFacts
) -> list[tuple[Override, str, Overriders]]:
    kind = GroupKind.of(manifest)
    application = ApplicationRef(
        group=kind.group, kind=kind.kind, namespace=namespace_of(manifest), name=name_of(manifest)
    )
    chosen: list[tuple[Override, str, Overriders]] = []
    for override in matching_overrides(application, labels_of(manifest), overrides):
        modern = bool(override.spec.override_rules)
        for index, rule in enumerate(override.spec.rules):
            if rule.target_cluster is None or rule.target_cluster.matches(cluster):
                place = f"spec.overrideRules[{index}].overriders" if modern else "spec.overriders"
                chosen.append((override, place, rule.overriders))
    return chosen


Operations = Callable[[Manifest], list[Operation]]


def _changes(overriders: Overriders) -> list[tuple[str, Operations]]:
    """Every change of a rule with its path, in order; each sees what the last one left."""
    changes: list[tuple[str, Operations]] = []
    for index, image in enumerate(overriders.image_overrider):
        changes.append((f"imageOverrider[{index}]", partial(_image_operations, image)))
    for word, all_words in (
        ("command", overriders.command_overrider),
        ("args", overriders.args_overrider),
    ):
        for index, words in enumerate(all_words):
            changes.append((f"{word}Overrider[{index}]", partial(_word_operations, word, words)))
    for word, pairs in (
        ("labels", overriders.labels_overrider),
        ("annotations", overriders.annotations_overrider),
    ):
        for index, pair in enumerate(pairs):
            changes.append((f"{word}Overrider[{index}]", partial(_metadata_operations, word, pair)))
    for index, text in enumerate(overriders.field_overrider):
        changes.append((f"fieldOverrider[{index}]", partial(_text_operations, text)))
    for index, plain in enumerate(overriders.plaintext):
        changes.append((f"plaintext[{index}]", partial(_plain_operations, plain)))
    return changes


def _changed(manifest: Manifest, operations: list[Operation]) -> Manifest:
    # Values are copied: two manifests, or two rules, must never share a mutable part.
    own = [replace(each, value=deepcopy(each.value)) for each in operations]
    return cast("Manifest", apply_patch(manifest, own))


def _plain_operations(overrider: PlaintextOverrider, _: Manifest) -> list[Operation]:
    return [Operation(overrider.operator, overrider.path, overrider.value)]


def _image_operations(overrider: ImageOverrider, manifest: Manifest) -> list[Operation]:
    if overrider.predicate is not None:
        pointers = [overrider.predicate.path]
    else:
        pointers = [
            f"{where}/image" for where, container in _containers(manifest) if "image" in container
        ]
    return [
        Operation("replace", each, _new_image(look_up(manifest, each), each, overrider))
        for each in pointers
    ]


def _new_image(current: Any, pointer: str, overrider: ImageOverrider) -> str:
    if not isinstance(current, str):
        message = f"what is at {pointer!r} is no text"
        raise PatchError(message)
    image = Image.parse(current)
    match overrider.operator:
        case "add":
            value = image.part(overrider.component) + overrider.value
        case "replace":
            value = overrider.value
        case "remove":
            value = ""
    return str(image.with_part(overrider.component, value))


def _word_operations(
    word: str, overrider: CommandArgsOverrider, manifest: Manifest
) -> list[Operation]:
    operations: list[Operation] = []
    for where, container in _containers(manifest):
        if container.get("name") != overrider.container_name:
            continue
        before = [str(each) for each in items(container, word)]
        if overrider.operator == "add":
            after = [*before, *overrider.value]
        else:
            after = [each for each in before if each not in overrider.value]
        operations.append(Operation("add", f"{where}/{word}", after))
    return operations


def _metadata_operations(
    word: str, overrider: MetadataOverrider, manifest: Manifest
) -> list[Operation]:
    present = mapping(manifest, "metadata", word)
    operations: list[Operation] = []
    if overrider.operator == "add" and not present:
        operations.append(Operation("add", f"/metadata/{word}", {}))
    for key, value in sorted(overrider.value.items()):
        if overrider.operator == "add" or key in present:
            operations.append(
                Operation(overrider.operator, f"/metadata/{word}/{escape(key)}", value)
            )
    return operations


def _text_operations(overrider: FieldOverrider, manifest: Manifest) -> list[Operation]:
    current = look_up(manifest, overrider.field_path)
    if not isinstance(current, str):
        message = f"what is at {overrider.field_path!r} is no text"
        raise PatchError(message)
    inner = overrider.yaml or overrider.json_
    operations = [Operation(each.operator, each.sub_path, each.value) for each in inner]
    if overrider.yaml:
        text = yaml.safe_dump(apply_patch(read_value(current), operations), allow_unicode=True)
    else:
        text = json.dumps(
            apply_patch(_read_json(current), operations), separators=(",", ":"), ensure_ascii=False
        )
    return [Operation("replace", overrider.field_path, text)]


def _read_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        message = "the text is not JSON"
        raise PatchError(message) from error


def _containers(manifest: Manifest) -> list[tuple[str, Manifest]]:
    """The containers of kinds with a pod template, each with its pointer; none for other kinds."""
    match manifest.get("kind"):
        case "Pod":
            steps: tuple[str, ...] = ("spec", "containers")
        case kind if kind in _TEMPLATE_KINDS:
            steps = ("spec", "template", "spec", "containers")
        case _:
            return []
    found = enumerate(items(manifest, *steps))
    return [
        (f"/{'/'.join(steps)}/{index}", cast("Manifest", each))
        for index, each in found
        if isinstance(each, dict)
    ]


def _identity(manifest: Manifest) -> tuple[object, ...]:
    metadata = field(manifest, "metadata")
    return (
        field(manifest, "apiVersion"),
        field(manifest, "kind"),
        field(metadata, "name"),
        field(metadata, "namespace"),
    )


def _failure(override: Override, path: str, manifest: Manifest, why: str) -> InvalidInput:
    what = f"{manifest.get('kind')}/{name_of(manifest)}"
    message = f"{override} does not fit {what} ({path}): {why}. Mend the override, or take it away."
    return InvalidInput(message, reason="OverrideFailed")
