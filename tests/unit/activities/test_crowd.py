"""The crowd: how many tolerations end at about the same time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from activities.crowd import TOGETHER, Crowd

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_the_first_are_no_crowd() -> None:
    """Two of the same moment are two; the third finds a crowd."""
    crowd = Crowd(many=2)
    joined = [crowd.joined(name, NOON, NOON - MINUTE) for name in "abc"]
    assert joined == [False, False, True]


def test_who_ends_at_another_time_is_alone() -> None:
    """Many that end a minute later keep nobody waiting."""
    crowd = Crowd(many=2)
    for name in "abc":
        crowd.joined(name, NOON + MINUTE, NOON)
    assert not crowd.joined("d", NOON, NOON - MINUTE)
    assert crowd.joined("e", NOON + MINUTE - TOGETHER, NOON)


def test_one_that_plans_again_is_counted_once() -> None:
    """Its own earlier plan is no crowd to it, and its earlier moment is forgotten."""
    crowd = Crowd(many=1)
    assert not crowd.joined("a", NOON, NOON - MINUTE)
    assert not crowd.joined("a", NOON, NOON - MINUTE)
    assert not crowd.joined("a", NOON + MINUTE, NOON - MINUTE)
    assert not crowd.joined("b", NOON, NOON - MINUTE)


def test_what_is_over_is_forgotten() -> None:
    """A worker that runs for months remembers the last few seconds only."""
    crowd = Crowd(many=1)
    for second in range(1000):
        due = NOON + timedelta(seconds=second)
        crowd.joined(str(second), due, due)
    assert len(vars(crowd)["_dues"]) <= TOGETHER.total_seconds() + 1
