"""What of a live object travels, and what is put on the copy."""

from __future__ import annotations

from typing import Any

import pytest

from failover.domain.manifest import Manifest, labels_of, spec_digest
from failover.domain.marks import (
    Mark,
    created_by,
    mark_of,
    with_annotations,
    with_created_by,
    with_mark,
)
from failover.domain.planning import rendered
from failover.domain.template import portable
from failover.domain.topology import ClusterFacts
from tests.support.objects import deployment, flink, owner_reference, stateful_set

ALIAS = "resourcebinding.karmada.io/failover-jobid"
MARK = Mark(
    failover="failover/shop/FlinkDeployment.flink.apache.org/orders",
    generation=7,
    state={ALIAS: "a" * 32},
)
WEST = ClusterFacts(name="west")


def live(api_version: str, kind: str, spec: dict[str, Any], **metadata: Any) -> Manifest:
    """An object as its server shows it."""
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": "x",
            "namespace": "shop",
            "uid": "u",
            "resourceVersion": "12",
            "generation": 3,
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "deletionTimestamp": "2026-01-01T00:00:00Z",
            "deletionGracePeriodSeconds": 30,
            "selfLink": "/x",
            "managedFields": [{}],
            "finalizers": ["f"],
            "ownerReferences": [owner_reference("Any", "o", "o")],
            **metadata,
        },
        "spec": spec,
        "status": {"phase": "x"},
    }


def test_of_the_metadata_only_names_labels_and_annotations_travel() -> None:
    """What servers and controllers know about the object stays with the object."""
    template = portable(
        live("example.org/v1", "Widget", {"size": 1}, labels={"a": "b"}), alias_labels=()
    )
    assert template == {
        "apiVersion": "example.org/v1",
        "kind": "Widget",
        "metadata": {"name": "x", "namespace": "shop", "labels": {"a": "b"}},
        "spec": {"size": 1},
    }


def test_nothing_of_an_earlier_failover_travels() -> None:
    """Alias labels and our marks are of one move and never of the next."""
    moved = with_mark(rendered(flink(), (), {ALIAS: "old"}, WEST), MARK)
    assert portable(moved, alias_labels=[ALIAS]) == portable(flink(), alias_labels=[])


def test_annotations_of_tools_and_controllers_stay_behind() -> None:
    """What a person wrote travels, what a controller noted does not."""
    annotations = {
        "deployment.kubernetes.io/revision": "3",
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
        "pv.kubernetes.io/bind-completed": "yes",
        "volume.kubernetes.io/selected-node": "n",
        "argocd.argoproj.io/tracking-id": "a:b:c",
        "volume.beta.kubernetes.io/storage-class": "fast",
        "team": "orders",
    }
    template = portable(live("v1", "ConfigMap", {}, annotations=annotations), alias_labels=())
    assert template["metadata"]["annotations"] == {
        "volume.beta.kubernetes.io/storage-class": "fast",
        "team": "orders",
    }


SPECS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "service": (
        "v1",
        "Service",
        {
            "clusterIP": "10.0.0.1",
            "clusterIPs": ["10.0.0.1"],
            "healthCheckNodePort": 31000,
            "ipFamilies": ["IPv4"],
            "ports": [{"port": 80, "nodePort": 30080}],
        },
        {"ports": [{"port": 80}]},
    ),
    "headless service": (
        "v1",
        "Service",
        {"clusterIP": "None", "clusterIPs": ["None"]},
        {"clusterIP": "None"},
    ),
    "claim": (
        "v1",
        "PersistentVolumeClaim",
        {"volumeName": "pv-1", "storageClassName": "fast"},
        {"storageClassName": "fast"},
    ),
    "job": (
        "batch/v1",
        "Job",
        {
            "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": "u"}},
            "template": {
                "metadata": {"labels": {"job-name": "x", "controller-uid": "u", "app": "load"}}
            },
        },
        {"template": {"metadata": {"labels": {"app": "load"}}}},
    ),
    "job with a selector of its own": (
        "batch/v1",
        "Job",
        {"manualSelector": True, "selector": {"matchLabels": {"job-name": "x"}}},
        {"manualSelector": True, "selector": {"matchLabels": {"job-name": "x"}}},
    ),
    "pod": (
        "v1",
        "Pod",
        {
            "nodeName": "n",
            "priority": 0,
            "volumes": [{"name": "kube-api-access-x"}, {"name": "data"}],
            "containers": [{"name": "m", "volumeMounts": [{"name": "kube-api-access-x"}]}],
        },
        {"volumes": [{"name": "data"}], "containers": [{"name": "m"}]},
    ),
    "deployment": (
        "apps/v1",
        "Deployment",
        {"template": {"metadata": {"creationTimestamp": None}, "spec": {"nodeName": "chosen"}}},
        {"template": {"metadata": {}, "spec": {"nodeName": "chosen"}}},
    ),
}


@pytest.mark.parametrize(("version", "kind", "spec", "wanted"), SPECS.values(), ids=SPECS)
def test_what_servers_put_into_specs_stays_behind(
    version: str, kind: str, spec: dict[str, Any], wanted: dict[str, Any]
) -> None:
    """A template can be created on any cluster: it claims no address, port, node or volume."""
    assert portable(live(version, kind, spec), alias_labels=())["spec"] == wanted


def test_claim_templates_carry_no_status() -> None:
    """A StatefulSet's claim templates are cleaned as it is itself."""
    claims = portable(stateful_set(), alias_labels=())["spec"]["volumeClaimTemplates"]
    assert claims == [{"metadata": {"name": "data"}}]


def test_a_copy_carries_its_state_and_its_mark() -> None:
    """Alias labels overwrite what is there, and the mark reads back as it was written."""
    template = {**portable(flink(), alias_labels=())}
    template["metadata"] = {**template["metadata"], "labels": {ALIAS: "stale", "app": "orders"}}
    copy = with_mark(rendered(template, (), {ALIAS: "a" * 32}, WEST), MARK)
    assert labels_of(copy) == {ALIAS: "a" * 32, "app": "orders"}
    assert mark_of(copy) == MARK
    assert mark_of(template) is None


@pytest.mark.parametrize(
    "generation",
    ["", "-1", "x", "٣", "1" * 30],
    ids=["none", "negative", "word", "foreign", "huge"],
)
def test_a_mark_that_cannot_be_read_is_none(generation: str) -> None:
    """Marks can be edited by anyone; a broken one marks nothing."""
    broken = with_annotations(
        with_mark(flink(), MARK), {"stateful-failover.dev/generation": generation}
    )
    assert mark_of(broken) is None


def test_a_dependent_says_who_created_it() -> None:
    """What we created ourselves may be cleaned up, and nothing else."""
    assert created_by(with_created_by({"kind": "Secret"}, "f-1")) == "f-1"
    assert created_by({"kind": "Secret"}) is None


def test_the_digest_of_a_spec_ignores_what_controllers_report() -> None:
    """Status, versions, marks and revisions leave the digest alone; an edit changes it."""
    before = deployment()
    reported = with_mark(before, MARK)
    reported["status"] = {}
    reported["metadata"] |= {"resourceVersion": "99", "managedFields": []}
    edited = deployment(wanted=4)
    assert spec_digest(reported) == spec_digest(before) != spec_digest(edited)
