"""Which policy is about an application.

Precedence, strongest first: a `FailoverPolicy`, then a `PropagationPolicy` of the application's
namespace, then a `ClusterPropagationPolicy`; within a kind the higher `spec.priority`; then the
more precise selector (name, labels, whole kind). Karmada decides what is left by the alphabet. Here
it is `Ambiguous`: where an application runs should not hang on how policies are called.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from failover.domain.identity import ApplicationRef
from failover.domain.policy.model import Policy
from failover.domain.policy.selectors import Precision, closest

_RANKS = {"FailoverPolicy": 2, "PropagationPolicy": 1, "ClusterPropagationPolicy": 0}


@dataclass(frozen=True)
class NoPolicy:
    """No policy is about the application."""

    application: ApplicationRef

    reason = "NoPolicy"

    @property
    def message(self) -> str:
        """What is missing, and where it would be written."""
        return (
            f"no policy is about {self.application}; add it to the spec.resourceSelectors of one "
            f"(kind {self.application.kind}, namespace {self.application.namespace or 'none'}, "
            f"name {self.application.name})."
        )


@dataclass(frozen=True)
class Ambiguous:
    """Several policies are equally about the application."""

    application: ApplicationRef
    policies: tuple[Policy, ...]

    reason = "AmbiguousPolicy"

    @property
    def message(self) -> str:
        """Which policies they are, and how to decide between them."""
        by_name = dict.fromkeys(str(each) for each in self.policies)
        if len(by_name) == 1:
            return (
                f"{self.policies[0]}, which is about {self.application}, is there "
                f"{len(self.policies)} times, and says something else each time; leave one of them."
            )
        names = " and ".join(by_name)
        return (
            f"{names} are equally about {self.application}; name it in the resourceSelectors of "
            "one, give one a higher spec.priority, or take it out of the others."
        )


Matched = Policy | NoPolicy | Ambiguous


def match(
    policies: Iterable[Policy], application: ApplicationRef, labels: Mapping[str, str]
) -> Matched:
    """The policy of this application, given the labels of the object."""
    ranked: dict[tuple[int, int, int], list[Policy]] = {}
    for policy in policies:
        precision = precision_of(policy, application, labels)
        if precision == Precision.NONE:
            continue
        equals = ranked.setdefault((_RANKS[policy.kind], policy.spec.priority, precision), [])
        if policy not in equals:
            equals.append(policy)
    if not ranked:
        return NoPolicy(application)
    first, *others = sorted(ranked[max(ranked)], key=str)
    return Ambiguous(application, (first, *others)) if others else first


def precision_of(
    policy: Policy, application: ApplicationRef, labels: Mapping[str, str]
) -> Precision:
    """How closely the policy means the application; not at all from another namespace."""
    if policy.namespace and policy.namespace != application.namespace:
        return Precision.NONE
    if policy.kind == "PropagationPolicy" and not application.namespace:
        return Precision.NONE
    return closest(policy.spec.resource_selectors, application, labels)


def may_mean(policy: Policy, application: ApplicationRef) -> bool:
    """Whether the policy means the application with some labels or other."""
    if policy.namespace and policy.namespace != application.namespace:
        return False
    return any(
        each.group_kind == application.group_kind
        and each.namespace in {"", application.namespace}
        and each.name in {"", application.name}
        for each in policy.spec.resource_selectors
    )
