"""Strimzi's Kafka, KafkaConnect and KafkaMirrorMaker2.

Strimzi replaces `Ready` by a condition of type `NotReady` where something is wrong. Kafka Connect and
its mirrors are Ready while their connectors have failed: those are asked one by one.
"""

from __future__ import annotations

from collections.abc import Iterator

from failover.domain.health.verdict import (
    Health,
    called,
    condition,
    healthy,
    holds,
    lag,
    no_status_yet,
    quoted,
    starting,
    suspended,
    unhealthy,
    unknown,
    user_error,
)
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, annotations_of, items, mapping, maps, number, text

KAFKA = GroupKind("kafka.strimzi.io", "Kafka")
KAFKA_CONNECT = GroupKind("kafka.strimzi.io", "KafkaConnect")
MIRROR_MAKER = GroupKind("kafka.strimzi.io", "KafkaMirrorMaker2")

_PAUSED = "strimzi.io/pause-reconciliation"
_WRITTEN_WRONG = frozenset(
    {"InvalidResourceException", "InvalidConfigParameterException", "InvalidConfigurationException"}
)


def judge_kafka(workload: Manifest) -> Health:
    """Ready, NotReady and why; a paused reconciliation leaves a status that nobody keeps."""
    if not mapping(workload, "status"):
        return no_status_yet(workload)
    if annotations_of(workload).get(_PAUSED) == "true" or holds(workload, "ReconciliationPaused"):
        return suspended(
            "ReconciliationPaused", f"{called(workload)}: somebody has paused its reconciliation"
        )
    if behind := lag(workload):
        return behind
    if holds(workload, "Ready"):
        return healthy("Ready", f"{called(workload)}: condition Ready is True")
    return _judge_not_ready(workload)


def judge_connect(workload: Manifest) -> Health:
    """As Kafka; then every connector and task."""
    if number(workload, "spec", "replicas", default=1) == 0:
        return suspended(
            "ScaledToZero", f"{called(workload)} is scaled to zero; there is nothing to move"
        )
    verdict = judge_kafka(workload)
    if verdict.reason != "Ready":
        return verdict
    failed = sorted(set(_failed_connectors(workload)))
    if not failed:
        return verdict
    message = f"{called(workload)}: connectors have failed: {', '.join(failed[:3])}"
    restarted = {
        text(each, "connectorName")
        for each in maps(items(workload, "status", "autoRestartStatuses"))
        if number(each, "count")
    }
    if restarted.issuperset(failed):
        return starting("ConnectorRestarting", f"{message}; Strimzi restarts them")
    return unhealthy("ConnectorFailed", message)


def _judge_not_ready(workload: Manifest) -> Health:
    found = holds(workload, "NotReady") or condition(workload, "Ready")
    if found is None:
        return unknown("NoConditions", f"{called(workload)} says neither Ready nor NotReady")
    reason = text(found, "reason")
    if reason in _WRITTEN_WRONG:
        return user_error("InvalidSpec", f"{called(workload)}: Strimzi refuses its spec ({reason})")
    if reason == "Creating":
        return starting("Creating", f"{called(workload)} is being set up")
    return unhealthy(
        "NotReady",
        f"{called(workload)}: condition NotReady is True ({quoted(reason) or 'no reason'})",
    )


def _failed_connectors(workload: Manifest) -> Iterator[str]:
    for each in maps(items(workload, "status", "connectors")):
        states = [text(each, "connector", "state")]
        states += [text(task, "state") for task in maps(items(each, "tasks"))]
        if "FAILED" in states:
            yield quoted(text(each, "name")) or "(unnamed)"
