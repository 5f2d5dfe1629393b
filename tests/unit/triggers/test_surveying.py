"""A survey lists kinds, never single applications, and says what it could not see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from failover.domain.errors import ClusterUnreachable, FailoverError, Forbidden, UnknownKind
from failover.domain.health import HealthStatus
from failover.domain.identity import ApplicationRef, GroupKind
from failover.domain.manifest import Manifest
from failover.domain.topology import ClusterFacts
from failover.fleet import Fleet
from tests.support.health.cases import KILLED, NO_IMAGE, replica_set
from tests.support.health.kubernetes import DONE, deploy
from tests.support.objects import flink, job_manager
from triggers.surveying import NAMESPACES_MAX, Rules, Survey, survey

KIND = GroupKind("apps.example.org", "Store")


class Listed:
    """A cluster that answers lists, and counts them."""

    def __init__(self, name: str, *objects: Manifest, error: FailoverError | None = None) -> None:
        self.name, self.error = name, error
        self.objects = objects
        self.lists: list[tuple[str, str]] = []

    async def sift(
        self, kind: GroupKind, keep: Callable[[Manifest], Any], namespace: str = "", **_how: Any
    ) -> Sequence[Any]:
        """What `keep` makes of each object of the kind."""
        self.lists.append((kind.kind, namespace))
        if self.error is not None and (not namespace or not isinstance(self.error, Forbidden)):
            raise self.error
        found = (each for each in self.objects if GroupKind.of(each) == kind)
        return [keep(each) for each in found if namespace in {"", each["metadata"]["namespace"]}]


class ListedFleet:
    """Such clusters."""

    name = "listed"

    def __init__(self, *clusters: Listed) -> None:
        self.facts = tuple(ClusterFacts(name=each.name) for each in clusters)
        self._clusters = {each.name: each for each in clusters}

    def cluster(self, name: str) -> Any:
        """One by name."""
        return self._clusters[name]


def ref(name: str, namespace: str = "shop") -> ApplicationRef:
    """A store under protection."""
    return ApplicationRef(group=KIND.group, kind=KIND.kind, namespace=namespace, name=name)


def store(name: str, namespace: str = "shop", *, ready: str = "True") -> Manifest:
    """A store that says whether it is ready."""
    return {
        "apiVersion": "apps.example.org/v1",
        "kind": "Store",
        "metadata": {"name": name, "namespace": namespace, "uid": f"uid-{namespace}-{name}"},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


def of(*applications: ApplicationRef) -> Rules:
    """These are protected, each judged by the catalogue."""
    return dict.fromkeys(applications)


async def surveyed(rules: Rules, *clusters: Listed) -> Survey:
    """What a survey sees."""
    return await survey(cast("Fleet", ListedFleet(*clusters)), rules)


async def test_a_namespace_is_listed_once_whatever_is_in_it() -> None:
    """What is not protected is not kept."""
    names = [f"s{number}" for number in range(300)]
    east = Listed("east", *(store(name) for name in names), store("other"))
    found = await surveyed(of(*map(ref, names)), east)
    assert sorted(east.lists) == [("Secret", "failover-system"), ("Store", "shop")]
    assert len(found.copies) == len(names)
    assert not found.errors


async def test_many_namespaces_are_listed_at_once() -> None:
    """So that their number does not count; where that is forbidden, one by one."""
    spaces = [f"n{number}" for number in range(NAMESPACES_MAX + 1)]
    rules = of(*(ref("s", each) for each in spaces))
    objects = [store("s", each, ready="False") for each in spaces]
    free, narrow = Listed("east", *objects), Listed("west", *objects, error=Forbidden("no"))
    found = await surveyed(rules, free, narrow)
    assert [each for each in free.lists if each[0] == "Store"] == [("Store", "")]
    assert len(narrow.lists) == 2 + len(spaces)
    copies = found.of(ref("s", "n3")).copies
    assert {each.cluster for each in copies} == {"east", "west"}
    assert {each.health.status for each in copies} == {HealthStatus.UNHEALTHY}


@pytest.mark.parametrize(
    ("error", "blind"),
    [
        pytest.param(ClusterUnreachable("no answer"), {"west"}, id="no answer"),
        pytest.param(UnknownKind("no such kind"), set[str](), id="not served"),
    ],
)
async def test_a_cluster_that_is_not_seen_is_told(error: FailoverError, blind: set[str]) -> None:
    """A kind that is not served is not there, which is known."""
    found = await surveyed(of(ref("s")), Listed("east", store("s")), Listed("west", error=error))
    assert found.of(ref("s")).blind == blind
    assert [each.cluster for each in found.of(ref("s")).copies] == ["east"]
    assert found.errors[error.reason] >= 1


def named(kind: str, name: str, namespace: str = "shop") -> ApplicationRef:
    """A Deployment, or a FlinkDeployment, under protection."""
    group = {"Deployment": "apps", "FlinkDeployment": "flink.apache.org"}[kind]
    return ApplicationRef(group=group, kind=kind, namespace=namespace, name=name)


@pytest.mark.parametrize(
    ("pods", "reason"), [(NO_IMAGE, "UserError"), (KILLED, "NoReplicaAvailable")]
)
async def test_pods_say_whose_fault_an_illness_is(pods: Manifest, reason: str) -> None:
    """One list more for each level; the pods of others are left alone."""
    other = {**replica_set(2, NO_IMAGE, owner="uid-other")[0]}
    east = Listed("east", deploy(0, DONE, "False"), other, *replica_set(1, pods))
    app = named("Deployment", "it")
    found = await surveyed(of(app), east)
    assert [each.health.reason for each in found.copies[app]] == [reason]
    assert [kind for kind, _ in east.lists if kind != "Secret"] == ["Deployment", "ReplicaSet", "Pod"]  # fmt: skip


async def test_a_job_managers_pods_are_found_three_levels_down() -> None:
    """By its Deployment."""
    manager = job_manager(0)
    manager["metadata"]["uid"] = "uid-manager"
    east = Listed("east", flink(), manager, *replica_set(1, NO_IMAGE, owner="uid-manager"))
    app = named("FlinkDeployment", "orders")
    found = await surveyed(of(app), east)
    assert [each.health.reason for each in found.copies[app]] == ["UserError"]


async def test_nothing_is_listed_for_those_that_are_well() -> None:
    """Pods of a whole namespace are not read for nothing."""
    east = Listed("east", deploy(3, DONE), *replica_set(1, NO_IMAGE))
    await surveyed(of(named("Deployment", "it")), east)
    assert [kind for kind, _ in east.lists if kind != "Secret"] == ["Deployment"]
