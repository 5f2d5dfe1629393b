"""`HealthRule`: how a kind is judged, in the words of whoever runs it.

An ordered list of clauses, each an expression in CEL over the object and what it owns. The first
clause that is true gives the verdict. The whole travels by value in the request of a failover, so
that each look in a run is judged by the rule that was there when the run began.
"""

from __future__ import annotations

from typing import Literal

from failover.domain.identity import GroupKind
from failover.domain.policy.base import PolicyModel

VerdictWord = Literal[
    "Healthy",
    "Finished",
    "Suspended",
    "Unhealthy",
    "Starting",
    "Progressing",
    "UserError",
    "Unknown",
]


class KindRef(PolicyModel):
    """A kind without its version."""

    group: str = ""
    """Its API group; empty for Kubernetes' core."""
    kind: str = ""
    """Its kind."""

    @property
    def group_kind(self) -> GroupKind:
        """As the rest of the engine says it."""
        return GroupKind(self.group, self.kind)


class HealthClause(PolicyModel):
    """One expression, and the verdict where it is true."""

    when: str
    """CEL over `object` and `owned` (a list), that is true or false. `has(object.status.x)` before a
    field that may be missing: an expression that fails decides nothing, and the rule ends there."""
    verdict: VerdictWord
    """`Healthy`: well. `Finished`, `Suspended`: nothing to move. `Unhealthy`: ill. `Starting`: not up
    yet, which counts as ill. `Progressing`: a change is under way, which does not count. `UserError`:
    it would be as ill elsewhere. `Unknown`: not to be told."""
    reason: str
    """A CamelCase token."""
    message: str = ""
    """A sentence for a tired person."""


class HealthRuleSpec(PolicyModel):
    """What a rule says."""

    target: KindRef
    """The kind that it judges."""
    owned: tuple[KindRef, ...] = ()
    """What is looked at beside it: objects of these kinds whose owner it is."""
    rules: tuple[HealthClause, ...] = ()
    """The clauses, in order."""


class HealthRule(PolicyModel):
    """One document."""

    api_version: str = "stateful-failover.dev/v1alpha1"
    """The apiVersion of the document."""
    kind: Literal["HealthRule"] = "HealthRule"
    """The kind of the document."""
    name: str
    """Its `metadata.name`."""
    spec: HealthRuleSpec
    """What it says."""

    @property
    def target(self) -> GroupKind:
        """The kind that it judges."""
        return self.spec.target.group_kind

    @property
    def owned_kinds(self) -> tuple[GroupKind, ...]:
        """What is looked at beside it."""
        return tuple(each.group_kind for each in self.spec.owned)

    @property
    def expressions(self) -> tuple[str, ...]:
        """The expressions, in order."""
        return tuple(each.when for each in self.spec.rules)

    def __str__(self) -> str:
        return f"HealthRule/{self.name}"
