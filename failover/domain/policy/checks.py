"""What a well-formed policy may still get wrong: each check looks at one part of it."""

from __future__ import annotations

from collections.abc import Iterator

from failover.domain.health import Support, is_exclusive, support_of
from failover.domain.policy.model import MAX_FAILOVERS_MOST, ApplicationFailover, Policy
from failover.domain.policy.placement import Placement
from failover.domain.policy.preserving import check_preservation
from failover.domain.policy.problems import Finding, error, warning
from failover.domain.policy.selectors import (
    ClusterAffinity,
    ClusterToleration,
    LabelSelector,
    ResourceSelector,
)

SECONDS_MAX = 2**31 - 1
"""As Karmada's CRD has it: 68 years."""

APPLICATION = "spec.failover.application"


def check(policy: Policy) -> Iterator[Finding]:
    """Everything that is wrong with the policy, or that a person should know about it."""
    yield from _check_names(policy)
    yield from check_resource_selectors(policy.spec.resource_selectors, policy.namespace)
    yield from _check_placement(policy.spec.placement)
    if policy.spec.failover is None:
        message = "is not there, so this policy moves nothing."
        yield warning("spec.failover", "Inert", message)
    elif policy.application is None:
        message = "is not there, so this policy moves nothing, and `start` refuses it."
        yield warning(APPLICATION, "Inert", message)
    else:
        yield from _check_application(policy, policy.application)


def _check_names(policy: Policy) -> Iterator[Finding]:
    if policy.kind == "ClusterPropagationPolicy" and policy.namespace:
        yield error(
            "metadata.namespace", "ClusterWide", "a ClusterPropagationPolicy has no namespace."
        )
    if policy.kind == "PropagationPolicy" and not policy.namespace:
        message = (
            "is not written: the policy is taken to mean every namespace that its selectors mean."
        )
        yield warning("metadata.namespace", "NamespaceMissing", message)


def check_resource_selectors(
    selectors: tuple[ResourceSelector, ...], namespace: str, *, needed: bool = True
) -> Iterator[Finding]:
    """What is wrong with the selectors of a policy or an override of this namespace."""
    place = "spec.resourceSelectors"
    if needed and not selectors:
        message = "is empty, so the policy means nothing; name at least one apiVersion and kind."
        yield error(place, "NoResourceSelectors", message)
    for index, selector in enumerate(selectors):
        here = f"{place}[{index}]"
        if not selector.api_version:
            yield error(f"{here}.apiVersion", "Missing", "is missing, as in apps/v1.")
        if not selector.kind:
            yield error(f"{here}.kind", "Missing", "is missing, as in Deployment.")
        if namespace and selector.namespace not in {"", namespace}:
            message = (
                f"is {selector.namespace!r}, but the document's own namespace is {namespace!r}."
            )
            yield error(f"{here}.namespace", "OtherNamespace", message)
        if selector.name and selector.label_selector is not None:
            message = "is not looked at, because name is written."
            yield warning(f"{here}.labelSelector", "NotUsed", message)
        if selector.label_selector is not None:
            yield from _check_label_selector(selector.label_selector, f"{here}.labelSelector")


def check_affinity(affinity: ClusterAffinity, place: str) -> Iterator[Finding]:
    """What is wrong with a selection of clusters."""
    for name in sorted(set(affinity.cluster_names) & set(affinity.exclude)):
        message = f"names {name!r}, which clusterNames names as well; exclude wins."
        yield warning(f"{place}.exclude", "ExcludedByItself", message)
    if affinity.label_selector is not None:
        yield from _check_label_selector(affinity.label_selector, f"{place}.labelSelector")
    if affinity.field_selector is not None:
        for index, each in enumerate(affinity.field_selector.match_expressions):
            if not each.values:
                here = f"{place}.fieldSelector.matchExpressions[{index}].values"
                yield error(
                    here, "ValuesMissing", f"is empty; {each.operator} needs at least one value."
                )


def _check_label_selector(selector: LabelSelector, place: str) -> Iterator[Finding]:
    for index, each in enumerate(selector.match_expressions):
        here = f"{place}.matchExpressions[{index}].values"
        if each.operator in {"In", "NotIn"} and not each.values:
            yield error(
                here, "ValuesMissing", f"is empty; {each.operator} needs at least one value."
            )
        elif each.operator in {"Exists", "DoesNotExist"} and each.values:
            yield error(here, "ValuesNotAllowed", f"must be left out with {each.operator}.")


def _check_placement(placement: Placement) -> Iterator[Finding]:
    place = "spec.placement"
    if placement.cluster_affinity is not None and placement.cluster_affinities:
        message = "cannot be together with clusterAffinity; write that one as the first group."
        yield error(f"{place}.clusterAffinities", "TwoAffinities", message)
    if placement.cluster_affinity is not None:
        yield from check_affinity(placement.cluster_affinity, f"{place}.clusterAffinity")
    yield from _check_groups(placement, f"{place}.clusterAffinities")
    for index, toleration in enumerate(placement.cluster_tolerations):
        yield from _check_toleration(toleration, f"{place}.clusterTolerations[{index}]")
    yield from _check_one_cluster(placement, place)


def _check_groups(placement: Placement, place: str) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, group in enumerate(placement.cluster_affinities):
        here = f"{place}[{index}]"
        if not group.affinity_name:
            yield error(f"{here}.affinityName", "Missing", "is missing: each group needs a name.")
        elif group.affinity_name in seen:
            message = f"{group.affinity_name!r} is the name of an earlier group."
            yield error(f"{here}.affinityName", "DuplicateAffinityName", message)
        seen.add(group.affinity_name)
        yield from check_affinity(group, here)


def _check_toleration(toleration: ClusterToleration, place: str) -> Iterator[Finding]:
    if toleration.operator == "Exists" and toleration.value:
        yield error(f"{place}.value", "ValuesNotAllowed", "must be left out with Exists.")
    if toleration.operator != "Exists" and not toleration.key:
        message = "is missing; to tolerate every taint, write operator: Exists."
        yield error(f"{place}.key", "Missing", message)


def _check_one_cluster(placement: Placement, place: str) -> Iterator[Finding]:
    for index, constraint in enumerate(placement.spread_constraints):
        here = f"{place}.spreadConstraints[{index}]"
        if constraint.min_groups > 1:
            message = f"is {constraint.min_groups}, but an application runs on one cluster here."
            yield warning(f"{here}.minGroups", "OneCluster", message)
        elif constraint.max_groups != 1 and constraint.spread_by_field == "cluster":
            message = (
                f"is {constraint.max_groups}, but an application runs on one cluster here; write 1."
            )
            yield warning(f"{here}.maxGroups", "OneCluster", message)
    scheduling = placement.replica_scheduling
    if scheduling is not None and scheduling.replica_scheduling_type == "Divided":
        message = "divides nothing here: all replicas go to one cluster."
        yield warning(f"{place}.replicaScheduling", "OneCluster", message)


def _check_application(policy: Policy, application: ApplicationFailover) -> Iterator[Finding]:
    if policy.is_karmada and not policy.spec.propagate_deps:
        message = "must be true with spec.failover.application; Karmada's webhook demands it."
        yield error("spec.propagateDeps", "PropagateDepsNeeded", message)
    yield from _check_seconds(application)
    yield from _check_start_up(application)
    yield from _check_budget(application)
    yield from _check_purge(policy, application)
    yield from _check_support(policy, application)
    for index, manager in enumerate(application.allow_managers):
        if not manager.strip():
            yield error(
                f"{APPLICATION}.allowManagers[{index}]", "Missing", "is empty; name a manager."
            )
    yield from check_preservation(application, APPLICATION)


def _check_seconds(application: ApplicationFailover) -> Iterator[Finding]:
    conditions, verification = application.decision_conditions, application.verification
    seconds: list[tuple[str, int | None, int]] = [
        ("decisionConditions.tolerationSeconds", conditions.toleration_seconds, 0),
        (
            "decisionConditions.initialTolerationSeconds",
            conditions.initial_toleration_seconds,
            0,
        ),
        ("gracePeriodSeconds", application.grace_period_seconds, 1),
        ("settleSeconds", application.settle_seconds, 0),
        ("fencing.goneWithinSeconds", application.fencing.gone_within_seconds, 1),
        ("verification.healthyWithinSeconds", verification.healthy_within_seconds, 1),
        ("verification.maxSeconds", verification.max_seconds, 1),
        ("budget.windowSeconds", application.budget.window_seconds, 1),
        ("budget.coolDownSeconds", application.budget.cool_down_seconds, 0),
        (
            "statePreservation.goodAfterSeconds",
            int(application.good_after.total_seconds()),
            0,
        ),
    ]
    for name, value, least in seconds:
        if value is not None and not least <= value <= SECONDS_MAX:
            message = f"is {value}, but must be a whole number from {least} to {SECONDS_MAX}."
            yield error(f"{APPLICATION}.{name}", "OutOfRange", message)
    if verification.max_seconds < verification.healthy_within_seconds:
        message = (
            f"is {verification.max_seconds}, less than healthyWithinSeconds "
            f"({verification.healthy_within_seconds}), which then never ends a wait."
        )
        yield warning(f"{APPLICATION}.verification.maxSeconds", "NeverReached", message)


def _check_budget(application: ApplicationFailover) -> Iterator[Finding]:
    moves = application.budget.max_failovers
    if not 1 <= moves <= MAX_FAILOVERS_MOST:
        message = (
            f"is {moves}, but must be a whole number from 1 to {MAX_FAILOVERS_MOST}; "
            "to be asked before each move, write mode: Confirm."
        )
        yield error(f"{APPLICATION}.budget.maxFailovers", "OutOfRange", message)


def _check_start_up(application: ApplicationFailover) -> Iterator[Finding]:
    conditions = application.decision_conditions
    initial = conditions.initial_toleration_seconds
    if initial is not None and 0 <= initial < conditions.toleration_seconds:
        message = (
            f"is {initial}, less than tolerationSeconds ({conditions.toleration_seconds}): "
            "what starts gets less time than what broke."
        )
        yield warning(
            f"{APPLICATION}.decisionConditions.initialTolerationSeconds", "ShortStart", message
        )


def _check_purge(policy: Policy, application: ApplicationFailover) -> Iterator[Finding]:
    mode = application.purge_mode
    if application.grace_period_seconds is not None and mode != "Gracefully":
        message = (
            f"has a meaning only with purgeMode: Gracefully, and purgeMode is {mode}. Take it out."
        )
        yield error(f"{APPLICATION}.gracePeriodSeconds", "GraceWithoutGracefully", message)
    if mode == "Directly":
        if application.allow_two_copies:
            message = "has no effect with purgeMode: Directly, which never leaves two copies."
            yield warning(f"{APPLICATION}.allowTwoCopies", "NotUsed", message)
        return
    kinds = sorted(
        {str(each.group_kind) for each in policy.spec.resource_selectors if _is_exclusive(each)}
    )
    if kinds and not application.allow_two_copies:
        message = (
            f"{mode} starts the new copy beside the old one, and {', '.join(kinds)} bears one "
            "writer only: such a failover is refused. Set purgeMode: Directly, or, in a "
            "FailoverPolicy, allowTwoCopies: true."
        )
        yield warning(f"{APPLICATION}.purgeMode", "TwoCopiesOfExclusiveState", message)


def _check_support(policy: Policy, application: ApplicationFailover) -> Iterator[Finding]:
    kinds = sorted(
        {
            str(each.group_kind)
            for each in policy.spec.resource_selectors
            if support_of(each.group_kind) is Support.EXPERIMENTAL
        }
    )
    if kinds and application.mode is None:
        where = " in a FailoverPolicy" if policy.is_karmada else ""
        message = (
            f"is not written, and {', '.join(kinds)} is experimental here (only its health is known): "
            f"it is only observed. Write mode: Observe, Confirm or Automatic{where}."
        )
        yield warning(f"{APPLICATION}.mode", "ExperimentalKind", message)


def _is_exclusive(selector: ResourceSelector) -> bool:
    return bool(selector.kind) and is_exclusive(selector.group_kind)
