"""What the catalogue knows of one kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from failover.domain.health.pods import family_at_fault
from failover.domain.health.verdict import Health, may_be_its_own_fault
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest

Judge = Callable[[Manifest, Sequence[Manifest] | None], Health]
"""A rule: an object and what it owns (`None`: nobody looked), and the verdict on it."""


OwnFault = Callable[[Manifest, Sequence[Manifest] | None], Health | None]
"""A user error, where the pods among what was seen have only themselves to blame."""

Way = tuple[GroupKind, ...]
"""A way down, level by level: each kind is owned by the one before."""


class Support(StrEnum):
    """How far a kind may be trusted to be moved."""

    SUPPORTED = "Supported"
    """Health, state and move are proved: it moves unless the policy says otherwise."""
    EXPERIMENTAL = "Experimental"
    """Only its health is known: it is observed unless the policy writes a mode."""


@dataclass(frozen=True)
class Entry:
    """One row of the catalogue."""

    kind: GroupKind
    judge: Judge
    reasons: tuple[str, ...]
    """What the rule may say, beyond what every rule may (`ANY_KIND`); a test keeps the list true."""
    owned: tuple[GroupKind, ...] = ()
    """What its health is checked against."""
    when_ill: tuple[Way, ...] = ()
    """The ways to what lies deeper, and is looked at only while it is ill, to tell whose fault that is. They
    begin at what its health is checked against, or else at the object itself."""
    between: tuple[GroupKind, ...] = ()
    """Kinds of the operator's that stand between the object and its pods: without listing them, pods
    of theirs would not be found, and the object be taken for gone while they run."""
    support: Support = Support.EXPERIMENTAL
    karmada: str = ""
    """Where Karmada's interpreter says something else; empty: it has none, or says the same."""


ANY_KIND = ("BeingDeleted", "NoStatusYet", "StatusOutdated", "UnrecognizedState")
"""Reasons that every kind may give."""


def alone(rule: Callable[[Manifest], Health]) -> Judge:
    """A rule that asks the object only."""

    def judge(workload: Manifest, _owned: Sequence[Manifest] | None) -> Health:
        return rule(workload)

    return judge


def unless_own_fault(rule: Judge, own_fault: OwnFault = family_at_fault) -> Judge:
    """The rule; where it finds the object ill, or cannot tell why it is as it is, its pods may say that it is their own fault.

    Not where it says nothing of the object as it is now (`ANY_KIND`): the pods may be those of an older spec.
    """

    def judge(workload: Manifest, seen: Sequence[Manifest] | None) -> Health:
        health = rule(workload, seen)
        if not may_be_its_own_fault(health) or health.reason in ANY_KIND:
            return health
        return own_fault(workload, seen) or health

    return judge
