"""The catalogue: every kind that has a rule, and what the rule says of real objects."""

from __future__ import annotations

import pytest

from cli.rbac import CATALOGUE as PLURALS
from failover.domain.closure import closure_kinds
from failover.domain.health import (
    Cause,
    HealthStatus,
    Support,
    judge,
    kinds_between,
    owned_kinds,
    support_of,
    ways_when_ill,
)
from failover.domain.health.catalogue import CATALOGUE
from failover.domain.health.entries import ANY_KIND
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest
from tests.support.health import CASES
from tests.support.health.cases import Case
from tests.support.objects import custom

TABLE = {f"{kind}: {each.told}": (kind, each) for kind, cases in CASES.items() for each in cases}

NEVER_ENDS = {
    "CloneSet.apps.kruise.io", "Cluster.apps.kubeblocks.io", "Cluster.postgresql.cnpg.io",
    "CronJob.batch", "DaemonSet.apps", "DaemonSet.apps.kruise.io", "Deployment.apps",
    "Elasticsearch.elasticsearch.k8s.elastic.co", "InnoDBCluster.mysql.oracle.com",
    "Kafka.kafka.strimzi.io", "KafkaConnect.kafka.strimzi.io", "KafkaMirrorMaker2.kafka.strimzi.io",
    "PerconaServerMongoDB.psmdb.percona.com", "PerconaXtraDBCluster.pxc.percona.com",
    "RabbitmqCluster.rabbitmq.com", "RayCluster.ray.io", "RayService.ray.io",
    "RedisCluster.redis.redis.opstreelabs.in", "RedisReplication.redis.redis.opstreelabs.in",
    "ReplicaSet.apps", "Rollout.argoproj.io", "ScheduledSparkApplication.sparkoperator.k8s.io",
    "StatefulSet.apps", "StatefulSet.apps.kruise.io",
}  # fmt: skip
NOT_SUSPENDED = {
    "DaemonSet.apps", "DaemonSet.apps.kruise.io", "Elasticsearch.elasticsearch.k8s.elastic.co",
    "FlinkBlueGreenDeployment.flink.apache.org", "Pod", "RedisCluster.redis.redis.opstreelabs.in",
    "RedisReplication.redis.redis.opstreelabs.in",
}  # fmt: skip
NO_USER_ERROR = {"BroadcastJob.apps.kruise.io", "CronJob.batch"}
"""Kinds that are not ill by the fault of a pod: a CronJob never is; a BroadcastJob runs while its pods do not start, and has
only those left that ended when it has failed."""


@pytest.mark.parametrize(("kind", "case"), TABLE.values(), ids=TABLE)
def test_the_verdict_on_a_real_object(kind: str, case: Case) -> None:
    """Status, cause and reason are those of the table; the object is of the kind it stands under."""
    assert str(GroupKind.of(case.manifest)) == kind
    assert told(case) == case.verdict


def told(case: Case) -> str:
    """The verdict on a case in the words of the table."""
    verdict = judge(case.manifest, None if case.owned is None else list(case.owned))
    cause = f"/{verdict.cause}" if verdict.cause else ""
    return f"{verdict.status}{cause} {verdict.reason}"


@pytest.mark.parametrize("kind", [str(each) for each in CATALOGUE])
def test_every_kind_is_shown_in_every_situation_that_it_knows(kind: str) -> None:
    """Healthy, ill, on its way, wrong by itself, done, standing still: each has its row."""
    verdicts = {each.verdict.partition(" ")[0] for each in CASES[kind]}
    assert "Healthy" in verdicts
    if kind not in {"CronJob.batch", "ScheduledSparkApplication.sparkoperator.k8s.io"}:
        assert "Unhealthy/Fault" in verdicts
    if kind not in {"CronJob.batch", "ReplicaSet.apps", "BroadcastJob.apps.kruise.io"}:
        assert verdicts & {"Unhealthy/Progressing", "Unknown/Progressing"}
    assert ("Unknown/UserError" in verdicts) == (kind not in NO_USER_ERROR)
    assert ("Healthy/Finished" in verdicts) == (kind not in NEVER_ENDS)
    assert ("Healthy/Suspended" in verdicts) == (kind not in NOT_SUSPENDED)


@pytest.mark.parametrize("kind", CATALOGUE, ids=str)
def test_the_reasons_that_are_listed_are_those_that_are_given(kind: GroupKind) -> None:
    """What the page of the catalogue says of a kind is what its rule says."""
    given = {told(each).rpartition(" ")[2] for each in CASES[str(kind)]} - set(ANY_KIND)
    assert set(CATALOGUE[kind].reasons) - set(ANY_KIND) == given


@pytest.mark.parametrize("kind", CATALOGUE, ids=str)
def test_what_is_looked_at_can_change_a_verdict(kind: GroupKind) -> None:
    """A kind that costs a second look has a row in which that look matters."""
    looked = [each for each in CASES[str(kind)] if each.owned]
    assert bool(owned_kinds(kind) or ways_when_ill(kind)) == any(
        told(each) != told(Case(each.told, "", each.manifest)) for each in looked
    )


@pytest.mark.parametrize("kind", CATALOGUE, ids=str)
def test_the_ways_are_part_of_what_a_capture_sees_anyway(kind: GroupKind) -> None:
    """Its last look takes what is deeper from the closure."""
    assert {each for way in ways_when_ill(kind) for each in way} <= {*closure_kinds(kind)}


@pytest.mark.parametrize("case", [each for _, each in TABLE.values()], ids=TABLE)
def test_nothing_of_a_rule_hangs_on_more_than_it_says(case: Case) -> None:
    """Without a status nobody is ill, and what is being deleted is nobody's business."""
    bare: Manifest = {key: value for key, value in case.manifest.items() if key != "status"}
    assert judge(bare, None).status is not HealthStatus.UNHEALTHY
    metadata = {**case.manifest["metadata"], "deletionTimestamp": "2026-11-23T12:00:00Z"}
    assert judge({**case.manifest, "metadata": metadata}, None).reason == "BeingDeleted"


def test_a_cause_never_contradicts_its_status() -> None:
    """What is ill has a cause; what is well is done, asleep, or has none."""
    causes: dict[HealthStatus, set[Cause | None]] = {
        HealthStatus.HEALTHY: {None, Cause.FINISHED, Cause.SUSPENDED},
        HealthStatus.UNHEALTHY: {Cause.FAULT, Cause.PROGRESSING},
        HealthStatus.UNKNOWN: {None, Cause.USER_ERROR, Cause.PROGRESSING},
    }
    for _, case in TABLE.values():
        verdict = judge(case.manifest, None if case.owned is None else list(case.owned))
        assert verdict.cause in causes[verdict.status], case.told


def test_what_is_proved_is_supported_and_the_rest_is_observed() -> None:
    """Kubernetes' own, Flink, Spark, and whatever writes standard conditions."""
    supported = {str(each) for each in CATALOGUE if support_of(each) is Support.SUPPORTED}
    assert supported == {
        "CronJob.batch", "DaemonSet.apps", "Deployment.apps", "FlinkDeployment.flink.apache.org",
        "FlinkSessionJob.flink.apache.org", "Job.batch", "Pod", "ReplicaSet.apps",
        "SparkApplication.sparkoperator.k8s.io", "StatefulSet.apps",
    }  # fmt: skip
    assert support_of(GroupKind.of(custom({}))) is Support.SUPPORTED
    assert len(CATALOGUE) - len(supported) >= 20


def test_what_stands_between_an_object_and_its_pods_is_looked_at_for_gone() -> None:
    """A RayJob's pods are its RayCluster's: found only where RayClusters are listed too."""
    assert GroupKind("ray.io", "RayCluster") in closure_kinds(GroupKind("ray.io", "RayJob"))
    assert GroupKind("jobset.x-k8s.io", "JobSet") in closure_kinds(
        GroupKind("trainer.kubeflow.org", "TrainJob")
    )


def test_rights_can_be_printed_for_every_kind_without_a_cluster() -> None:
    """The plural of each, and of what stands between it and its pods, is known."""
    wanted = {*CATALOGUE, *(between for each in CATALOGUE for between in kinds_between(each))}
    assert [str(each) for each in wanted if each not in PLURALS] == []
