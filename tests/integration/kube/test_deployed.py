"""What `deploy/` holds, on a real API server: every object is taken as it is written, and nothing is misspelt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.api import Api, Manifest
from devstack.errors import ApiError
from devstack.manifests import collection_of, read_manifests
from devstack.world import World
from failover.domain.rbac import SYSTEM_NAMESPACE
from tests.support.definitions import changed
from tests.support.guard import APPLY_PATCH

DEPLOY = Path(__file__).parents[3] / "deploy"
READ_BY_OTHERS = {"PrometheusRule": "the Prometheus Operator", "Receivers": "the worker, as a file"}
"""No API server of ours serves these. `test_alert_rules.py` and `test_calling.py` read them."""


@pytest.fixture
async def east(world: World) -> Api:
    """A cluster with the namespace that the manifests are for."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM_NAMESPACE}}
    await world.install("east", [namespace])
    return world.api("east")


def deployed() -> Iterator[Manifest]:
    """Every object of `deploy/` for a cluster."""
    for directory in sorted(each for each in DEPLOY.iterdir() if each.is_dir()):
        for manifest in read_manifests(directory):
            if manifest["kind"] not in READ_BY_OTHERS:
                yield manifest


async def test_every_manifest_is_taken_and_none_with_a_field_too_many(east: Api) -> None:
    """As `kubectl apply --server-side --dry-run=server` would; nothing is left on the cluster."""
    kinds: set[str] = set()
    for manifest in deployed():
        answer = await applied(east, manifest)
        assert answer["metadata"]["name"] == manifest["metadata"]["name"]
        with pytest.raises(ApiError, match=r"spec\.surplus"):
            await applied(east, changed(manifest, "spec.surplus", value=1))
        kinds.add(manifest["kind"])
    assert kinds >= {
        "CustomResourceDefinition", "Deployment", "Service",
        "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
    }  # fmt: skip


async def applied(api: Api, manifest: Manifest) -> Manifest:
    """Apply it for show, whether it is there already or not."""
    path = f"{await collection_of(api, manifest)}/{manifest['metadata']['name']}"
    params = {
        "dryRun": "All", "fieldManager": "deploy", "fieldValidation": "Strict", "force": "true",
    }  # fmt: skip
    return await api.request("PATCH", path, body=manifest, params=params, content_type=APPLY_PATCH)
