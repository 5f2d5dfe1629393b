"""Does each cluster answer, is it what the fleet says, and may we do there what we have to?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from cli.doctor.finding import Finding, fail, ok, warn
from failover.domain.errors import (
    ClusterUnreachable,
    CredentialsRejected,
    FailoverError,
    Forbidden,
    UnknownKind,
)
from failover.domain.health import kinds_between
from failover.domain.identity import GroupKind
from failover.domain.policy import Policy
from failover.domain.rbac import RIGHTS, SYSTEM_NAMESPACE, WORKLOADS, Right
from failover.fleet import Cluster, Fleet
from failover.records import NAMESPACE_KIND, RecordNamespaceMissing, check_namespace

SECONDS_MAX = 15.0

Asked = tuple[GroupKind, str, str]
"""A kind, a verb, a namespace (empty: the whole cluster)."""

_KINDS: Mapping[tuple[str, str], GroupKind] = {
    ("", "namespaces"): NAMESPACE_KIND,
    ("", "nodes"): GroupKind("", "Node"),
    ("", "pods"): GroupKind("", "Pod"),
    ("", "resourcequotas"): GroupKind("", "ResourceQuota"),
    ("", "configmaps"): GroupKind("", "ConfigMap"),
    ("", "secrets"): GroupKind("", "Secret"),
    ("", "serviceaccounts"): GroupKind("", "ServiceAccount"),
    ("", "persistentvolumeclaims"): GroupKind("", "PersistentVolumeClaim"),
    ("", "events"): GroupKind("", "Event"),
    ("apps", "deployments"): GroupKind("apps", "Deployment"),
    ("apps", "replicasets"): GroupKind("apps", "ReplicaSet"),
    ("apps", "statefulsets"): GroupKind("apps", "StatefulSet"),
    ("apps", "daemonsets"): GroupKind("apps", "DaemonSet"),
    ("batch", "cronjobs"): GroupKind("batch", "CronJob"),
    ("batch", "jobs"): GroupKind("batch", "Job"),
    ("networking.k8s.io", "ingresses"): GroupKind("networking.k8s.io", "Ingress"),
    ("flink.apache.org", "flinkdeployments"): GroupKind("flink.apache.org", "FlinkDeployment"),
    ("sparkoperator.k8s.io", "sparkapplications"): GroupKind(
        "sparkoperator.k8s.io", "SparkApplication"
    ),
}
"""The kinds behind the resources of `RIGHTS`."""


async def examine(fleet: Fleet, policies: Sequence[Policy]) -> tuple[list[Finding], list[str]]:
    """What there is to say of the clusters, and which of them answer."""
    names = [each.name for each in fleet.facts]
    uids = await asyncio.gather(*(_uid(fleet.cluster(name)) for name in names))
    found = [uid for uid in uids if isinstance(uid, Finding)]
    answering = {
        name: uid for name, uid in zip(names, uids, strict=True) if not isinstance(uid, Finding)
    }
    found += _same(answering)
    for each in await asyncio.gather(
        *(_examine_one(fleet.cluster(name), policies) for name in answering)
    ):
        found += each
    return found, list(answering)


def about(cluster: str) -> str:
    """How a finding names a cluster."""
    return f"cluster {cluster}"


async def _uid(cluster: Cluster) -> str | Finding:
    try:
        async with asyncio.timeout(SECONDS_MAX):
            return await cluster.uid()
    except TimeoutError:
        message = f"gives no answer within {SECONDS_MAX:g} s"
        return fail(about(cluster.name), "ClusterUnreachable", message, _reach(cluster.name))
    except ClusterUnreachable as error:
        return fail(about(cluster.name), error.reason, error.message, _reach(cluster.name))
    except CredentialsRejected as error:
        remedy = f"renew the credentials of the context {cluster.name} in the kubeconfig"
        return fail(about(cluster.name), error.reason, error.message, remedy)
    except Forbidden as error:
        return fail(about(cluster.name), error.reason, error.message, _grant(cluster.name))
    except FailoverError as error:
        return fail(about(cluster.name), error.reason, error.message, "see the message")


def _same(uids: Mapping[str, str]) -> Iterator[Finding]:
    """Two names of one cluster would let a failover "move" to where it already is."""
    first: dict[str, str] = {}
    for name, uid in uids.items():
        if (other := first.setdefault(uid, name)) != name:
            message = f"is the same cluster as {other} (uid {uid})"
            yield fail(
                about(name), "SameCluster", message, f"take {name} or {other} out of the fleet file"
            )


async def _examine_one(cluster: Cluster, policies: Sequence[Policy]) -> list[Finding]:
    try:
        async with asyncio.timeout(SECONDS_MAX):
            return [await _system(cluster), *await _rights(cluster, policies)]
    except TimeoutError:
        message = f"did not answer all questions within {SECONDS_MAX:g} s"
        return [fail(about(cluster.name), "ClusterUnreachable", message, _reach(cluster.name))]
    except FailoverError as error:
        return [fail(about(cluster.name), error.reason, error.message, _reach(cluster.name))]


async def _system(cluster: Cluster) -> Finding:
    try:
        await check_namespace(cluster)
    except Forbidden as error:
        return fail(about(cluster.name), error.reason, error.message, _grant(cluster.name))
    except RecordNamespaceMissing as error:
        message = f"answers, but has no namespace {SYSTEM_NAMESPACE} for the records"
        return fail(about(cluster.name), error.reason, message, _grant(cluster.name))
    return ok(
        about(cluster.name), "Reachable", f"answers, and has the namespace {SYSTEM_NAMESPACE}"
    )


async def _rights(cluster: Cluster, policies: Sequence[Policy]) -> list[Finding]:
    """What a mover needs; where that is too much, whether it does for a watcher."""
    findings: list[Finding] = []
    kinds: list[GroupKind] = []
    for kind in sorted({each.group_kind for p in policies for each in p.spec.resource_selectors}):
        try:
            await cluster.resource(kind)
        except UnknownKind:
            message = f"does not serve {kind}, which a policy names: nothing of it can go there"
            findings.append(
                warn(
                    about(cluster.name), "UnknownKind", message, f"install the CRD of {kind} there"
                )
            )
        else:
            kinds.append(kind)
    asked = {
        "always": True,
        "dependents": any(policy.spec.propagate_deps for policy in policies),
        "capacity": False,  # without these rights, everything else still works
        "policies": False,  # who holds policies is the watcher's wish; it says so where it may not
    }
    reading, moving = set[Asked](), set[Asked]()
    for right, namespaces in _wanted(kinds, _namespaces(policies)):
        if right.names or not asked[right.when]:
            continue  # what is bound to names has been proved by reading them
        for kind in _of(right):
            reading |= {(kind, verb, place) for verb in right.reading for place in namespaces}
            moving |= {(kind, verb, place) for verb in right.moving for place in namespaces}
    lacking = await _lacking(cluster, sorted(reading | moving))
    findings.append(_judged(cluster.name, lacking & reading, lacking))
    if any(policy.checks_capacity for policy in policies):
        findings += await _capacity(cluster, kinds, policies)
    return findings


async def _capacity(
    cluster: Cluster, kinds: Sequence[GroupKind], policies: Sequence[Policy]
) -> list[Finding]:
    """Whether it can be known that a cluster is full; where not, it is not checked."""
    asked = [
        (kind, verb, place)
        for right, places in _wanted(kinds, _namespaces(policies))
        if right.when == "capacity"
        for kind in _of(right)
        for verb in right.reading
        for place in places
    ]
    lacking = await _lacking(cluster, asked)
    if not lacking:
        return []
    told = "; ".join(_told(each) for each in sorted(lacking))
    message = f"whether there is room for a copy is not checked there; missing: {told}"
    return [warn(about(cluster.name), "CapacityUnknown", message, _grant(cluster.name))]


def _wanted(
    kinds: Sequence[GroupKind], places: tuple[str, ...]
) -> Iterator[tuple[Right, tuple[str, ...]]]:
    for right in RIGHTS:
        where = {"cluster": ("",), "application": places, "system": (SYSTEM_NAMESPACE,)}
        yield right, where[right.scope]
    between = {each for kind in kinds for each in kinds_between(kind)}
    for each in sorted(between - {*kinds}):
        yield Right("application", each.group, (each.kind,), WORKLOADS.reading, (), ""), places
    for kind in kinds:
        # The row of the workloads says the verbs; here the kind itself stands for its resource.
        row = Right(
            "application", kind.group, (kind.kind,), WORKLOADS.reading, WORKLOADS.moving, ""
        )
        yield row, places


def _of(right: Right) -> Iterator[GroupKind]:
    for resource in right.resources:
        yield _KINDS.get((right.group, resource), GroupKind(right.group, resource))


def _namespaces(policies: Sequence[Policy]) -> tuple[str, ...]:
    """The applications' namespaces; the whole cluster where a policy does not say, or there is none."""
    found = {
        selector.namespace or policy.namespace
        for policy in policies
        for selector in policy.spec.resource_selectors
    }
    return ("",) if not found or "" in found else tuple(sorted(found))


async def _lacking(cluster: Cluster, asked: Sequence[Asked]) -> set[Asked]:
    answers = await asyncio.gather(*(_allowed(cluster, each) for each in asked))
    return {each for each, allowed in zip(asked, answers, strict=True) if not allowed}


async def _allowed(cluster: Cluster, asked: Asked) -> bool:
    try:
        return await cluster.allowed(*asked)
    except UnknownKind:
        return True  # nothing of a kind that is not served is ever asked for


def _judged(cluster: str, unseen: set[Asked], lacking: set[Asked]) -> Finding:
    if not lacking:
        return ok(about(cluster), "MayMove", "our credentials may watch and move there")
    told = "; ".join(_told(each) for each in sorted(lacking)[:5])
    more = f" and {len(lacking) - 5} more" if len(lacking) > 5 else ""
    if unseen:
        message = f"our credentials may not even watch there; missing: {told}{more}"
        return fail(about(cluster), "MayNotWatch", message, _grant(cluster))
    message = f"our credentials may watch there, but not move; missing: {told}{more}"
    return warn(about(cluster), "MayNotMove", message, _grant(cluster))


def _told(asked: Asked) -> str:
    kind, verb, namespace = asked
    return f"{verb} {kind}" + (f" in {namespace}" if namespace else "")


def _reach(cluster: str) -> str:
    return f"kubectl --context {cluster} get --raw /readyz"


def _grant(cluster: str) -> str:
    return f"failover rbac -f POLICY --role mover | kubectl --context {cluster} apply -f -"
