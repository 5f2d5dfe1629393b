"""What is made of a policy that is an object on a cluster, and what is said of it in its status.

A generation that cannot be used takes nothing away: the last one that could be stays in force, as
long as the object is there and whoever reads it remembers.

    Accepted   this generation can be used
    Ready      this generation is in force, and moves something
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, generation_of, items, mapping, maps, uid_of
from failover.domain.overrides import Override
from failover.domain.policy.model import Policy
from failover.domain.policy.problems import Finding
from failover.domain.policy.reading import read_document
from failover.domain.policy.selectors import ResourceSelector
from failover.domain.rules import HealthRule

MESSAGE_LENGTH_MAX = 2000
_SELECTORS_SHOWN_MAX = 3


@dataclass(frozen=True)
class Declared:
    """One object: what is found in it, and what of it is in force."""

    manifest: Manifest
    findings: tuple[Finding, ...]
    in_force: Policy | Override | HealthRule | None
    generation_in_force: int
    """The object's generation that is in force; 0 where none is."""

    @property
    def generation(self) -> int:
        """The object's generation."""
        return generation_of(self.manifest)

    @property
    def accepted(self) -> bool:
        """Whether this generation can be used."""
        return all(each.severity != "Error" for each in self.findings)


def declared(manifest: Manifest, before: Declared | None) -> Declared:
    """What to make of an object, given what was made of it before."""
    value, findings = read_document(manifest)
    if value is not None:
        return Declared(manifest, findings, value, generation_of(manifest))
    if before is not None and uid_of(before.manifest) == uid_of(manifest):
        return Declared(manifest, findings, before.in_force, before.generation_in_force)
    return Declared(manifest, findings, None, 0)


def status_of(one: Declared, own_rules: Mapping[GroupKind, HealthRule], now: datetime) -> Manifest:
    """The status that the object should have; times change only where a condition does."""
    present = mapping(one.manifest, "status")
    known = {str(each.get("type")): each for each in maps(items(present, "conditions"))}
    ours = {each["type"]: each for each in (_accepted(one), _ready(one))}
    for kind, condition in ours.items():
        before = known.get(kind, {})
        same = before.get("status") == condition["status"]
        since = before.get("lastTransitionTime") if same else None
        condition["observedGeneration"] = one.generation
        condition["lastTransitionTime"] = since or now.strftime("%Y-%m-%dT%H:%M:%SZ")
    others = [each for kind, each in known.items() if kind not in ours]
    return {
        "observedGeneration": one.generation,
        **_effects(one, own_rules),
        "conditions": [*others, *ours.values()],
    }


def _accepted(one: Declared) -> dict[str, Any]:
    told = "; ".join(f"{each.path}: {each.message}" for each in one.findings)
    if one.accepted:
        return _condition("Accepted", "True", "Accepted", told or "It can be used.")
    return _condition("Accepted", "False", "NotAccepted", told)


def _ready(one: Declared) -> dict[str, Any]:
    if one.in_force is None:
        message = f"Generation {one.generation} is not accepted, and no earlier one is known."
        return _condition("Ready", "False", "NotInForce", message)
    if not one.accepted:
        message = (
            f"Generation {one.generation} is not accepted; "
            f"generation {one.generation_in_force} stays in force until it is mended."
        )
        return _condition("Ready", "False", "LastGoodInForce", message)
    if isinstance(one.in_force, Policy) and one.in_force.application is None:
        message = "It has no spec.failover.application, so it moves nothing."
        return _condition("Ready", "False", "Inert", message)
    return _condition("Ready", "True", "InForce", f"Generation {one.generation} is in force.")


def _condition(
    kind: str, status: Literal["True", "False"], reason: str, message: str
) -> dict[str, Any]:
    short = message if len(message) <= MESSAGE_LENGTH_MAX else f"{message[:MESSAGE_LENGTH_MAX]}…"
    return {"type": kind, "status": status, "reason": reason, "message": short}


def _effects(one: Declared, own_rules: Mapping[GroupKind, HealthRule]) -> dict[str, Any]:
    """What counts in the end, written or not."""
    policy = one.in_force
    if not isinstance(policy, Policy):
        return {}
    effects: dict[str, Any] = {
        "generationInForce": one.generation_in_force,
        "applications": _meant(policy.spec.resource_selectors),
    }
    if (application := policy.application) is not None:
        kinds = dict.fromkeys(each.group_kind for each in policy.spec.resource_selectors)
        modes = dict.fromkeys(policy.mode_of(kind, own_rule=kind in own_rules) for kind in kinds)
        effects["mode"] = ", ".join(modes)
        effects["purgeMode"] = application.purge_mode
        effects["tolerationSeconds"] = application.decision_conditions.toleration_seconds
    return effects


def _meant(selectors: Sequence[ResourceSelector]) -> str:
    shown = [f"{each.kind}/{_which(each)}" for each in selectors[:_SELECTORS_SHOWN_MAX]]
    more = len(selectors) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _which(selector: ResourceSelector) -> str:
    return selector.name or ("*" if selector.label_selector is None else "(by label)")
