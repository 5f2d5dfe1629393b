"""A good state is written over closed records only, exactly as they were read, and on two clusters."""

from __future__ import annotations

import contextvars
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from activities import attempts, keeping
from activities.attempts import Attempt
from failover.domain.application import KeepAnswer, KeepRequest, KeptState
from failover.domain.errors import ClusterUnreachable, Conflict, FailoverError
from failover.domain.identity import GroupKind, record_name
from failover.domain.manifest import Manifest
from failover.domain.policy.reading import read_policies
from failover.domain.record import Move, Record, from_secrets, generation_of, to_secrets
from failover.domain.states import StateGeneration
from failover.domain.topology import ClusterFacts
from failover.fleet import Cluster, Fleet
from tests.support.objects import flink
from tests.support.orders import ORDERS
from tests.unit.domain.test_handing_on import POLICY, good

ORIGINAL = {**flink(), "status": {"jobStatus": {"jobId": "a"}}}


class FakeCluster:
    """Holds one record and one object; a replace needs the resourceVersion that is there."""

    def __init__(
        self, name: str, record: Record | None = None, manifest: Manifest | None = None
    ) -> None:
        self.name, self.manifest = name, manifest
        self.head = to_secrets(record)[0] if record is not None else None
        self.version = 1
        self.fails: FailoverError | None = None
        self.before_replace: Record | None = None
        """What somebody else writes just before."""

    async def find(self, kind: GroupKind, _namespace: str, name: str) -> Manifest | None:
        """The record, or the object."""
        if self.fails is not None:
            raise self.fails
        if kind.kind != "Secret":
            return self.manifest
        assert name == record_name(ORDERS)
        if self.head is None:
            return None
        meta = {**self.head["metadata"], "resourceVersion": str(self.version), "uid": "u"}
        return {**self.head, "metadata": meta}

    async def create(self, secret: Manifest) -> None:
        """A first record."""
        assert self.head is None
        self.head = secret

    async def replace(self, secret: Manifest) -> None:
        """Another one in its place."""
        if self.before_replace is not None:
            self.head, self.version = to_secrets(self.before_replace)[0], self.version + 1
        if secret["metadata"]["resourceVersion"] != str(self.version):
            raise Conflict("it has changed")
        self.head, self.version = secret, self.version + 1

    @property
    def record(self) -> Record | None:
        """What it holds by now."""
        return from_secrets(ORDERS, self.head, {}) if self.head is not None else None


class FakeFleet:
    """These clusters, in this order."""

    def __init__(self, *clusters: FakeCluster) -> None:
        self.clusters = {each.name: each for each in clusters}
        self.facts = tuple(ClusterFacts(name=each.name) for each in clusters)

    def cluster(self, name: str) -> Cluster:
        """One of them."""
        return cast("Cluster", self.clusters[name])


@pytest.fixture(autouse=True)
def attempt() -> Iterator[None]:
    """An attempt that is alive."""
    token: contextvars.Token[Attempt] = attempts._current.set(cast("Attempt", Alive()))
    yield
    attempts._current.reset(token)


class Alive:
    """Never given up."""

    wrote = False

    def check(self) -> None:
        """Go on."""


async def kept(*clusters: FakeCluster, generation: int = 0, **changes: Any) -> KeepAnswer:
    """Keep generation 4 of the state, job a, of orders on the first cluster."""
    request = KeepRequest(
        application=ORDERS,
        home="east",
        generation=generation,
        good=good(job="a"),
        policy=read_policies(POLICY, "p").policies[0],
    ).model_copy(update=changes)
    return await keeping.keep(cast("Fleet", FakeFleet(*clusters)), request)


def closed(generation: int, kept: StateGeneration | None = None, **more: Any) -> Record:
    """A record whose move is over."""
    return Record(
        application=ORDERS, generation=generation, claim="run.1", home="east", good=kept, **more
    )


def opened(generation: int) -> Record:
    """A record whose move is under way."""
    move = Move(
        failover="f", run="r", purge_mode="Directly", source="east", source_uid="u",
        source_cluster_uid="c", target="west", original=ORIGINAL, rendered=ORIGINAL,
    )  # fmt: skip
    return Record(application=ORDERS, generation=generation, claim="run.2", home="east", move=move)


async def test_on_its_home_and_on_one_other_with_the_manifest() -> None:
    """The second one answers in place of the first; what servers write is left out."""
    east, west, north = (
        FakeCluster("east", manifest=ORIGINAL),
        FakeCluster("west"),
        FakeCluster("north"),
    )
    west.fails = ClusterUnreachable("west is away")
    answer = await kept(east, west, north)
    assert answer.kept == KeptState(number=4, home="east", elsewhere="north")
    for each in (east, north):
        assert each.record is not None
        assert (each.record.good, each.record.is_open) == (good(job="a"), False)
    assert east.record is not None
    assert east.record.standing is None
    assert north.record is not None
    assert north.record.standing is not None
    assert north.record.standing["spec"] == ORIGINAL.get("spec", {})
    assert "status" not in north.record.standing


async def test_everything_else_in_a_record_stays() -> None:
    """Generation, claim, home and state of the last move."""
    before = closed(3, good(job="old"), state={"job": "old"})
    east = FakeCluster("east", before, ORIGINAL)
    answer = await kept(east, FakeCluster("west", closed(2)), generation=3)
    assert answer.kept is not None
    assert east.record == before.model_copy(update={"good": good(job="a")})
    assert east.head is not None
    assert generation_of(east.head) == 3


@pytest.mark.parametrize(
    ("east", "west", "why"),
    [
        pytest.param(opened(3), None, "under way", id="a move is open at home"),
        pytest.param(closed(2), opened(3), "under way", id="a move is open elsewhere"),
        pytest.param(closed(4), None, "generation 4", id="a newer move was made"),
        pytest.param(closed(3, good(job="a").model_copy(update={"number": 5})), None, "generation 5", id="a newer state"),
    ],
)  # fmt: skip
async def test_nothing_is_written_over_what_is_newer_or_open(
    east: Record, west: Record | None, why: str
) -> None:
    """It is tried again later."""
    home, other = FakeCluster("east", east, ORIGINAL), FakeCluster("west", west)
    answer = await kept(home, other, generation=3)
    assert answer.kept is None
    assert why in answer.why
    assert (home.record, other.record) == (east, west)


async def test_a_move_that_is_staged_at_the_same_time_wins() -> None:
    """The record has changed since it was read, so it is not written over."""
    east = FakeCluster("east", closed(3), ORIGINAL)
    east.before_replace = opened(4)
    answer = await kept(east, FakeCluster("west"), generation=3)
    assert answer.kept is None
    assert east.record == opened(4)


async def test_what_has_changed_meanwhile_is_not_kept() -> None:
    """The object shows another job by now."""
    manifest = {**flink(), "status": {"jobStatus": {"jobId": "b"}}}
    answer = await kept(FakeCluster("east", manifest=manifest), FakeCluster("west"))
    assert answer == KeepAnswer(why="its state has changed")


async def test_it_is_forgotten_where_no_move_is_open() -> None:
    """Its protection has ended."""
    east = FakeCluster("east", closed(3, good(job="a"), standing=ORIGINAL), ORIGINAL)
    west, north = FakeCluster("west", opened(3)), FakeCluster("north")
    north.fails = ClusterUnreachable("north is away")
    await keeping.forget(cast("Fleet", FakeFleet(east, west, north)), ORDERS)
    assert east.record == closed(3)
    assert west.record == opened(3)


def test_a_standing_record_is_no_open_move() -> None:
    """It is read back as it was written, and a move takes its place."""
    standing = closed(3, good(job="a"), standing={**ORIGINAL})
    head, parts = to_secrets(standing)
    assert parts == []
    assert from_secrets(ORDERS, head, {}) == standing
    moved = opened(4).model_copy(update={"good": good(job="a"), "standing": ORIGINAL})
    again = from_secrets(ORDERS, to_secrets(moved)[0], {})
    assert (again.good, again.standing, again.is_open) == (good(job="a"), None, True)
    head["data"]["manifest"] = "AAAA"
    assert from_secrets(ORDERS, head, {}).standing is None


def test_times_are_of_the_world() -> None:
    """A good state is read back with its time zone."""
    head, _ = to_secrets(closed(1, good(job="a")))
    read = from_secrets(ORDERS, head, {}).good
    assert read is not None
    assert read.good_since == datetime(2026, 11, 27, 12, tzinfo=UTC)


async def test_a_second_time_finds_itself_done() -> None:
    """The answer of the first was lost; the records stay as they are."""
    east, west = FakeCluster("east", closed(3), ORIGINAL), FakeCluster("west", closed(3))
    first = await kept(east, west, generation=3)
    versions = east.version, west.version
    assert await kept(east, west, generation=3) == first
    assert (east.version, west.version) == versions
