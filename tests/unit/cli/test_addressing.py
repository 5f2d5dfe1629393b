"""Which application `KIND/NAME` means, as the clusters know kinds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import pytest

from cli.addressing import parse, resolve
from failover.domain.errors import (
    ClusterUnreachable,
    FailoverError,
    Forbidden,
    InvalidInput,
    UnknownKind,
)
from failover.domain.topology import ClusterFacts
from failover.fleet import Cluster, Fleet, Resource

FLINK = Resource("flink.apache.org", "v1", "FlinkDeployment", "flinkdeployments", True, frozenset())
NODE = Resource("", "v1", "Node", "nodes", False, frozenset())


@dataclass
class Speaking:
    """A cluster that answers every word alike; `None`: it never answers."""

    answer: Resource | FailoverError | None

    async def lookup(self, word: str) -> Resource:
        """The answer to every word."""
        del word
        if self.answer is None:
            await asyncio.Event().wait()
        if isinstance(self.answer, FailoverError):
            raise self.answer
        assert self.answer is not None
        return self.answer


@dataclass
class Speakers:
    """A fleet of them."""

    clusters: Mapping[str, Speaking]
    name: str = "test"

    @property
    def facts(self) -> tuple[ClusterFacts, ...]:
        """Their names."""
        return tuple(ClusterFacts(name=name) for name in self.clusters)

    def cluster(self, name: str) -> Cluster:
        """One of them."""
        return cast("Cluster", self.clusters[name])


def fleet(**answers: Resource | FailoverError | None) -> Fleet:
    """A fleet whose clusters answer so."""
    return cast("Fleet", Speakers({name: Speaking(answer) for name, answer in answers.items()}))


@pytest.mark.parametrize("typed", ["", "orders", "/orders", "flink/", "a/b/c", " / "])
def test_a_word_without_kind_or_name_is_bad_input(typed: str) -> None:
    """The message says what it should look like."""
    with pytest.raises(InvalidInput, match="KIND/NAME"):
        parse(typed)


async def test_the_first_cluster_that_knows_the_kind_is_enough() -> None:
    """One that never answers, and one that does not know it, hinder nothing."""
    found = await resolve(fleet(a=None, b=UnknownKind("no"), c=FLINK), "flinkdep/orders", "shop")
    assert found.key == "shop/FlinkDeployment.flink.apache.org/orders"


async def test_a_kind_without_namespaces_has_none() -> None:
    """`-n` is not part of a cluster-scoped application."""
    assert (await resolve(fleet(a=NODE), "node/one", "shop")).namespace == ""


async def test_an_unknown_kind_names_the_clusters_that_were_asked() -> None:
    """So that a person sees whether the right fleet was meant."""
    with pytest.raises(UnknownKind, match="looked on: a, b"):
        await resolve(fleet(a=UnknownKind("no"), b=UnknownKind("no")), "wat/orders", "shop")


async def test_a_silent_cluster_is_not_a_missing_kind() -> None:
    """What nobody could ask is not reported as unknown."""
    answers = fleet(a=UnknownKind("no"), b=ClusterUnreachable("b gives no answer"))
    with pytest.raises(ClusterUnreachable, match="b gives no answer"):
        await resolve(answers, "flinkdep/orders", "shop")


async def test_where_no_cluster_answers_each_is_named() -> None:
    """With the command that looks at them; what may pass counts as what may pass."""
    answers = fleet(a=Forbidden("a says no"), b=ClusterUnreachable("b gives no answer"))
    with pytest.raises(ClusterUnreachable, match=r"a says no; b gives no answer.*failover doctor"):
        await resolve(answers, "flinkdep/orders", "shop")
