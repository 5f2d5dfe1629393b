"""From a live object to one that can be created elsewhere.

`portable` takes away what servers, controllers and tools have added, and what an earlier failover
left: its alias labels and our marks. Of the metadata only name, namespace, labels and annotations
stay. Whatever a person may have written stays too: where server and person share a field, it goes
only if the value can be told to be the server's. `portable` is idempotent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from failover.domain.identity import GroupKind
from failover.domain.manifest import (
    Manifest,
    copied,
    field,
    items,
    mapping,
    maps,
    text,
    without_noise,
)

_METADATA_KEPT = ("name", "namespace", "labels", "annotations")

_CONTROLLERS_ANNOTATIONS = (
    "argocd.argoproj.io/installation-id",
    "argocd.argoproj.io/tracking-id",
    "batch.kubernetes.io/job-tracking",
    "control-plane.alpha.kubernetes.io/leader",
    "pv.kubernetes.io/",
    "resourcetemplate.karmada.io/",
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/",
    "work.karmada.io/",
)
"""Annotations, or prefixes of them, of the object on its cluster, not of its template."""

_CONTROLLERS_LABELS = frozenset(
    {
        "argocd.argoproj.io/instance",
        "clusterresourcebinding.karmada.io/permanent-id",
        "karmada.io/managed",
        "kustomize.toolkit.fluxcd.io/name",
        "kustomize.toolkit.fluxcd.io/namespace",
        "resourcebinding.karmada.io/permanent-id",
        "work.karmada.io/permanent-id",
    }
)
"""By these an owner finds what is its own; a copy that carried them could be pruned as a stray."""

_JOB_LABELS = frozenset(
    {
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-name",
        "controller-uid",
        "job-name",
    }
)

_TOKEN_VOLUME_PREFIX = "kube-api-access-"  # noqa: S105 - the name of a volume


def portable(manifest: Manifest, *, alias_labels: Iterable[str]) -> Manifest:
    """The object as somebody could have written it, without alias labels and marks of ours."""
    template = copied(manifest)
    template.pop("status", None)
    template["metadata"] = _portable_metadata(template, frozenset(alias_labels))
    clean = _CLEANERS.get(GroupKind.of(template))
    if clean is not None:
        clean(template)
    return template


def _portable_metadata(manifest: Manifest, alias_labels: frozenset[str]) -> Manifest:
    metadata = {
        key: value for key, value in mapping(manifest, "metadata").items() if key in _METADATA_KEPT
    }
    labels = mapping(metadata, "labels")
    return _with_maps(
        metadata,
        labels={
            key: labels[key] for key in labels if key not in alias_labels | _CONTROLLERS_LABELS
        },
        annotations={
            key: value
            for key, value in without_noise(mapping(metadata, "annotations")).items()
            if not key.startswith(_CONTROLLERS_ANNOTATIONS)
        },
    )


def _with_maps(metadata: Manifest, **named: Manifest) -> Manifest:
    """The metadata with these maps in place of its own; an empty map is left out."""
    kept = {key: value for key, value in metadata.items() if key not in named}
    return {**kept, **{key: value for key, value in named.items() if value}}


def _clean_service(service: Manifest) -> None:
    spec = mapping(service, "spec")
    _drop(spec, "clusterIPs", "healthCheckNodePort", "ipFamilies")
    if field(spec, "clusterIP") != "None":
        _drop(spec, "clusterIP")
    for port in maps(items(spec, "ports")):
        _drop(port, "nodePort")


def _clean_claim(claim: Manifest) -> None:
    _drop(mapping(claim, "spec"), "volumeName")


def _clean_service_account(account: Manifest) -> None:
    _drop(account, "secrets")


def _clean_job(job: Manifest) -> None:
    """A Job makes its own selector and labels, unless somebody chose `manualSelector`."""
    _clean_workload(job)
    spec = mapping(job, "spec")
    if field(spec, "manualSelector") is True:
        return
    _drop(spec, "selector")
    for metadata in (mapping(job, "metadata"), mapping(spec, "template", "metadata")):
        labels = mapping(metadata, "labels")
        _drop(labels, *_JOB_LABELS)
        if not labels:
            _drop(metadata, "labels")


def _clean_workload(workload: Manifest) -> None:
    _drop(mapping(workload, "spec", "template", "metadata"), "creationTimestamp")


def _clean_cron_job(cron_job: Manifest) -> None:
    job = mapping(cron_job, "spec", "jobTemplate")
    _drop(mapping(job, "metadata"), "creationTimestamp")
    _clean_workload(job)


def _clean_stateful_set(stateful_set: Manifest) -> None:
    _clean_workload(stateful_set)
    for claim in maps(items(stateful_set, "spec", "volumeClaimTemplates")):
        _drop(claim, "status")
        _drop(mapping(claim, "metadata"), "creationTimestamp")


def _clean_pod(pod: Manifest) -> None:
    """What the scheduler and the admission of pods write into a spec."""
    spec = mapping(pod, "spec")
    _drop(spec, "nodeName", "priority", "preemptionPolicy", "ephemeralContainers")
    _keep(spec, "volumes", lambda each: not _is_token_volume(text(each, "name")))
    for kind in ("containers", "initContainers"):
        for container in maps(items(spec, kind)):
            _keep(container, "volumeMounts", lambda each: not _is_token_volume(text(each, "name")))


def _is_token_volume(name: str) -> bool:
    return name.startswith(_TOKEN_VOLUME_PREFIX)


def _drop(target: Manifest, *keys: str) -> None:
    for key in keys:
        target.pop(key, None)


def _keep(target: Manifest, key: str, wanted: Callable[[object], bool]) -> None:
    """Keep those items of a list; a list that is emptied by it goes altogether."""
    before = items(target, key)
    after = [each for each in before if wanted(each)]
    if len(after) == len(before):
        return
    if after:
        target[key] = after
    else:
        _drop(target, key)


_CLEANERS: dict[GroupKind, Callable[[Manifest], None]] = {
    GroupKind("", "PersistentVolumeClaim"): _clean_claim,
    GroupKind("", "Pod"): _clean_pod,
    GroupKind("", "Service"): _clean_service,
    GroupKind("", "ServiceAccount"): _clean_service_account,
    GroupKind("apps", "DaemonSet"): _clean_workload,
    GroupKind("apps", "Deployment"): _clean_workload,
    GroupKind("apps", "ReplicaSet"): _clean_workload,
    GroupKind("apps", "StatefulSet"): _clean_stateful_set,
    GroupKind("batch", "CronJob"): _clean_cron_job,
    GroupKind("batch", "Job"): _clean_job,
}
