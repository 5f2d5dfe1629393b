"""Who else keeps an object."""

from __future__ import annotations

from typing import Any

import pytest

from failover.domain.owners import managers_of
from tests.support.objects import deployment, owner_reference


def marked(
    *,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    **metadata: Any,
) -> dict[str, Any]:
    """The Deployment `shop/shop` with this metadata."""
    manifest = deployment()
    manifest["metadata"] |= {"labels": labels or {}, "annotations": annotations or {}, **metadata}
    return manifest


def wrote(manager: str, *fields: str, **entry: str) -> dict[str, Any]:
    """An entry of managedFields."""
    return {
        "manager": manager,
        "operation": "Update",
        "fieldsV1": {each: {} for each in fields},
        **entry,
    }


ARGO = "argocd.argoproj.io"
CASES: dict[str, tuple[dict[str, Any], list[tuple[str, str, bool]]]] = {
    "nobody": (marked(), []),
    "an instance label alone": (marked(labels={"app.kubernetes.io/instance": "shop"}), []),
    "argo cd": (
        marked(annotations={f"{ARGO}/tracking-id": "web:apps/Deployment:shop/shop"}),
        [("ArgoCD", "Application web", True)],
    ),
    "argo cd, copied id": (
        marked(annotations={f"{ARGO}/tracking-id": "web:apps/Deployment:shop/other"}),
        [],
    ),
    "argo cd, label": (
        marked(labels={f"{ARGO}/instance": "web"}),
        [("ArgoCD", "Application web", True)],
    ),
    "flux kustomization": (
        marked(
            labels={
                "kustomize.toolkit.fluxcd.io/name": "web",
                "kustomize.toolkit.fluxcd.io/namespace": "flux",
            }
        ),
        [("Flux", "Kustomization flux/web", True)],
    ),
    "flux kustomization, disabled": (
        marked(
            labels={"kustomize.toolkit.fluxcd.io/name": "web"},
            annotations={"kustomize.toolkit.fluxcd.io/reconcile": "disabled"},
        ),
        [("Flux", "Kustomization /web", False)],
    ),
    "helm": (
        marked(
            labels={"app.kubernetes.io/managed-by": "Helm"},
            annotations={"meta.helm.sh/release-name": "web"},
        ),
        [("Helm", "release /web", False)],
    ),
    "karmada": (
        marked(
            labels={"karmada.io/managed": "true"},
            annotations={
                "work.karmada.io/name": "w",
                "work.karmada.io/namespace": "karmada-es-east",
            },
        ),
        [("Karmada", "Work karmada-es-east/w", True)],
    ),
    "a label that carries state is no mark of karmada": (
        marked(labels={"resourcebinding.karmada.io/failover-jobid": "x"}),
        [],
    ),
    "controller": (
        marked(ownerReferences=[owner_reference("FlinkDeployment", "orders", "u")]),
        [("Controller", "FlinkDeployment/orders", True)],
    ),
    "owner that is no controller": (
        marked(ownerReferences=[owner_reference("Any", "o", "u", controller=False)]),
        [],
    ),
    "foreign field manager": (
        marked(managedFields=[wrote("terraform", "f:spec", operation="Apply")]),
        [("FieldManager", "terraform (Apply)", False)],
    ),
    "quiet field managers": (
        marked(
            managedFields=[
                wrote("kubectl-client-side-apply", "f:spec"),
                wrote("kube-controller-manager", "f:spec"),
                wrote("stateful-failover", "f:spec"),
                wrote("operator", "f:status", subresource="status"),
                wrote("operator", "f:metadata"),
            ]
        ),
        [],
    ),
    "a field manager that was named already": (
        marked(
            annotations={f"{ARGO}/tracking-id": "web:apps/Deployment:shop/shop"},
            managedFields=[wrote("argocd-controller", "f:spec")],
        ),
        [("ArgoCD", "Application web", True)],
    ),
}


@pytest.mark.parametrize(("manifest", "managers"), CASES.values(), ids=CASES)
def test_managers_are_told_from_marks_beyond_doubt(
    manifest: dict[str, Any], managers: list[tuple[str, str, bool]]
) -> None:
    """Each manager has its name, whether it puts the object back, and a remedy."""
    found = managers_of(manifest)
    assert [(each.name, each.detail, each.puts_back) for each in found] == managers
    assert all(each.remedy for each in found)
