"""What a well-formed override may still get wrong."""

from __future__ import annotations

from collections.abc import Iterator

from failover.domain.overrides.model import FieldOverrider, Override, Overriders
from failover.domain.overrides.patching import Operator, PatchError, parse_pointer
from failover.domain.policy.checks import check_affinity, check_resource_selectors
from failover.domain.policy.problems import Finding, error, warning


def check_override(override: Override) -> Iterator[Finding]:
    """Everything that is wrong with the override, or that a person should know about it."""
    spec = override.spec
    if override.kind == "ClusterOverridePolicy" and override.namespace:
        yield error(
            "metadata.namespace", "ClusterWide", "a ClusterOverridePolicy has no namespace."
        )
    yield from check_resource_selectors(spec.resource_selectors, override.namespace, needed=False)
    old = spec.target_cluster is not None or spec.overriders != Overriders()
    if spec.override_rules and old:
        message = "cannot be together with targetCluster and overriders; write those as a rule."
        yield error("spec.overrideRules", "TwoKindsOfRules", message)
    elif old:
        message = "is Karmada's old way; write overrideRules."
        yield warning("spec.overriders", "Deprecated", message)
    for index, rule in enumerate(spec.rules):
        place = f"spec.overrideRules[{index}]" if spec.override_rules else "spec"
        if rule.target_cluster is not None:
            yield from check_affinity(rule.target_cluster, f"{place}.targetCluster")
        yield from _check_overriders(rule.overriders, f"{place}.overriders")


def _check_overriders(overriders: Overriders, place: str) -> Iterator[Finding]:
    for index, plain in enumerate(overriders.plaintext):
        here = f"{place}.plaintext[{index}]"
        yield from _check_pointer(plain.path, f"{here}.path")
        yield from _check_value(plain.operator, given="value" in plain.model_fields_set, place=here)
    for index, image in enumerate(overriders.image_overrider):
        here = f"{place}.imageOverrider[{index}]"
        if image.predicate is not None:
            yield from _check_pointer(image.predicate.path, f"{here}.predicate.path")
        if image.operator != "remove" and not image.value:
            yield error(f"{here}.value", "Missing", f"is missing; {image.operator} needs one.")
    for index, text in enumerate(overriders.field_overrider):
        yield from _check_text(text, f"{place}.fieldOverrider[{index}]")


def _check_text(overrider: FieldOverrider, place: str) -> Iterator[Finding]:
    yield from _check_pointer(overrider.field_path, f"{place}.fieldPath")
    if bool(overrider.json_) == bool(overrider.yaml):
        yield error(place, "JsonOrYaml", "must have either json or yaml.")
    for name, operations in (("json", overrider.json_), ("yaml", overrider.yaml)):
        for index, each in enumerate(operations):
            here = f"{place}.{name}[{index}]"
            yield from _check_pointer(each.sub_path, f"{here}.subPath")
            yield from _check_value(
                each.operator, given="value" in each.model_fields_set, place=here
            )


def _check_pointer(pointer: str, place: str) -> Iterator[Finding]:
    try:
        parse_pointer(pointer)
    except PatchError as problem:
        yield error(place, "NotAPointer", f"{problem}, as in /spec/replicas.")


def _check_value(operator: Operator, *, given: bool, place: str) -> Iterator[Finding]:
    if operator != "remove" and not given:
        yield error(f"{place}.value", "Missing", f"is missing; {operator} needs one.")
