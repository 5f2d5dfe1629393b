"""What moves with an application, what never does, and when what is there is the same."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from failover.domain.dependents import (
    as_dependent,
    claim_templates,
    compare,
    dependents_of,
    immovable,
    pvc_as_claim,
)
from failover.domain.manifest import Manifest
from failover.domain.marks import created_by
from tests.support.objects import deployment, flink, owner_reference, spark, stateful_set

POD_SPEC: dict[str, Any] = {
    "serviceAccountName": "runner",
    "imagePullSecrets": [{"name": "registry"}],
    "initContainers": [
        {
            "envFrom": [
                {"configMapRef": {"name": "init-env"}},
                {"secretRef": {"name": "init-secret"}},
            ]
        }
    ],
    "containers": [
        {
            "env": [
                {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "env", "key": "a"}}},
                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "password", "key": "b"}}},
                {"name": "C", "value": "plain"},
            ]
        }
    ],
    "volumes": [
        {"name": "1", "configMap": {"name": "files"}},
        {"name": "2", "secret": {"secretName": "keys"}},
        {"name": "3", "persistentVolumeClaim": {"claimName": "data"}},
        {
            "name": "4",
            "projected": {
                "sources": [{"configMap": {"name": "p-map"}}, {"secret": {"name": "p-secret"}}]
            },
        },
        {"name": "5", "csi": {"nodePublishSecretRef": {"name": "csi-secret"}}},
        {"name": "6", "cephfs": {"secretRef": {"name": "ceph"}}},
        {"name": "7", "azureFile": {"secretName": "azure"}},
        {"name": "8", "projected": {"sources": [{"configMap": {"name": "kube-root-ca.crt"}}]}},
    ],
}
POD_DEPENDENTS = {
    "ConfigMap/env",
    "ConfigMap/files",
    "ConfigMap/init-env",
    "ConfigMap/p-map",
    "PersistentVolumeClaim/data",
    "Secret/azure",
    "Secret/ceph",
    "Secret/csi-secret",
    "Secret/init-secret",
    "Secret/keys",
    "Secret/p-secret",
    "Secret/password",
    "Secret/registry",
    "ServiceAccount/runner",
}


def with_spec(api_version: str, kind: str, spec: Any) -> Manifest:
    """An object of a kind with this spec."""
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": "x", "namespace": "shop"},
        "spec": spec,
    }


def names(manifest: Manifest) -> set[str]:
    """The dependents as `kind/name`."""
    found = dependents_of(manifest)
    assert {each.namespace for each in found} <= {"shop"}
    return {f"{each.kind}/{each.name}" for each in found}


@pytest.mark.parametrize(
    "manifest",
    [
        with_spec("v1", "Pod", POD_SPEC),
        with_spec("apps/v1", "Deployment", {"template": {"spec": POD_SPEC}}),
        with_spec("apps/v1", "StatefulSet", {"template": {"spec": POD_SPEC}}),
        with_spec("apps/v1", "DaemonSet", {"template": {"spec": POD_SPEC}}),
        with_spec("batch/v1", "Job", {"template": {"spec": POD_SPEC}}),
        with_spec(
            "batch/v1", "CronJob", {"jobTemplate": {"spec": {"template": {"spec": POD_SPEC}}}}
        ),
        with_spec(
            "flink.apache.org/v1beta1",
            "FlinkDeployment",
            {"taskManager": {"podTemplate": {"spec": POD_SPEC}}},
        ),
        with_spec(
            "flink.apache.org/v1beta1", "FlinkDeployment", {"podTemplate": {"spec": POD_SPEC}}
        ),
        with_spec(
            "sparkoperator.k8s.io/v1beta2",
            "SparkApplication",
            {"driver": {"template": {"spec": POD_SPEC}}},
        ),
    ],
    ids=[
        "pod",
        "deployment",
        "stateful-set",
        "daemon-set",
        "job",
        "cron-job",
        "flink-task",
        "flink",
        "spark",
    ],
)
def test_everything_that_a_pod_names_is_a_dependent(manifest: Manifest) -> None:
    """Wherever a kind keeps its pod template, the same things are found in it."""
    assert names(manifest) == POD_DEPENDENTS


def test_flinks_own_fields_name_dependents_too() -> None:
    """The service account and the secrets of Flink's configuration are followed."""
    manifest = flink()
    manifest["spec"]["flinkConfiguration"] = {
        "kubernetes.container.image.pull-secrets": "a;b",
        "kubernetes.secrets": "c:/opt/c,d:/opt/d",
    }
    assert names(manifest) == {
        "ServiceAccount/flink",
        "Secret/a",
        "Secret/b",
        "Secret/c",
        "Secret/d",
    }


def test_sparks_own_fields_name_dependents_too() -> None:
    """Driver and executor name ConfigMaps, Secrets and accounts outside of pod templates."""
    manifest = spark()
    manifest["spec"] |= {
        "sparkConfigMap": "conf",
        "hadoopConfigMap": "hadoop",
        "imagePullSecrets": ["registry"],
        "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}],
        "driver": {
            "serviceAccount": "spark",
            "configMaps": [{"name": "d", "path": "/d"}],
            "secrets": [{"name": "s"}],
        },
        "executor": {
            "envSecretKeyRefs": {"X": {"name": "e", "key": "x"}},
            "serviceAccount": "default",
        },
    }
    assert names(manifest) == {
        "ConfigMap/conf",
        "ConfigMap/d",
        "ConfigMap/hadoop",
        "PersistentVolumeClaim/data",
        "Secret/e",
        "Secret/registry",
        "Secret/s",
        "ServiceAccount/spark",
    }


@pytest.mark.parametrize(
    "manifest",
    [deployment(), with_spec("example.org/v1", "Widget", {"template": {"spec": POD_SPEC}})],
    ids=["nothing named", "unknown kind"],
)
def test_nothing_is_guessed(manifest: Manifest) -> None:
    """The default account is everywhere, and unknown kinds are not searched."""
    assert names(manifest) == set()


NEVER_MOVED: dict[str, tuple[Manifest, str]] = {
    "account token": (
        {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token"},
        "ServiceAccountToken",
    ),
    "default account": (
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}},
        "DefaultServiceAccount",
    ),
    "volume": ({"apiVersion": "v1", "kind": "PersistentVolume"}, "PersistentVolume"),
    "certificate": (
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt"}},
        "PerCluster",
    ),
    "made by a controller": (
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": "db",
                "ownerReferences": [owner_reference("ExternalSecret", "db", "u")],
            },
        },
        "ControllerOwned",
    ),
}


@pytest.mark.parametrize(("manifest", "reason"), NEVER_MOVED.values(), ids=NEVER_MOVED)
def test_what_belongs_to_a_cluster_never_moves(manifest: Manifest, reason: str) -> None:
    """Tokens, default accounts, volumes and what controllers make stay where they are."""
    found = immovable(manifest)
    assert found is not None
    assert found.reason == reason


def secret(**data: str) -> Manifest:
    """A Secret as a server shows it."""
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {"name": "s"},
        "data": encoded,
    }


SERVER_CLAIM = with_spec(
    "v1",
    "PersistentVolumeClaim",
    {"storageClassName": "fast", "volumeName": "pv-1", "volumeMode": "Filesystem"},
)
COMPARED: dict[str, tuple[Manifest, Manifest, tuple[str, ...]]] = {
    "same secret": (
        secret(a="1"),
        {**secret(a="1"), "metadata": {"uid": "u", "labels": {"x": "y"}}},
        (),
    ),
    "secret in plain text": (
        {"apiVersion": "v1", "kind": "Secret", "stringData": {"a": "1"}},
        secret(a="1"),
        (),
    ),
    "other value": (secret(a="canary"), secret(a="2"), ("data.a",)),
    "key too many": (secret(a="1"), secret(a="1", b="2"), ("data.b",)),
    "key too few": (secret(a="1", b="2"), secret(a="1"), ("data.b",)),
    "other type": (secret(), {**secret(), "type": "kubernetes.io/tls"}, ("type",)),
    "claim with server defaults": (
        with_spec("v1", "PersistentVolumeClaim", {"storageClassName": "fast"}),
        SERVER_CLAIM,
        (),
    ),
    "claim of another class": (
        with_spec("v1", "PersistentVolumeClaim", {"storageClassName": "slow"}),
        SERVER_CLAIM,
        ("spec.storageClassName",),
    ),
    "account with a token of its cluster": (
        {"apiVersion": "v1", "kind": "ServiceAccount", "secrets": [{"name": "t-1"}]},
        {"apiVersion": "v1", "kind": "ServiceAccount", "secrets": [{"name": "t-2"}]},
        (),
    ),
}


@pytest.mark.parametrize(("wanted", "found", "paths"), COMPARED.values(), ids=COMPARED)
def test_dependents_are_compared_by_content(
    wanted: Manifest, found: Manifest, paths: tuple[str, ...]
) -> None:
    """Differences are paths, never values; what only servers write is none."""
    assert compare(wanted, found) == paths


def test_a_claim_moves_without_its_volume() -> None:
    """The claim asks for a new volume; snapshots and volumes of the old cluster are not named."""
    claim = with_spec(
        "v1",
        "PersistentVolumeClaim",
        {"volumeName": "pv-1", "dataSource": {"name": "snap"}, "storageClassName": "fast"},
    )
    assert pvc_as_claim(claim)["spec"] == {"storageClassName": "fast"}


def test_a_created_dependent_is_marked_and_equal() -> None:
    """What we create says so, and compares equal to what it was made from."""
    created = as_dependent(secret(a="1"), failover="f-1")
    assert created_by(created) == "f-1"
    assert compare(secret(a="1"), created) == ()


def test_claim_templates_are_named() -> None:
    """A StatefulSet with claim templates would start on empty volumes, so the plan must know."""
    assert claim_templates(stateful_set()) == ("data",)
    assert claim_templates(deployment()) == ()
