"""A run that comes back from an earlier moment, with Temporal's database or by a reset, knows itself by the record."""

from __future__ import annotations

from typing import cast

import pytest

from failover.domain.errors import ClusterUnreachable
from failover.domain.record import Record
from failover.domain.steps import Claim
from failover.fleet import Fleet
from failover.records import RecordMissing, Superseded, read_any
from tests.support.orders import ORDERS
from tests.unit.activities.test_keeping_states import FakeCluster, FakeFleet, opened

OURS = Claim(application=ORDERS, failover="f", generation=2, claim="run.2")


def closed(generation: int, claim: str, home: str = "west") -> Record:
    """A record that remembers a move which is over."""
    return Record(application=ORDERS, generation=generation, claim=claim, home=home)


async def found(*clusters: FakeCluster, claim: Claim = OURS) -> Record:
    """The open record, as a step that needs it reads it."""
    names = [each.name for each in clusters]
    return await read_any(cast("Fleet", FakeFleet(*clusters)), names, claim)


@pytest.mark.parametrize(
    ("record", "says"),
    [
        pytest.param(closed(2, "run.2"), "has come to its end before", id="ours"),
        pytest.param(closed(3, "other.3"), "generation 3 owns", id="a newer one"),
        pytest.param(opened(3), "generation 3 owns", id="a newer one, under way"),
    ],
)
async def test_what_is_over_is_superseded_and_not_missing(record: Record, says: str) -> None:
    """Nobody is told that no copy runs, and nothing is written, where the move has long come to its end."""
    with pytest.raises(Superseded, match=says):
        await found(FakeCluster("west", record))


async def test_what_an_earlier_move_has_left_is_passed_over() -> None:
    """Its closed record says nothing of ours, which another cluster has; nor where our generation is not known yet."""
    earlier = FakeCluster("north", closed(1, "other.1", home="north"))
    assert await found(earlier, FakeCluster("west", opened(2))) == opened(2)
    with pytest.raises(RecordMissing):
        await found(earlier)
    west = FakeCluster("west", opened(2))
    west.fails = ClusterUnreachable("west is away")
    with pytest.raises(ClusterUnreachable):
        await found(earlier, west, claim=OURS.model_copy(update={"generation": 0}))
