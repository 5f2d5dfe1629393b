"""Argo CD is told where applications live: by the newest record, or not at all."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from failover.domain.errors import ClusterUnreachable, FailoverError, UnknownKind
from failover.domain.identity import ApplicationRef, GroupKind
from failover.domain.manifest import Manifest
from failover.domain.record import Record, to_secrets
from failover.domain.topology import ClusterFacts
from failover.fleet import Cluster, Resource
from tests.support.objects import flink
from triggers.generating import Generator, MalformedQuestion
from triggers.homes import ClustersHidden, Homes

STATE = {"resourcebinding.karmada.io/failover-jobid": "fa4e"}


def orders(name: str = "orders", namespace: str = "shop") -> ApplicationRef:
    """An application."""
    return ApplicationRef(
        group="flink.apache.org", kind="FlinkDeployment", namespace=namespace, name=name
    )


class RecordingCluster:
    """A cluster that has records and objects."""

    def __init__(self, name: str) -> None:
        """Nothing is there."""
        self.name = name
        self.records: list[Manifest] = []
        self.objects: dict[str, Manifest] = {}
        self.error: FailoverError | None = None
        self.lists = 0

    def remember(
        self, app: ApplicationRef, generation: int, home: str, *, is_open: bool = False
    ) -> None:
        """A record."""
        head, _ = to_secrets(Record(application=app, generation=generation, home=home, state=STATE))
        if is_open:
            head["metadata"]["annotations"]["stateful-failover.dev/parts"] = '["digest"]'
        self.records.append(head)

    def show(self, name: str) -> None:
        """An object."""
        manifest = flink()
        manifest["metadata"] |= {"name": name, "creationTimestamp": "2026-11-27T10:41:00Z"}
        self.objects[name] = manifest

    async def list(self, *_: Any, **__: Any) -> list[Manifest]:
        """The records."""
        self.lists += 1
        if self.error is not None:
            raise self.error
        return self.records

    async def find(self, _kind: GroupKind, _namespace: str, name: str) -> Manifest | None:
        """An object."""
        if self.error is not None:
            raise self.error
        return self.objects.get(name)

    async def lookup(self, word: str) -> Resource:
        """The one kind that there is."""
        if not word.startswith("FlinkDeployment"):
            raise UnknownKind(f"no {word}")
        kind = ("flink.apache.org", "v1beta1", "FlinkDeployment", "flinkdeployments")
        return Resource(*kind, namespaced=True, verbs=frozenset())


class Stage:
    """Three clusters, and who answers."""

    name = "seen"

    def __init__(self) -> None:
        """Nothing is on any."""
        self.east, self.west, self.north = map(RecordingCluster, ("east", "west", "north"))
        self.facts = tuple(ClusterFacts(name=name) for name in ("east", "west", "north"))
        self.generator = Generator(Homes(self), {"west": "https://west:6443"})

    def cluster(self, name: str) -> Cluster:
        """One by name."""
        return cast("Cluster", getattr(self, name))

    async def ask(self, **parameters: str) -> list[dict[str, Any]]:
        """A question of Argo CD."""
        question = {"applicationSetName": "orders", "input": {"parameters": parameters}}
        answer = await self.generator.answer(json.dumps(question).encode())
        return cast("list[dict[str, Any]]", answer["output"]["parameters"])


async def test_the_newest_record_says_where_it_lives() -> None:
    """With its state, its generation, the server and since when."""
    stage = Stage()
    stage.east.remember(orders(), 1, "east")
    stage.west.remember(orders(), 2, "west")
    stage.west.show("orders")
    assert await stage.ask(name="orders") == [
        {
            "cluster": "west",
            "server": "https://west:6443",
            "namespace": "shop",
            "kind": "FlinkDeployment",
            "group": "flink.apache.org",
            "name": "orders",
            "since": "2026-11-27T10:41:00Z",
            "generation": "2",
            "moving": "false",
            "labels": STATE,
        }
    ]


async def test_the_application_set_of_the_page_gets_what_it_asks_for() -> None:
    """Its parameters are known, and its template uses what an answer has."""
    page = (Path(__file__).parents[3] / "docs/gitops.md").read_text()
    blocks = [yaml.safe_load(each) for each in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    (shown,) = (each for each in blocks if each["kind"] == "ApplicationSet")
    (generator,) = shown["spec"]["generators"]
    (config,) = (each for each in blocks if each["kind"] == "ConfigMap")
    assert generator["plugin"]["configMapRef"]["name"] == config["metadata"]["name"]
    stage = Stage()
    stage.west.remember(orders(), 2, "west")
    (found,) = await stage.ask(**generator["plugin"]["input"]["parameters"])
    used = set(re.findall(r"{{ \.(\w+) }}", json.dumps(shown["spec"]["template"])))
    assert used
    assert used <= set(found)


async def test_while_it_moves_it_lives_where_it_was() -> None:
    """Nothing goes to the new home before the move is finished."""
    stage = Stage()
    for cluster in (stage.east, stage.west):
        cluster.remember(orders(), 3, "east", is_open=True)
    (found,) = await stage.ask()
    assert (found["cluster"], found["moving"]) == ("east", "true")
    stage = Stage()
    stage.east.remember(orders(), 3, "east", is_open=True)
    stage.west.remember(orders(), 3, "west")
    (found,) = await stage.ask()
    assert (found["cluster"], found["moving"]) == ("west", "false")


async def test_only_those_that_are_meant_are_told() -> None:
    """By name, namespace and kind; without any, all that have a record."""
    stage = Stage()
    for name, namespace in (("a", "shop"), ("b", "shop"), ("a", "bills")):
        stage.east.remember(orders(name, namespace), 1, "east")
    assert len(await stage.ask()) == 3
    assert len(await stage.ask(namespace="shop")) == 2
    assert len(await stage.ask(name="a", namespace="bills", kind="FlinkDeployment")) == 1
    assert await stage.ask(kind="Deployment.apps") == []
    assert stage.east.lists == 1, "what was read a moment ago is not read again"


async def test_one_that_never_moved_is_where_its_object_is() -> None:
    """Asked for by its full name, it needs no record."""
    stage = Stage()
    stage.north.show("orders")
    asked = {"name": "orders", "namespace": "shop", "kind": "FlinkDeployment.flink.apache.org"}
    (found,) = await stage.ask(**asked)
    assert (found["cluster"], found["generation"]) == ("north", "0")
    assert await stage.ask(**{**asked, "name": "others"}) == []


async def test_one_silent_cluster_hides_nothing_two_hide_everything() -> None:
    """An empty answer would take Applications away: then there is none."""
    stage = Stage()
    stage.west.remember(orders(), 2, "west")
    stage.east.error = ClusterUnreachable("no answer")
    (found,) = await stage.ask()
    assert found["cluster"] == "west"
    stage = Stage()
    stage.west.error = stage.east.error = ClusterUnreachable("no answer")
    with pytest.raises(ClustersHidden, match="east and west"):
        await stage.ask()


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"input": {"parameters": {"nmae": "x"}}}', b'{"input": {"parameters": {"name": 1}}}']
)  # fmt: skip
async def test_a_question_that_is_none_is_refused(body: bytes) -> None:
    """A misspelt selector must not mean every application."""
    with pytest.raises(MalformedQuestion):
        await Stage().generator.answer(body)
