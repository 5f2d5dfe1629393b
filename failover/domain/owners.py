"""Who else keeps an object, and would put it back once we have taken it away.

A mark counts only where it is beyond doubt: `app.kubernetes.io/instance` alone, which every chart
sets, is none, and an Argo CD tracking id that names another object was copied, as Argo CD itself
holds. Field managers on `spec` are a hint only: they have written once, which is not keeping.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pydantic import BaseModel, ConfigDict

from failover.domain.identity import GroupKind
from failover.domain.manifest import (
    Manifest,
    annotations_of,
    controller_of,
    items,
    labels_of,
    mapping,
    maps,
    name_of,
    namespace_of,
    text,
)
from failover.domain.marks import FIELD_MANAGER


class Manager(BaseModel):
    """Something that keeps an object besides us."""

    model_config = ConfigDict(frozen=True)

    name: str
    """`ArgoCD`, `Flux`, `Helm`, `Karmada`, `Controller`, `FieldManager`: as in `allowManagers`."""

    detail: str
    """Which one of its kind: the Argo CD application, the Kustomization, the owner, …"""

    puts_back: bool
    """Whether it would create the object again after a delete."""

    remedy: str
    """What a person can do about it, as a sentence."""


_FIELD_MANAGERS_OF = {
    "argocd-application-controller": "ArgoCD",
    "argocd-controller": "ArgoCD",
    "helm": "Helm",
    "helm-controller": "Flux",
    "karmada-agent": "Karmada",
    "karmada-controller-manager": "Karmada",
    "kustomize-controller": "Flux",
}
"""Field managers that say no more than a mark that was found already."""

_QUIET_FIELD_MANAGERS = ("kubectl", "kube-controller-manager", FIELD_MANAGER)
_DETAIL_LENGTH_MAX = 128


def managers_of(manifest: Manifest) -> tuple[Manager, ...]:
    """Everyone who keeps this object, the surest first; each once."""
    found = [manager for look in _LOOKS if (manager := look(manifest)) is not None]
    names = {each.name for each in found}
    return (*found, *_field_managers(manifest, names))


def _controller(manifest: Manifest) -> Manager | None:
    owner = controller_of(manifest)
    if owner is None:
        return None
    detail = f"{text(owner, 'kind')}/{text(owner, 'name')}"
    return _manager(
        "Controller", detail, "its controller makes it anew: fail over the owner instead"
    )


def _karmada(manifest: Manifest) -> Manager | None:
    labels, annotations = labels_of(manifest), annotations_of(manifest)
    work = annotations.get("work.karmada.io/name")
    tracked = labels.get("karmada.io/managed") == "true" or "work.karmada.io/permanent-id" in labels
    if work is None and not tracked:
        return None
    where = annotations.get("work.karmada.io/namespace", "")
    detail = f"Work {where}/{work}" if work else "a Work of Karmada"
    return _manager(
        "Karmada",
        detail,
        "suspend its dispatching, or take the object out of its policy with "
        "preserveResourcesOnDeletion",
    )


def _argo_cd(manifest: Manifest) -> Manager | None:
    tracking = annotations_of(manifest).get("argocd.argoproj.io/tracking-id", "")
    application = tracking.partition(":")[0] if _tracks(tracking, manifest) else ""
    application = application or labels_of(manifest).get("argocd.argoproj.io/instance", "")
    if not application:
        return None
    return _manager(
        "ArgoCD",
        f"Application {application}",
        "take the object out of the Application without pruning, or turn automated sync off",
    )


def _tracks(tracking: str, manifest: Manifest) -> bool:
    """`<application>:<group>/<kind>:<namespace>/<name>`, and it is this very object."""
    kind = GroupKind.of(manifest)
    _, _, rest = tracking.partition(":")
    what, _, where = rest.partition(":")
    return what == f"{kind.group}/{kind.kind}" and where in {
        f"{namespace_of(manifest)}/{name_of(manifest)}",
        f"/{name_of(manifest)}",
    }


def _flux_kustomize(manifest: Manifest) -> Manager | None:
    return _flux(manifest, "Kustomization", "kustomize.toolkit.fluxcd.io")


def _flux_helm(manifest: Manifest) -> Manager | None:
    return _flux(manifest, "HelmRelease", "helm.toolkit.fluxcd.io")


def _flux(manifest: Manifest, kind: str, group: str) -> Manager | None:
    labels = labels_of(manifest)
    name = labels.get(f"{group}/name")
    if name is None:
        return None
    disabled = annotations_of(manifest).get(f"{group}/reconcile") == "disabled"
    return _manager(
        "Flux",
        f"{kind} {labels.get(f'{group}/namespace', '')}/{name}",
        f"suspend the {kind}, or take the object out of it without pruning",
        puts_back=not disabled,
    )


def _helm(manifest: Manifest) -> Manager | None:
    annotations = annotations_of(manifest)
    release = annotations.get("meta.helm.sh/release-name")
    if release is None or labels_of(manifest).get("app.kubernetes.io/managed-by") != "Helm":
        return None
    return _manager(
        "Helm",
        f"release {annotations.get('meta.helm.sh/release-namespace', '')}/{release}",
        "do not upgrade or roll back the release on this cluster until the failover is over",
        puts_back=False,
    )


def _field_managers(manifest: Manifest, found: set[str]) -> Iterator[Manager]:
    seen: set[str] = set()
    for entry in maps(items(manifest, "metadata", "managedFields")):
        manager = text(entry, "manager")
        if manager in seen or not _writes_spec(entry) or _FIELD_MANAGERS_OF.get(manager) in found:
            continue
        seen.add(manager)
        if manager and not manager.startswith(_QUIET_FIELD_MANAGERS):
            yield _manager(
                "FieldManager",
                f"{manager} ({text(entry, 'operation') or 'Update'})",
                "find out whether it only wrote the object once, or would create it again",
                puts_back=False,
            )


def _writes_spec(entry: Manifest) -> bool:
    return not text(entry, "subresource") and "f:spec" in mapping(entry, "fieldsV1")


def _manager(name: str, detail: str, remedy: str, *, puts_back: bool = True) -> Manager:
    return Manager(
        name=name, detail=detail[:_DETAIL_LENGTH_MAX], puts_back=puts_back, remedy=remedy
    )


_LOOKS: tuple[Callable[[Manifest], Manager | None], ...] = (
    _controller,
    _karmada,
    _argo_cd,
    _flux_kustomize,
    _flux_helm,
    _helm,
)
