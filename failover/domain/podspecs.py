"""The names that a pod spec refers to, and where Flink's and Spark's objects keep theirs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from failover.domain.manifest import Manifest, items, mapping, maps, text

Reference: TypeAlias = tuple[str, str]
"""Kind and name, in the namespace of whoever refers to it."""

DEFAULT_SERVICE_ACCOUNT: Final = ("ServiceAccount", "default")
CLUSTER_CERTIFICATE: Final = ("ConfigMap", "kube-root-ca.crt")

_SECRET_REF_VOLUMES = ("cephfs", "cinder", "flexVolume", "iscsi", "rbd", "scaleIO", "storageos")
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")


def pod_references(spec: Manifest) -> Iterator[Reference]:
    """Everything that a pod spec refers to by name; names may be empty or come twice."""
    yield "ServiceAccount", text(spec, "serviceAccountName") or text(spec, "serviceAccount")
    for each in maps(items(spec, "imagePullSecrets")):
        yield "Secret", text(each, "name")
    for volume in maps(items(spec, "volumes")):
        yield from _volume_references(volume)
    for kind in _CONTAINERS:
        for container in maps(items(spec, kind)):
            yield from _environment_references(container)


def _volume_references(volume: Manifest) -> Iterator[Reference]:
    yield "ConfigMap", text(volume, "configMap", "name")
    yield "Secret", text(volume, "secret", "secretName")
    yield "PersistentVolumeClaim", text(volume, "persistentVolumeClaim", "claimName")
    yield "Secret", text(volume, "csi", "nodePublishSecretRef", "name")
    yield "Secret", text(volume, "azureFile", "secretName")
    for kind in _SECRET_REF_VOLUMES:
        yield "Secret", text(volume, kind, "secretRef", "name")
    for source in maps(items(volume, "projected", "sources")):
        yield "ConfigMap", text(source, "configMap", "name")
        yield "Secret", text(source, "secret", "name")


def _environment_references(container: Manifest) -> Iterator[Reference]:
    for source in maps(items(container, "envFrom")):
        yield "ConfigMap", text(source, "configMapRef", "name")
        yield "Secret", text(source, "secretRef", "name")
    for variable in maps(items(container, "env")):
        yield "ConfigMap", text(variable, "valueFrom", "configMapKeyRef", "name")
        yield "Secret", text(variable, "valueFrom", "secretKeyRef", "name")


def flink_references(spec: Manifest) -> Iterator[Reference]:
    """A FlinkDeployment: service account, three pod templates, secrets of its configuration."""
    yield "ServiceAccount", text(spec, "serviceAccount")
    for path in (("podTemplate",), ("jobManager", "podTemplate"), ("taskManager", "podTemplate")):
        yield from pod_references(mapping(spec, *path, "spec"))
    configuration = mapping(spec, "flinkConfiguration")
    for name in text(configuration, "kubernetes.container.image.pull-secrets").split(";"):
        yield "Secret", name.strip()
    for entry in text(configuration, "kubernetes.secrets").split(","):
        yield "Secret", entry.partition(":")[0].strip()


def spark_references(spec: Manifest) -> Iterator[Reference]:
    """A SparkApplication: what it names itself, and its driver and executor."""
    yield "ConfigMap", text(spec, "sparkConfigMap")
    yield "ConfigMap", text(spec, "hadoopConfigMap")
    for name in items(spec, "imagePullSecrets"):
        yield "Secret", text(name)
    for volume in maps(items(spec, "volumes")):
        yield from _volume_references(volume)
    for role in ("driver", "executor"):
        yield from _spark_role_references(mapping(spec, role))


def _spark_role_references(role: Manifest) -> Iterator[Reference]:
    yield "ServiceAccount", text(role, "serviceAccount")
    for each in maps(items(role, "configMaps")):
        yield "ConfigMap", text(each, "name")
    for each in maps(items(role, "secrets")):
        yield "Secret", text(each, "name")
    for each in maps(list(mapping(role, "envSecretKeyRefs").values())):
        yield "Secret", text(each, "name")
    yield from _environment_references(role)
    for kind in ("initContainers", "sidecars"):
        for container in maps(items(role, kind)):
            yield from _environment_references(container)
    yield from pod_references(mapping(role, "template", "spec"))
