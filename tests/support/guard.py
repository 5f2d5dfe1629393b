"""The admission guard on a cluster, and those whom it has to keep out, as the API server knows them."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from devstack.api import Api
from devstack.errors import ApiError
from devstack.world import World
from failover.domain.identity import ApplicationRef, record_name
from failover.domain.notice import Notice
from tests.support.admission import BINDINGS
from tests.support.waiting import eventually

GUARD = Path(__file__).parents[2] / "deploy/guard/guard.yaml"
NAME = "failover-guard"
NOTICES = "/api/v1/namespaces/failover-system/configmaps"
APPLY_PATCH = "application/apply-patch+yaml"


@dataclass(frozen=True)
class Identity:
    """Somebody who creates objects on member clusters, with the right to, and the marks that he leaves."""

    user: str
    groups: tuple[str, ...]
    manager: str
    applies: bool = False
    """By server-side apply: a PATCH, which the API server admits as a creation."""
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])

    async def create(self, world: World, cluster: str, collection: str, manifest: Any) -> None:
        """Create the object; raises the API server's refusal."""
        metadata = {**manifest["metadata"], **self.metadata}
        body = {**manifest, "metadata": metadata}
        async with world.client(cluster, self.user, self.groups) as api:
            params = {"fieldManager": self.manager}
            if not self.applies:
                await api.request("POST", collection, body=body, params=params)
                return
            path = f"{collection}/{metadata['name']}"
            params["force"] = "true"
            await api.request("PATCH", path, body=body, params=params, content_type=APPLY_PATCH)


_SERVICE_ACCOUNTS = ("system:serviceaccounts", "system:serviceaccounts:kube-system")
IDENTITIES = {
    "Argo CD": Identity(
        "system:serviceaccount:kube-system:argocd-manager", _SERVICE_ACCOUNTS, "argocd-controller"
    ),
    "Argo CD, server-side": Identity(
        "system:serviceaccount:kube-system:argocd-manager",
        _SERVICE_ACCOUNTS,
        "argocd-controller",
        applies=True,
    ),
    "Helm": Identity(
        "anna",
        ("platform",),
        "helm",
        metadata={
            "labels": {"app.kubernetes.io/managed-by": "Helm"},
            "annotations": {
                "meta.helm.sh/release-name": "orders",
                "meta.helm.sh/release-namespace": "shop",
            },
        },
    ),
    "Karmada": Identity(
        "system:serviceaccount:karmada-cluster:karmada-east",
        ("system:serviceaccounts", "system:serviceaccounts:karmada-cluster"),
        "karmada-execution-controller",
        metadata={"labels": {"karmada.io/managed": "true"}},
    ),
}


@asynccontextmanager
async def guarded(world: World, *clusters: str) -> AsyncGenerator[None, None]:
    """The guard in force on these clusters, and the identities with all rights there.

    In the end the binding stays and denies nothing any more, as docs/gitops.md says: without any binding
    the API server would stop to follow ConfigMaps for ever.
    """
    documents = list(yaml.safe_load_all(GUARD.read_text()))
    probes = [Probe(world.api(cluster), _probe_ref()) for cluster in clusters]
    try:
        for cluster, probe in zip(clusters, probes, strict=True):
            await world.install(cluster, [_all_rights(), *documents])
            await probe.notify()
        for probe in probes:
            await eventually(probe.is_denied, "the guard is in force")
        yield
    finally:
        for probe in probes:
            with suppress(ApiError):
                await probe.api.merge(
                    f"{BINDINGS}/{NAME}", {"spec": {"validationActions": ["Audit"]}}
                )
        for probe in probes:
            await eventually(probe.passes, "the guard only notes")
            await probe.forget()


def _probe_ref() -> ApplicationRef:
    """Another one each time: what an API server remembers of an earlier one proves nothing."""
    name = f"guard-probe-{uuid.uuid4().hex[:8]}"
    return ApplicationRef(group="apps", kind="Deployment", namespace="default", name=name)


@dataclass(frozen=True)
class Probe:
    """An application with a notice, which is there only to see whether it may be created."""

    api: Api
    ref: ApplicationRef

    async def notify(self) -> None:
        """Say that it lives elsewhere."""
        notice = Notice(application=self.ref, home="west", generation=1)
        await self.api.create(NOTICES, notice.to_config_map())

    async def forget(self) -> None:
        """Take the notice away again."""
        with suppress(ApiError):
            await self.api.delete(f"{NOTICES}/{record_name(self.ref)}")

    async def is_denied(self) -> bool:
        """Whether nobody may create it."""
        return not await self.passes()

    async def passes(self) -> bool:
        """Whether it may be created; it is taken away again at once."""
        collection = "/apis/apps/v1/namespaces/default/deployments"
        try:
            await self.api.create(collection, empty_deployment(self.ref.name))
        except ApiError as error:
            if error.status == 403:
                return False
            raise
        await self.api.delete(f"{collection}/{self.ref.name}")
        return True


def empty_deployment(name: str) -> dict[str, Any]:
    """A Deployment without replicas."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "c", "image": "i"}]},
            },
        },
    }


def _all_rights() -> dict[str, Any]:
    users = dict.fromkeys(each.user for each in IDENTITIES.values())
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"{NAME}-identities"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user} for user in users],
    }
