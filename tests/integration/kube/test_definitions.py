"""Our CustomResourceDefinitions on a real API server: what it takes, what it refuses, what it shows."""

from __future__ import annotations

import re
from typing import Any

import pytest

from devstack.api import Api
from devstack.errors import ApiError
from devstack.world import World
from tests.support.definitions import GROUP, changed, definitions, documents, policies_of, policy
from tests.support.wrong_policies import wrong_policies

TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


@pytest.fixture
async def east(world: World) -> Api:
    """A cluster that serves both kinds."""
    await world.install("east", definitions())
    return world.api("east")


async def test_the_api_server_takes_what_the_project_shows(east: Api, namespace: str) -> None:
    """Nothing is dropped, refused or added."""
    for each in [*documents(), policy(namespace)]:
        cluster_wide = each["kind"] == "HealthRule"
        path = f"{GROUP}/healthrules" if cluster_wide else policies_of(namespace)
        place = {} if cluster_wide else {"namespace": namespace}
        sent = {**each, "metadata": {**each["metadata"], **place}}
        params = {"fieldValidation": "Strict", "dryRun": "All"}
        answer = await east.request("POST", path, body=sent, params=params)
        assert answer["spec"] == sent["spec"]


async def test_what_is_wrong_is_refused_with_words(east: Api, namespace: str) -> None:
    """What fields say together as well as alone; the message names the place, and what to do."""
    for name, (manifest, said) in wrong_policies(namespace).items():
        with pytest.raises(ApiError) as refused:
            await east.create(policies_of(namespace), manifest)
        assert refused.value.status == 422, name
        assert re.search(said, str(refused.value)), (name, str(refused.value))
    unknown = changed(policy(namespace), "spec.failover.application.budget", {"max": 3})
    with pytest.raises(ApiError, match=r"unknown field .*budget"):
        await east.request(
            "POST", policies_of(namespace), body=unknown, params={"fieldValidation": "Strict"}
        )


async def test_columns_show_what_counts(east: Api, namespace: str) -> None:
    """As `kubectl get` asks for them; empty until somebody has taken the object up."""
    made = await east.create(policies_of(namespace), policy(namespace))
    columns = await shown(east, namespace)
    assert columns == {
        "Name": "orders", "Mode": None, "Purge": None, "Toleration": None,
        "Applications": None, "Ready": None, "Age": columns["Age"],
    }  # fmt: skip
    ready = {
        "type": "Ready", "status": "True", "reason": "InForce", "message": "",
        "lastTransitionTime": "2026-11-27T04:00:00Z",
    }  # fmt: skip
    made["status"] = {
        "mode": "Automatic", "purgeMode": "Directly", "tolerationSeconds": 300,
        "applications": "FlinkDeployment/orders", "conditions": [ready],
    }  # fmt: skip
    await east.replace(f"{policies_of(namespace)}/orders/status", made)
    columns = await shown(east, namespace)
    assert list(columns.values())[:-1] == [
        "orders", "Automatic", "Directly", 300, "FlinkDeployment/orders", "True",
    ]  # fmt: skip


async def shown(api: Api, namespace: str) -> dict[str, Any]:
    """The one row of the table."""
    table = await api.request("GET", policies_of(namespace), headers=TABLE)
    (row,) = table["rows"]
    names = [each["name"] for each in table["columnDefinitions"]]
    return dict(zip(names, row["cells"], strict=True))
