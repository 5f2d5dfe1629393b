"""Every verb of a cluster, on a real API server: what it does, and how it fails."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from failover.domain.errors import (
    AlreadyExists,
    Conflict,
    Invalid,
    InvalidInput,
    NotFound,
    UnknownCluster,
    UnknownKind,
)
from failover.fleet import Cluster, Fleet
from failover.kube import listing
from failover.kube.cluster import KubeCluster
from failover.kube.fleet import KubeFleet
from tests.integration.kube.objects import (
    CONFIG_MAP,
    DEPLOYMENT,
    FLINK,
    NAMESPACE,
    NO_SUCH_KIND,
    SECRET,
    config_map,
    flink_deployment,
)

CANARY = "canary-7d1f"


def test_fleet_keeps_the_protocol(fleet: KubeFleet) -> None:
    """The real fleet and its clusters can stand wherever the port is asked for."""
    port: Fleet = fleet
    cluster: Cluster = port.cluster("east")
    assert (port.name, cluster.name) == (fleet.name, "east")
    assert [facts.name for facts in port.facts] == ["east", "west", "north"][: len(port.facts)]


def test_unknown_cluster_names_those_that_exist(fleet: KubeFleet) -> None:
    """A misspelt cluster is answered with the right ones."""
    with pytest.raises(UnknownCluster, match=r"no cluster 'aest'; it has: east, west"):
        fleet.cluster("aest")


async def test_uid_is_that_of_kube_system(fleet: KubeFleet) -> None:
    """Each cluster has an identity of its own, which does not change."""
    uids = [await fleet.cluster(name).uid() for name in ("east", "west", "east")]
    assert uids[0] == uids[2] != uids[1]


async def test_created_object_can_be_read(east: KubeCluster, namespace: str) -> None:
    """What was created is there, with our field manager, and is found by get, find and list."""
    created = await east.create(config_map(namespace, "one", a="1"))
    assert created["metadata"]["managedFields"][0]["manager"] == "stateful-failover"
    assert await east.get(CONFIG_MAP, namespace, "one") == created
    assert await east.find(CONFIG_MAP, namespace, "one") == created
    assert created in await east.list(CONFIG_MAP, namespace)


async def test_dry_run_leaves_nothing(east: KubeCluster, namespace: str) -> None:
    """A dry-run is admitted and answered, and nothing is stored."""
    answer = await east.create(flink_deployment(namespace, "orders"), dry_run=True)
    assert answer["metadata"]["uid"]
    assert await east.find(FLINK, namespace, "orders") is None


async def test_second_create_says_already_exists(east: KubeCluster, namespace: str) -> None:
    """A name that is taken is told from a write that lost a race."""
    await east.create(config_map(namespace, "one"))
    with pytest.raises(AlreadyExists, match=f"create ConfigMap {namespace}/one on east"):
        await east.create(config_map(namespace, "one"))


async def test_stale_replace_is_a_conflict(east: KubeCluster, namespace: str) -> None:
    """Compare-and-swap: only the writer that saw the last version wins."""
    first = await east.create(config_map(namespace, "one", a="1"))
    second = await east.replace({**first, "data": {"a": "2"}})
    assert second["data"] == {"a": "2"}
    with pytest.raises(Conflict, match="has changed in between"):
        await east.replace({**first, "data": {"a": "3"}})
    with pytest.raises(InvalidInput, match="resourceVersion is missing"):
        await east.replace(config_map(namespace, "one", a="4"))


async def test_object_that_is_not_there(east: KubeCluster, namespace: str) -> None:
    """An object that is not there is NotFound in every verb, and None only for find."""
    for action in (
        east.get(CONFIG_MAP, namespace, "none"),
        east.delete(CONFIG_MAP, namespace, "none", uid="x"),
        east.patch(CONFIG_MAP, namespace, "none", [{"op": "test", "path": "/kind", "value": ""}]),
    ):
        with pytest.raises(NotFound, match=f"ConfigMap {namespace}/none on east: it is not there"):
            await action
    assert await east.find(CONFIG_MAP, namespace, "none") is None
    assert await east.find(CONFIG_MAP, "no-such-namespace", "none") is None
    assert await east.list(CONFIG_MAP, "no-such-namespace") == []


async def test_missing_namespace_is_named(east: KubeCluster) -> None:
    """A create in a namespace that is not there says that it is the namespace."""
    with pytest.raises(NotFound, match="no namespace 'no-such-namespace'") as caught:
        await east.create(config_map("no-such-namespace", "one"))
    assert caught.value.reason == "NamespaceNotFound"


async def test_unknown_kind_is_never_not_found(east: KubeCluster, namespace: str) -> None:
    """A kind that the cluster does not serve is never taken for an absent object."""
    with pytest.raises(UnknownKind, match=r"serves no kind Nothing.example.test"):
        await east.find(NO_SUCH_KIND, namespace, "one")
    manifest = {**flink_deployment(namespace, "x"), "apiVersion": "flink.apache.org/v9"}
    with pytest.raises(
        UnknownKind, match=r"as flink.apache.org/v1beta1, not as flink.apache.org/v9"
    ):
        await east.create(manifest)


async def test_patch_changes_what_it_has_tested(east: KubeCluster, namespace: str) -> None:
    """A JSON patch acts if its tests hold, and is a conflict that changes nothing if not."""
    created = await east.create(config_map(namespace, "one", a="1"))
    right = {"op": "test", "path": "/metadata/uid", "value": created["metadata"]["uid"]}
    change = {"op": "replace", "path": "/data/a", "value": "2"}
    patched = await east.patch(CONFIG_MAP, namespace, "one", [right, change])
    assert patched["data"] == {"a": "2"}
    with pytest.raises(Conflict, match="no longer what the patch expects"):
        await east.patch(CONFIG_MAP, namespace, "one", [{**right, "value": "other"}, change])
    gone = {"op": "remove", "path": "/metadata/labels/alias"}
    with pytest.raises(Conflict):
        await east.patch(CONFIG_MAP, namespace, "one", [gone])


async def test_patch_into_nonsense_is_invalid(east: KubeCluster, namespace: str) -> None:
    """A patch whose outcome the API server refuses is Invalid, not a conflict."""
    await east.create(config_map(namespace, "one", a="1"))
    bad = [{"op": "add", "path": "/metadata/labels", "value": {"a": "not a label!"}}]
    with pytest.raises(Invalid, match=r"metadata.labels"):
        await east.patch(CONFIG_MAP, namespace, "one", bad)


async def test_delete_keeps_its_preconditions(east: KubeCluster, namespace: str) -> None:
    """Only the incarnation and version that was looked at is deleted."""
    created = (await east.create(config_map(namespace, "one")))["metadata"]
    with pytest.raises(Conflict):
        await east.delete(CONFIG_MAP, namespace, "one", uid="another")
    with pytest.raises(Conflict):
        await east.delete(CONFIG_MAP, namespace, "one", uid=created["uid"], resource_version="1")
    await east.delete(
        CONFIG_MAP,
        namespace,
        "one",
        uid=created["uid"],
        resource_version=created["resourceVersion"],
    )
    assert await east.find(CONFIG_MAP, namespace, "one") is None


async def test_refusal_names_fields_and_keeps_values(east: KubeCluster, namespace: str) -> None:
    """An invalid object is answered with the fields at fault, never with the values in them."""
    container = {
        "name": CANARY.upper() + "_",
        "image": "x",
        "env": [{"name": f"{CANARY}=", "value": "v"}],
    }
    labels = {"matchLabels": {"a": "b"}}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container]}}
    metadata = {"namespace": namespace, "name": "bad"}
    spec = {"replicas": -7, "selector": labels, "template": template}
    manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
    with pytest.raises(Invalid) as caught:
        await east.create(manifest, dry_run=True)
    message = caught.value.message
    assert "try to create Deployment" in message
    assert "spec.replicas: Invalid value: must be greater than or equal to 0" in message
    assert CANARY not in message.lower()
    assert "-7" not in message


async def test_unknown_field_is_refused(east: KubeCluster, namespace: str) -> None:
    """A field that the cluster would drop silently is an error."""
    manifest: dict[str, Any] = {**config_map(namespace, "one"), "dta": {}}
    with pytest.raises(Invalid, match='unknown field "dta"'):
        await east.create(manifest)


async def test_refused_secret_is_not_quoted(east: KubeCluster, namespace: str) -> None:
    """Nothing of a Secret gets into an error, not even what the API server quotes."""
    metadata = {"namespace": namespace, "name": "s", "labels": {"a": f"{CANARY} !"}}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
    for extra in (
        {"stringData": {f"{CANARY} !": CANARY}},
        {"data": {"a": CANARY + "!"}},
        {"x": CANARY},
    ):
        with pytest.raises(Invalid) as caught:
            await east.create({**secret, **extra})
        assert CANARY not in caught.value.message
    assert await east.find(SECRET, namespace, "s") is None


async def test_list_reads_all_pages(
    east: KubeCluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However small the pages, a list is whole, and its items know their kind."""
    monkeypatch.setattr(listing, "PAGE_SIZE", 7)
    names = {f"item-{number}" for number in range(30)}
    await asyncio.gather(*(east.create(config_map(namespace, name)) for name in names))
    found = await east.list(CONFIG_MAP, namespace)
    assert {item["metadata"]["name"] for item in found} >= names
    assert {(item["apiVersion"], item["kind"]) for item in found} == {("v1", "ConfigMap")}


async def test_list_by_selectors(east: KubeCluster, namespace: str) -> None:
    """Selectors reach the API server, with whatever characters they hold."""
    wanted = config_map(namespace, "one")
    wanted["metadata"]["labels"] = {"example.test/app": "orders"}
    await east.create(wanted)
    await east.create(config_map(namespace, "two"))
    by_label = await east.list(
        CONFIG_MAP, namespace, label_selector="example.test/app in (orders,x)"
    )
    by_field = await east.list(CONFIG_MAP, namespace, field_selector="metadata.name=two")
    assert [item["metadata"]["name"] for item in by_label + by_field] == ["one", "two"]


async def test_allowed_knows_what_an_admin_may(east: KubeCluster, namespace: str) -> None:
    """The admin of the world may do everything, in one namespace and in all."""
    assert await east.allowed(DEPLOYMENT, "delete", namespace)
    assert await east.allowed(NAMESPACE, "create")


async def test_many_requests_at_once_stay_in_bounds(east: KubeCluster, namespace: str) -> None:
    """Two hundred simultaneous requests all succeed."""
    answers = await asyncio.gather(*(east.list(CONFIG_MAP, namespace) for _ in range(200)))
    assert len(answers) == 200
