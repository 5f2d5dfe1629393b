"""The words that people use for kinds, against what a real API server says that it serves."""

from __future__ import annotations

import pytest

from failover.domain.errors import InvalidInput, UnknownKind
from failover.domain.identity import GroupKind
from failover.kube import discovery
from failover.kube.cluster import KubeCluster
from failover.kube.discovery import discover


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        pytest.param("deploy", "Deployment.apps", id="short name"),
        pytest.param("deployments", "Deployment.apps", id="plural"),
        pytest.param("Deployment", "Deployment.apps", id="kind"),
        pytest.param("deployments.apps", "Deployment.apps", id="plural with group"),
        pytest.param("flinkdeployment", "FlinkDeployment.flink.apache.org", id="singular"),
        pytest.param(
            "FlinkDeployment.flink.apache.org", "FlinkDeployment.flink.apache.org", id="with group"
        ),
        pytest.param(
            "flinkdeployments.v1beta1.flink.apache.org",
            "FlinkDeployment.flink.apache.org",
            id="with version and group",
        ),
        pytest.param("po", "Pod", id="core short name"),
        pytest.param("events", "Event", id="core before another group"),
        pytest.param("events.events.k8s.io", "Event.events.k8s.io", id="the other group"),
    ],
)
async def test_word_means_kind(east: KubeCluster, word: str, kind: str) -> None:
    """Every spelling that kubectl takes leads to the same kind."""
    assert str((await east.lookup(word)).group_kind) == kind


@pytest.mark.parametrize("word", ["", "nothing", "deployments.flink.apache.org"])
async def test_word_for_nothing(east: KubeCluster, word: str) -> None:
    """A word that means nothing is an unknown kind."""
    with pytest.raises(UnknownKind, match="serves no kind"):
        await east.lookup(word)


async def test_ambiguous_word_lists_the_candidates(east: KubeCluster) -> None:
    """A word for kinds of several groups is answered with the longer words for each."""
    found = await discover(east._connection)
    deployment = found.preferred[GroupKind("apps", "Deployment")]
    twin = discovery.Served(
        type(deployment.resource)(
            "other.test", "v1", "Deployment", "deployments", True, frozenset()
        ),
        "",
    )
    both = discovery.Discovery("east", (*found.served, twin), frozenset())
    with pytest.raises(InvalidInput, match=r"say which: deployments.apps, deployments.other.test"):
        both.lookup("deployment")


async def test_one_by_one_finds_the_same(
    east: KubeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An API server that cannot aggregate its discovery is read group by group, to the same end."""
    at_once = await discover(east._connection)
    monkeypatch.setattr(discovery, "_AGGREGATED", "application/json")
    one_by_one = await discover(east._connection)
    assert one_by_one.preferred == at_once.preferred
    assert len(at_once.preferred) > 50
    assert not at_once.silent_groups


async def test_resource_knows_its_verbs(east: KubeCluster) -> None:
    """What a kind allows and where it lives come with it."""
    deployment = await east.resource(GroupKind("apps", "Deployment"))
    node = await east.resource(GroupKind("", "Node"))
    assert {"get", "list", "watch", "create", "patch", "delete"} <= deployment.verbs
    assert (deployment.namespaced, node.namespaced) == (True, False)
    assert "deploy" in deployment.short_names
    assert deployment in await east.resources()
