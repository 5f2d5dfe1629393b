"""The rules of planning: what forbids a move, what is worth a warning, what the new copy looks like.

Pure pieces; `activities.deciding` gathers what they need and puts the answer together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from failover.domain.dependents import claim_templates, dependents_of
from failover.domain.health import Health, Support, is_exclusive, support_of
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, labels_of
from failover.domain.marks import superseded_by
from failover.domain.overrides import Override, apply_overrides
from failover.domain.owners import Manager, managers_of
from failover.domain.plan import NotNeeded, Refusal, Warn
from failover.domain.policy import Policy
from failover.domain.preservation import capture
from failover.domain.selection import NOT_CANDIDATES, Considered
from failover.domain.template import portable
from failover.domain.toleration import may_move
from failover.domain.topology import ClusterFacts

LASTING_REFUSALS = ("TargetOccupied", "DependentConflict", "Invalid", "Forbidden", "UnknownKind")
"""Why a cluster cannot take the application that time alone will not cure."""


def alias_labels(policy: Policy) -> tuple[str, ...]:
    """The label keys that carry state under this policy."""
    return tuple(rule.alias_label_name for rule in policy.active.rules)


def captured(policy: Policy, manifest: Manifest, skipped: Iterable[str]) -> dict[str, str]:
    """The state as labels, without the rules that a person skipped. Raises what `capture` raises."""
    left_out = frozenset(skipped)
    rules = [rule for rule in policy.active.rules if rule.alias_label_name not in left_out]
    return capture(rules, manifest)


def rendered(
    original: Manifest,
    overrides: tuple[Override, ...],
    labels: Mapping[str, str],
    target: ClusterFacts,
) -> Manifest:
    """The object for the target: overrides applied, alias labels on, our mark not yet."""
    changed = apply_overrides(original, overrides, target)
    if not labels:
        return changed
    metadata = {**changed["metadata"], "labels": {**labels_of(changed), **labels}}
    return {**changed, "metadata": metadata}


def original_of(manifest: Manifest, policy: Policy) -> Manifest:
    """What the source's object would look like in its author's file."""
    return portable(manifest, alias_labels=alias_labels(policy))


def is_allowed(manager: Manager, policy: Policy) -> bool:
    """Whether the policy lets this manager stay, by its name or its detail, in any spelling of case."""
    allowed = {each.casefold() for each in policy.active.allow_managers}
    return manager.name.casefold() in allowed or manager.detail.casefold() in allowed


def puts_back(manifest: Manifest) -> bool:
    """Whether somebody would create the object again after a delete."""
    return any(manager.puts_back for manager in managers_of(manifest))


def not_needed(policy: Policy, health: Health) -> NotNeeded | None:
    """Why it stays where it is: it is well, or nobody can tell. `None` where it is to be moved."""
    on_unknown = policy.active.decision_conditions.on_unknown
    return None if may_move(health, on_unknown) else NotNeeded(health=health)


def refusal_of(policy: Policy, manifest: Manifest, source: str) -> Refusal | None:
    """Why this object must not be moved under this policy, whatever the clusters say."""
    kind = GroupKind.of(manifest)
    application = policy.active
    for manager in managers_of(manifest):
        if manager.puts_back and not is_allowed(manager, policy):
            message = (
                f"{manager.name} ({manager.detail}) keeps this object on {source} and would put it back: "
                f"{manager.remedy}; or name it in allowManagers"
            )
            return Refusal(reason="ManagedElsewhere", message=message)
    if (
        application.purge_mode != "Directly"
        and is_exclusive(kind)
        and not application.allow_two_copies
    ):
        message = (
            f"two running copies of a {kind.kind} corrupt its state, and purgeMode {application.purge_mode} runs two "
            "for a while: set purgeMode: Directly (or allowTwoCopies: true in a FailoverPolicy)"
        )
        return Refusal(reason="TwoCopiesOfExclusiveState", message=message)
    if (claims := claim_templates(manifest)) and not application.allow_empty_volumes:
        message = (
            f"its volumes ({', '.join(claims)}) would start empty elsewhere, since data in volumes is not moved: "
            "replicate it yourself and set allowEmptyVolumes: true in a FailoverPolicy"
        )
        return Refusal(reason="VolumeDataNotMoved", message=message)
    return None


def warnings_of(
    policy: Policy, manifest: Manifest, source: str, *, own_rule: bool = False
) -> tuple[Warn, ...]:
    """What a person should know although the plan goes ahead."""
    found: list[Warn] = []
    for manager in managers_of(manifest):
        if manager.puts_back or manager.name == "Helm":
            message = (
                f"{manager.name} ({manager.detail}) keeps this object on {source}: {manager.remedy}"
            )
            found.append(Warn(reason="ManagedBy", message=message))
    claims = [each for each in dependents_of(manifest) if each.kind == "PersistentVolumeClaim"]
    if claims and policy.spec.propagate_deps:
        names = ", ".join(each.name for each in claims)
        message = f"claims are created empty on the target; the data in {names} is not moved"
        found.append(Warn(reason="VolumeDataNotMoved", message=message))
    kind = GroupKind.of(manifest)
    if support_of(kind, own=own_rule) is Support.EXPERIMENTAL:
        message = experimental_message(kind, policy, own_rule=own_rule)
        found.append(Warn(reason="ExperimentalKind", message=message))
    if not policy.active.rules:
        found.append(
            Warn(
                reason="NoState", message="the policy preserves no state: the new copy starts cold"
            )
        )
    return tuple(found)


def experimental_message(kind: GroupKind, policy: Policy, *, own_rule: bool = False) -> str:
    """What it means that a kind is experimental, under this policy."""
    why = "judged by a rule of your own" if own_rule else "experimental here"
    known = f"{kind.kind} is {why}: its health is known, a move of it is not proved"
    if policy.active.mode is not None:
        return known
    where = "a FailoverPolicy" if policy.is_karmada else "the policy"
    return f"{known}; so it is only observed. Write mode: Confirm or Automatic in {where} to have it moved"


def occupied_message(cluster: str, manifest: Manifest) -> str:
    """Why an object that is there already is in the way."""
    name = f"{manifest.get('kind')}/{manifest['metadata'].get('name')}"
    if (by := superseded_by(manifest)) is not None:
        return f"{name} is on {cluster} already, left behind by a failover to {by}; delete it there if it is not needed"
    return f"{name} is on {cluster} already, and nobody knows whose it is; delete it there, or take {cluster} out of the policy"


def lasting_refusal(considered: Iterable[Considered], message: str) -> Refusal | None:
    """A refusal in place of "no candidate now", if only reasons that last stand in the way."""
    listed = tuple(considered)
    refused = [each for each in listed if each.reason not in NOT_CANDIDATES]
    if not refused or any(each.reason not in LASTING_REFUSALS for each in refused):
        return None
    first = refused[0]
    return Refusal(reason=first.reason, message=f"{first.message} ({message})", considered=listed)
