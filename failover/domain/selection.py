"""Which cluster an application moves to.

Never the source, never a cluster that was tried already, never one that the policy does not mean or
that cannot take it; and for every cluster of the fleet there is a reason. Affinity groups are tried
in their order: the first that has an eligible cluster gives the target. Within a group the order of
`clusterNames` decides, then which is the emptiest, then the order of the fleet file. Eligibility hangs on
none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from failover.domain.policy.model import Policy
from failover.domain.policy.selectors import ClusterAffinityTerm, ClusterToleration
from failover.domain.topology import ClusterFacts, Taint

Standing = Literal["Chosen", "Eligible", "Refused"]

NOT_CANDIDATES = frozenset(
    {"SourceCluster", "AlreadyTried", "NotInAffinity", "Excluded", "UntoleratedTaint"}
)
"""Why the policy or the fleet file does not mean a cluster at all, whatever the cluster itself says."""

_HARD_EFFECTS = frozenset({"NoSchedule", "NoExecute"})


@dataclass(frozen=True)
class ClusterVerdict:
    """What was found out on a cluster itself: whether it could take the application now."""

    usable: bool
    reason: str
    message: str


@dataclass(frozen=True)
class Considered:
    """One cluster of the fleet, and what became of it."""

    cluster: str
    standing: Standing
    reason: str
    message: str


@dataclass(frozen=True)
class Choice:
    """The target, and every cluster that was looked at."""

    target: str
    group: str
    """The name of the affinity group that gave the target; empty where groups have none."""
    considered: tuple[Considered, ...]


@dataclass(frozen=True)
class NoCandidate:
    """No cluster can take the application; every one says why."""

    considered: tuple[Considered, ...]
    requested: str | None = None

    @property
    def reason(self) -> str:
        """The reason of the one cluster that was asked for, or `NoCandidate`."""
        return self._asked.reason if self._asked else "NoCandidate"

    @property
    def message(self) -> str:
        """Why, cluster by cluster."""
        if self._asked:
            return self._asked.message
        each = "; ".join(f"{one.cluster}: {one.reason}" for one in self.considered)
        return f"no cluster can take the application ({each or 'the fleet has no clusters'})."

    @property
    def _asked(self) -> Considered | None:
        return next((one for one in self.considered if one.cluster == self.requested), None)


def choose(
    policy: Policy,
    facts: tuple[ClusterFacts, ...],
    *,
    source: str,
    tried: frozenset[str],
    verdicts: Mapping[str, ClusterVerdict],
    requested: str | None = None,
    free_percent: Mapping[str, int] | None = None,
) -> Choice | NoCandidate:
    """The cluster to move to. A requested one must pass the same checks, and no other is taken.

    `free_percent` says how empty clusters are, as far as it is known.

    `verdicts` are what was found on the clusters; one without a verdict was not looked at, and is
    judged by the fleet file alone.
    """
    groups = policy.spec.placement.groups
    judged = {
        each.name: _judge(policy, each, source, tried, verdicts.get(each.name)) for each in facts
    }
    if requested is not None and requested not in judged:
        known = ", ".join(each.name for each in facts) or "none"
        message = f"the fleet has no cluster {requested!r}; it has: {known}."
        missing = Considered(requested, "Refused", "UnknownCluster", message)
        return NoCandidate((*judged.values(), missing), requested)
    eligible = [each for each in facts if judged[each.name].standing == "Eligible"]
    wanted = [each for each in eligible if requested in {None, each.name}]
    for group in groups:
        members = [each for each in wanted if group.matches(each)]
        if members:
            free = free_percent or {}
            first = min(_preference(group, each.name) for each in members)
            tied = [each.name for each in members if _preference(group, each.name) == first]
            target = max(tied, key=lambda name: free.get(name, -1))
            if requested is None and target != tied[0]:
                judged[target] = _emptiest(target, free[target])
            else:
                judged[target] = _chosen(target, group, asked=requested is not None)
            return Choice(target, group.affinity_name, tuple(judged.values()))
    return NoCandidate(tuple(judged.values()), requested)


def candidates(
    policy: Policy, facts: tuple[ClusterFacts, ...], *, source: str, tried: frozenset[str]
) -> tuple[str, ...]:
    """The clusters worth asking: those that neither the policy nor the fleet file refuses."""
    judged = [_judge(policy, each, source, tried, None) for each in facts]
    return tuple(each.cluster for each in judged if each.standing == "Eligible")


def _preference(group: ClusterAffinityTerm, name: str) -> int:
    return group.cluster_names.index(name) if name in group.cluster_names else 0


def _chosen(target: str, group: ClusterAffinityTerm, *, asked: bool) -> Considered:
    if asked:
        return Considered(
            target, "Chosen", "Requested", f"{target} was asked for, and can take the application."
        )
    where = f" of group {group.affinity_name!r}" if group.affinity_name else ""
    return Considered(
        target, "Chosen", "FirstEligible", f"{target} is the first eligible cluster{where}."
    )


def _emptiest(target: str, free: int) -> Considered:
    message = f"{target} is the emptiest of those that are equally good: {free} % is free."
    return Considered(target, "Chosen", "Emptiest", message)


def _judge(
    policy: Policy,
    cluster: ClusterFacts,
    source: str,
    tried: frozenset[str],
    verdict: ClusterVerdict | None,
) -> Considered:
    refusal = (
        _is_source(cluster, source)
        or _was_tried(cluster, tried)
        or _is_not_meant(policy.spec.placement.groups, cluster)
        or _is_tainted(policy.spec.placement.cluster_tolerations, cluster)
        or _is_unusable(cluster, verdict)
    )
    return refusal or Considered(
        cluster.name, "Eligible", "Eligible", f"{cluster.name} could take the application."
    )


def _refused(cluster: ClusterFacts, reason: str, message: str) -> Considered:
    return Considered(cluster.name, "Refused", reason, message)


def _is_source(cluster: ClusterFacts, source: str) -> Considered | None:
    if cluster.name != source:
        return None
    return _refused(cluster, "SourceCluster", f"{cluster.name} is where the application fell ill.")


def _was_tried(cluster: ClusterFacts, tried: frozenset[str]) -> Considered | None:
    if cluster.name not in tried:
        return None
    message = (
        f"{cluster.name} was tried in this failover already, and did not bring the application up."
    )
    return _refused(cluster, "AlreadyTried", message)


def _is_not_meant(
    groups: tuple[ClusterAffinityTerm, ...], cluster: ClusterFacts
) -> Considered | None:
    if any(group.matches(cluster) for group in groups):
        return None
    if all(cluster.name in group.exclude for group in groups):
        message = f"{cluster.name} is excluded by the policy's placement (exclude)."
        return _refused(cluster, "Excluded", message)
    why = "; ".join(_mismatch(group, cluster) for group in groups)
    return _refused(
        cluster, "NotInAffinity", f"{cluster.name} is not meant by the policy's placement: {why}."
    )


def _mismatch(group: ClusterAffinityTerm, cluster: ClusterFacts) -> str:
    name = f"group {group.affinity_name!r}: " if group.affinity_name else ""
    if cluster.name in group.exclude:
        return f"{name}exclude names it"
    if group.cluster_names and cluster.name not in group.cluster_names:
        return f"{name}clusterNames does not name it"
    if group.field_selector is not None and not group.field_selector.matches(cluster):
        return f"{name}its provider, region or zone is not selected"
    return f"{name}its labels are not selected"


def _is_tainted(
    tolerations: tuple[ClusterToleration, ...], cluster: ClusterFacts
) -> Considered | None:
    for taint in cluster.taints:
        hard = taint.effect in _HARD_EFFECTS
        if hard and not any(each.tolerates(taint) for each in tolerations):
            message = (
                f"{cluster.name} has the taint {_taint_text(taint)}, which the policy's "
                "clusterTolerations do not cover."
            )
            return _refused(cluster, "UntoleratedTaint", message)
    return None


def _taint_text(taint: Taint) -> str:
    return (
        f"{taint.key}={taint.value}:{taint.effect}"
        if taint.value
        else f"{taint.key}:{taint.effect}"
    )


def _is_unusable(cluster: ClusterFacts, verdict: ClusterVerdict | None) -> Considered | None:
    if verdict is None or verdict.usable:
        return None
    return _refused(cluster, verdict.reason, verdict.message)
