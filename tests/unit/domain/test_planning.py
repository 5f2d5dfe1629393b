"""When a plan is refused for good, when it waits, and what it warns of."""

from __future__ import annotations

import json

import pytest

from failover.domain.manifest import Manifest
from failover.domain.planning import lasting_refusal, refusal_of, warnings_of
from failover.domain.policy import Policy
from failover.domain.policy.reading import read_policies
from failover.domain.selection import Considered


def considered(*reasons: str) -> tuple[Considered, ...]:
    """Clusters that were refused for these reasons."""
    return tuple(Considered(f"c{n}", "Refused", each, each) for n, each in enumerate(reasons))


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        pytest.param(
            ("SourceCluster", "TargetOccupied"),
            "TargetOccupied",
            id="the only candidate is occupied",
        ),
        pytest.param(
            ("SourceCluster", "Invalid", "Forbidden"), "Invalid", id="all refuse for good"
        ),
        pytest.param(
            ("SourceCluster", "Invalid", "ClusterUnreachable"), None, id="one may come back"
        ),
        pytest.param(
            ("SourceCluster", "NotInAffinity", "Invalid"), "Invalid", id="others are not meant"
        ),
        pytest.param(("SourceCluster", "UntoleratedTaint"), None, id="a taint may go"),
        pytest.param((), None, id="no clusters"),
    ],
)
def test_only_reasons_that_last_refuse_for_good(
    reasons: tuple[str, ...], expected: str | None
) -> None:
    """What time can cure is waited for."""
    refused = lasting_refusal(considered(*reasons), "no cluster can take it")
    assert (refused.reason if refused else None) == expected


STATELESS: Manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {}}
STATEFUL: Manifest = {"apiVersion": "apps/v1", "kind": "StatefulSet", "spec": {}}
WITH_CLAIMS: Manifest = {
    **STATEFUL,
    "spec": {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]},
}
MOUNTS_CLAIM: Manifest = {
    **STATELESS,
    "spec": {"template": {"spec": {"volumes": [{"persistentVolumeClaim": {"claimName": "data"}}]}}},
}
SPARK: Manifest = {
    "apiVersion": "sparkoperator.k8s.io/v1beta2",
    "kind": "SparkApplication",
    "spec": {},
}
UNPROVED: Manifest = {"apiVersion": "kafka.strimzi.io/v1", "kind": "Kafka", "spec": {}}
ARGO_CD: Manifest = {"labels": {"argocd.argoproj.io/instance": "shop"}}
HELM: Manifest = {
    "labels": {"app.kubernetes.io/managed-by": "Helm"},
    "annotations": {"meta.helm.sh/release-name": "shop"},
}
RULE: Manifest = {"aliasLabelName": "a", "jsonPath": "{ .jobId }"}


def policy(purge_mode: str = "Directly", *, deps: bool = False, **application: object) -> Policy:
    """A policy of our own about anything, with these fields of `failover.application`."""
    document = {
        "apiVersion": "stateful-failover.dev/v1alpha1",
        "kind": "FailoverPolicy",
        "metadata": {"name": "any", "namespace": "shop"},
        "spec": {
            "resourceSelectors": [{"apiVersion": "v1", "kind": "Any", "name": "orders"}],
            "propagateDeps": deps,
            "failover": {"application": {"purgeMode": purge_mode, **application}},
        },
    }
    reading = read_policies(json.dumps(document), "policy.json")
    assert reading.policies, reading.problems
    return reading.policies[0]


def shop(manifest: Manifest, metadata: Manifest | None = None) -> Manifest:
    """The object, called orders in shop."""
    return {**manifest, "metadata": {"name": "orders", "namespace": "shop", **(metadata or {})}}


@pytest.mark.parametrize(
    ("manifest", "by", "reason", "told"),
    [
        pytest.param(shop(STATELESS), policy("Gracefully"), None, "", id="two may run"),
        pytest.param(
            shop(STATEFUL), policy("Gracefully"), "TwoCopiesOfExclusiveState", "purgeMode: Directly",
            id="two of these may not",
        ),
        pytest.param(shop(SPARK), policy("Never"), "TwoCopiesOfExclusiveState", "SparkApplication", id="a custom kind"),
        pytest.param(shop(STATEFUL), policy("Directly"), None, "", id="one after the other"),
        pytest.param(shop(STATEFUL), policy("Gracefully", allowTwoCopies=True), None, "", id="a person knows better"),
        pytest.param(shop(STATELESS, ARGO_CD), policy(), "ManagedElsewhere", "allowManagers", id="would be put back"),
        pytest.param(shop(STATELESS, ARGO_CD), policy(allowManagers=["argocd"]), None, "", id="a manager that may stay"),
        pytest.param(
            shop(STATELESS, ARGO_CD), policy(allowManagers=["application shop"]), None, "", id="by its detail",
        ),
        pytest.param(shop(WITH_CLAIMS), policy(), "VolumeDataNotMoved", "(data)", id="volumes would start empty"),
        pytest.param(shop(WITH_CLAIMS), policy(allowEmptyVolumes=True), None, "", id="empty is right"),
    ],
)  # fmt: skip
def test_what_must_not_be_moved_whatever_the_clusters_say(
    manifest: Manifest, by: Policy, reason: str | None, told: str
) -> None:
    """Each refusal says what stands in the way and which field would allow it."""
    refused = refusal_of(by, manifest, "east")
    assert (refused.reason if refused else None) == reason
    assert told in (refused.message if refused else "")


@pytest.mark.parametrize(
    ("manifest", "by", "reasons"),
    [
        pytest.param(shop(STATEFUL), policy(statePreservation={"rules": [RULE]}), (), id="nothing"),
        pytest.param(shop(STATEFUL), policy(), ("NoState",), id="no state is preserved"),
        pytest.param(
            shop(STATELESS, ARGO_CD), policy(allowManagers=["ArgoCD"]), ("ManagedBy", "NoState"), id="allowed, and named",
        ),
        pytest.param(shop(STATELESS, HELM), policy(), ("ManagedBy", "NoState"), id="Helm's next upgrade"),
        pytest.param(shop(MOUNTS_CLAIM), policy(deps=True), ("VolumeDataNotMoved", "NoState"), id="claims go along, empty"),
        pytest.param(shop(MOUNTS_CLAIM), policy(), ("NoState",), id="claims stay behind"),
        pytest.param(shop(UNPROVED), policy(mode="Confirm"), ("ExperimentalKind", "NoState"), id="an unproved kind"),
    ],
)  # fmt: skip
def test_what_a_person_should_know_though_the_plan_goes_ahead(
    manifest: Manifest, by: Policy, reasons: tuple[str, ...]
) -> None:
    """Warnings stand in the plan, and do not stop it."""
    assert tuple(each.reason for each in warnings_of(by, manifest, "east")) == reasons
