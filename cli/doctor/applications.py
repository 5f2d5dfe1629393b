"""The applications that policies are about, and what earlier failovers have left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from activities.seeing import health_now
from cli.doctor.finding import Finding, fail, ok, warn
from failover.domain.errors import FailoverError
from failover.domain.health import Cause, HealthStatus, Support, support_of
from failover.domain.identity import ApplicationRef, GroupKind, failover_id, record_name
from failover.domain.manifest import (
    OUR_PREFIX,
    Manifest,
    annotations_of,
    labels_of,
    name_of,
    namespace_of,
)
from failover.domain.marks import superseded_by
from failover.domain.planning import experimental_message, refusal_of
from failover.domain.policy import Policy
from failover.domain.policy.matching import Ambiguous, match
from failover.domain.record import LABEL, NAMESPACE, generation_of, is_open
from failover.domain.rules import HealthRule
from failover.domain.telling import addressed
from failover.fleet import Cluster, Fleet
from failover.records import SECRET
from triggers.asking import CALL_TIMEOUT
from triggers.policies import PolicySet
from triggers.reading import application_of

APPLICATIONS_MAX = 500

Copies = dict[str, Manifest]
"""The objects of one application, by cluster."""


@dataclass
class Known:
    """What the clusters remember of one application."""

    application: ApplicationRef
    homes: set[str] = field(default_factory=set[str])
    open_on: list[str] = field(default_factory=list[str])
    generation: int = 0


async def examine(
    fleet: Fleet, answering: Sequence[str], policies: PolicySet, client: Client | None
) -> AsyncIterator[Finding]:
    """Where the applications are, who keeps them, and what is left of earlier failovers."""
    clusters = [fleet.cluster(name) for name in answering]
    records, found = await _records(clusters)
    for finding in found:
        yield finding
    copies = await _copies(clusters, policies.policies)
    for application in records:
        if application not in copies:
            copies[application] = await _find(clusters, application)
    all_seen = len(clusters) == len(fleet.facts)
    for application, there in sorted(copies.items(), key=lambda item: str(item[0])):
        async for finding in _judge(fleet, application, there, policies, all_seen=all_seen):
            yield finding
        for finding in _leftovers(application, there, records.get(application)):
            yield finding
    for known in records.values():
        interrupted = await _interrupted(client, known) if known.open_on else None
        if interrupted is not None:
            yield interrupted


async def _records(
    clusters: Iterable[Cluster],
) -> tuple[dict[ApplicationRef, Known], list[Finding]]:
    """The records of all clusters, put together by application."""
    records: dict[ApplicationRef, Known] = {}
    findings: list[Finding] = []
    for cluster in clusters:
        try:
            secrets = await cluster.list(SECRET, NAMESPACE, label_selector=f"{LABEL}=true")
        except FailoverError as error:
            message = f"its records cannot be listed: {error.message}"
            findings.append(warn(f"cluster {cluster.name}", error.reason, message))
            continue
        for secret in secrets:
            annotations = annotations_of(secret)
            application = application_of(
                f"failover/{annotations.get(f'{OUR_PREFIX}application', '')}"
            )
            if name_of(secret) != record_name(application):
                continue  # a part of a record, or no record of ours
            known = records.setdefault(application, Known(application))
            if is_open(secret):
                known.open_on.append(cluster.name)
            generation = generation_of(secret)
            home = annotations.get(f"{OUR_PREFIX}home", "")
            if home and generation >= known.generation:
                known.homes = {home} if generation > known.generation else known.homes | {home}
            known.generation = max(known.generation, generation)
    return records, findings


async def _copies(
    clusters: Sequence[Cluster], policies: Sequence[Policy]
) -> dict[ApplicationRef, Copies]:
    """The objects that the policies mean, wherever they are; those that are named also where not."""
    copies: dict[ApplicationRef, Copies] = {}
    for policy in policies:
        for selector in policy.spec.resource_selectors:
            kind, namespace = selector.group_kind, selector.namespace or policy.namespace
            if selector.name:
                application = _ref(kind, namespace, selector.name)
                copies.setdefault(application, {}).update(await _find(clusters, application))
                continue
            for cluster in clusters:
                for manifest in await _listed(cluster, kind, namespace):
                    application = _ref(kind, namespace_of(manifest), name_of(manifest))
                    if len(copies) >= APPLICATIONS_MAX and application not in copies:
                        return copies
                    if selector.precision(application, labels_of(manifest)):
                        copies.setdefault(application, {})[cluster.name] = manifest
    return copies


async def _find(clusters: Iterable[Cluster], application: ApplicationRef) -> Copies:
    async def find(cluster: Cluster) -> tuple[str, Manifest | None]:
        try:
            kind, namespace = application.group_kind, application.namespace
            return cluster.name, await cluster.find(kind, namespace, application.name)
        except FailoverError:
            return cluster.name, None  # said of the cluster already

    return {name: m for name, m in await asyncio.gather(*map(find, clusters)) if m is not None}


async def _listed(cluster: Cluster, kind: GroupKind, namespace: str) -> list[Manifest]:
    try:
        return await cluster.list(kind, namespace)
    except FailoverError:
        return []  # said of the cluster already


def _ref(kind: GroupKind, namespace: str, name: str) -> ApplicationRef:
    return ApplicationRef(group=kind.group, kind=kind.kind, namespace=namespace, name=name)


async def _judge(
    fleet: Fleet,
    application: ApplicationRef,
    copies: Mapping[str, Manifest],
    policies: PolicySet,
    *,
    all_seen: bool,
) -> AsyncIterator[Finding]:
    """Whether it is in one place, whether it could be moved, and how it is."""
    about = str(application)
    living = {name: each for name, each in copies.items() if superseded_by(each) is None}
    if len(living) > 1:
        names = " and ".join(living)
        message = f"is on {names}: one cluster per application, and nobody knows which copy is the real one"
        yield fail(about, "LivesOnTwoClusters", message, _delete(application, "CLUSTER"))
    if not living:
        where = "any cluster" if all_seen else "any cluster that answers"
        yield warn(about, "NotThere", f"a policy names it, but it is not on {where}")
    for cluster, manifest in living.items():
        policy = match(policies.policies, application, labels_of(manifest))
        if isinstance(policy, Ambiguous):
            yield fail(about, policy.reason, policy.message)
            return
        if not isinstance(policy, Policy) or policy.application is None:
            continue
        if (refusal := refusal_of(policy, manifest, cluster)) is not None:
            yield fail(about, refusal.reason, f"would not be moved: {refusal.message}")
            continue
        kind = application.group_kind
        rule = policies.rule_of(kind)
        own = rule is not None
        if support_of(kind, own=own) is Support.EXPERIMENTAL and policy.active.mode is None:
            message = experimental_message(kind, policy, own_rule=own)
            yield warn(about, "ExperimentalKind", message)
        yield await _health(fleet.cluster(cluster), application, manifest, rule)


async def _health(
    cluster: Cluster, application: ApplicationRef, manifest: Manifest, rule: HealthRule | None
) -> Finding:
    about = str(application)
    try:
        health = await health_now(cluster, manifest, rule)
    except FailoverError as error:
        return warn(
            about, error.reason, f"on {cluster.name}, its health is not known: {error.message}"
        )
    message = f"on {cluster.name}, {health.status.lower()}: {health.message}"
    if health.status is HealthStatus.HEALTHY:
        return ok(about, health.reason, message)
    if health.cause is Cause.USER_ERROR:
        message = f"{message}. It is not moved for that: it would be as ill elsewhere"
    return warn(about, health.reason, message, f"failover plan {addressed(application)}")


def _leftovers(
    application: ApplicationRef, copies: Mapping[str, Manifest], known: Known | None
) -> Iterator[Finding]:
    """Copies that a failover left in place, and records that disagree with what is there."""
    about = str(application)
    for cluster, manifest in copies.items():
        if (by := superseded_by(manifest)) is not None:
            message = f"an old copy is still on {cluster}, superseded by the one on {by}"
            yield warn(about, "SupersededCopy", message, _delete(application, cluster))
    living = [name for name, each in copies.items() if superseded_by(each) is None]
    if known is None or known.open_on or not known.homes or not living:
        return
    if strangers := [name for name in living if name not in known.homes]:
        homes = " or ".join(sorted(known.homes))
        message = f"is on {', '.join(strangers)}, but the records say that its home is {homes}"
        yield warn(
            about,
            "OtherHome",
            message,
            "find out who moved it; its next failover writes the record anew",
        )


async def _interrupted(client: Client | None, known: Known) -> Finding | None:
    """A move that is open on the clusters, and that nobody carries on."""
    application = known.application
    if client is None or await _runs(client, application):
        return None
    where = ", ".join(known.open_on)
    message = (
        f"a failover (generation {known.generation}) was left unfinished, its record is open on {where}, "
        "and no run carries it on; a new one adopts it"
    )
    remedy = f"failover start {addressed(application)} -f POLICY"
    return fail(str(application), "Interrupted", message, remedy)


async def _runs(client: Client, application: ApplicationRef) -> bool:
    try:
        handle = client.get_workflow_handle(failover_id(application))
        described = await handle.describe(rpc_timeout=CALL_TIMEOUT)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return described.status is WorkflowExecutionStatus.RUNNING


def _delete(application: ApplicationRef, cluster: str) -> str:
    return f"kubectl --context {cluster} delete {addressed(application)}"
