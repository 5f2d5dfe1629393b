"""Which dependents are referred to, and which of them are ours alone."""

from __future__ import annotations

from typing import Any

import pytest

from failover.domain.dependents import TEMPLATE_KINDS
from failover.domain.identity import ObjectRef
from failover.domain.manifest import Manifest
from failover.domain.marks import FIELD_MANAGER, with_created_by
from failover.domain.referrers import (
    REFERRING_KINDS,
    is_ours_alone,
    is_removable,
    references_of,
    unreferred,
)

SECRET = ObjectRef(group="", kind="Secret", namespace="shop", name="s")
CONFIG = ObjectRef(group="", kind="ConfigMap", namespace="shop", name="c")
ACCOUNT = ObjectRef(group="", kind="ServiceAccount", namespace="shop", name="a")
POD_SPEC: dict[str, Any] = {
    "serviceAccountName": "a",
    "containers": [{"name": "x", "envFrom": [{"configMapRef": {"name": "c"}}]}],
    "volumes": [{"name": "v", "secret": {"secretName": "s"}}],
}


def refs(*each: ObjectRef) -> frozenset[ObjectRef]:
    """These, as a set."""
    return frozenset(each)


def thing(api_version: str, kind: str, name: str = "x", **content: Any) -> Manifest:
    """An object in the namespace."""
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}


def templated(kind: str) -> Manifest:
    """An object of this kind whose pod template names all three."""
    template: dict[str, Any] = {"template": {"spec": POD_SPEC}}
    match kind:
        case "Pod":
            return thing("v1", "Pod", spec=POD_SPEC)
        case "CronJob":
            return thing("batch/v1", "CronJob", spec={"jobTemplate": {"spec": template}})
        case "Job":
            return thing("batch/v1", "Job", spec=template)
        case "FlinkDeployment":
            spec = {"podTemplate": {"spec": POD_SPEC}}
            return thing("flink.apache.org/v1beta1", kind, spec=spec)
        case "SparkApplication":
            spec = {"driver": template}
            return thing("sparkoperator.k8s.io/v1beta2", kind, spec=spec)
        case _:
            return thing("apps/v1", kind, spec=template)


@pytest.mark.parametrize("kind", [each.kind for each in TEMPLATE_KINDS])
def test_every_kind_with_a_pod_template_refers(kind: str) -> None:
    """Each kind that is listed before anything goes is also understood."""
    assert references_of(templated(kind)) >= refs(SECRET, CONFIG, ACCOUNT)
    assert not unreferred([SECRET, CONFIG, ACCOUNT], [templated(kind)])


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(
            thing("v1", "ServiceAccount", "default", imagePullSecrets=[{"name": "s"}]), id="pulls"
        ),
        pytest.param(thing("v1", "ServiceAccount", "z", secrets=[{"name": "s"}]), id="account"),
        pytest.param(
            thing("networking.k8s.io/v1", "Ingress", spec={"tls": [{"secretName": "s"}]}), id="tls"
        ),
    ],
)
def test_what_names_secrets_by_itself_refers_to_them(manifest: Manifest) -> None:
    """No pod template is needed: the default account's pull secret, an ingress's certificate."""
    assert unreferred([SECRET, CONFIG], [manifest]) == refs(CONFIG)
    assert manifest["kind"] in {each.kind for each in REFERRING_KINDS}


def test_what_goes_too_keeps_nothing() -> None:
    """A service account of ours that goes does not hold its Secret; one that stays does."""
    account = thing("v1", "ServiceAccount", "a", imagePullSecrets=[{"name": "s"}])
    assert unreferred([SECRET, ACCOUNT], [account]) == refs(SECRET, ACCOUNT)
    assert not unreferred([SECRET, ACCOUNT], [account, templated("Pod")])
    user = thing("v1", "Pod", spec={"serviceAccountName": "a", "containers": []})
    assert not unreferred([SECRET, ACCOUNT], [account, user])


def test_what_a_move_under_way_holds_stays() -> None:
    """Its copy is nowhere yet, and will need it."""
    assert unreferred([SECRET, CONFIG], [], held=[SECRET]) == refs(CONFIG)


def test_the_same_name_elsewhere_is_another_object() -> None:
    """Names count within their namespace and kind."""
    other = templated("Pod")
    other["metadata"]["namespace"] = "other"
    assert unreferred([SECRET], [other]) == refs(SECRET)


def managed(*managers: str, subresource: str = "", marked: bool = True) -> Manifest:
    """A ConfigMap that these have written to."""
    manifest = thing("v1", "ConfigMap", "c")
    marked_one = with_created_by(manifest, "failover/x") if marked else manifest
    entries = [{"manager": each, "subresource": subresource} for each in managers]
    metadata = {**marked_one["metadata"], "managedFields": entries}
    return {**marked_one, "metadata": metadata}


def test_ours_alone_is_what_nobody_else_has_written_to() -> None:
    """The mark alone does not do: somebody may have taken it over, or copied it with the mark."""
    assert is_ours_alone(managed(FIELD_MANAGER))
    assert is_ours_alone(managed(FIELD_MANAGER, "kube-controller-manager"))
    assert not is_ours_alone(managed(FIELD_MANAGER, marked=False))
    assert not is_ours_alone(managed(FIELD_MANAGER, "kubectl-edit"))
    assert not is_ours_alone(managed("kubectl-create"))
    assert not is_ours_alone(managed())


def test_a_claim_is_never_removable() -> None:
    """Its data was not moved."""
    assert is_removable(SECRET)
    claim = ObjectRef(group="", kind="PersistentVolumeClaim", namespace="shop", name="d")
    assert not is_removable(claim)
