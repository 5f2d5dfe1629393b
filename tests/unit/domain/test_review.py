"""What a while of failovers comes to: illnesses, false alarms, downtimes, waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from failover.domain.identity import ApplicationRef
from failover.domain.request import Account
from failover.domain.review import SILENCE, SOON, Alarm, Became, Illness, Ran, illnesses, review

T0 = datetime(2026, 11, 1, 12, tzinfo=UTC)
LATER = T0 + timedelta(days=1)


def minutes(count: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=count)


def ran(
    outcome: str,
    began: float = 0,
    ended: float | None = None,
    *,
    name: str = "orders",
    source: str = "east",
    trigger: str = "Watch",
    healthy: float | None = None,
    decided: bool = False,
    **waited: float,
) -> Ran:
    """A run that began and ended so many minutes after T0; two minutes long unless said otherwise."""
    over = None if not outcome else T0 + minutes(began + 2 if ended is None else ended)
    return Ran(
        application=ApplicationRef(group="", kind="Thing", namespace="shop", name=name),
        source=source,
        outcome=outcome,
        began=T0 + minutes(began),
        ended=over,
        reason="TargetOccupied" if outcome == "Refused" else "",
        trigger=trigger,
        account=Account(
            illness="PodsNotReady",
            healthy_at=None if healthy is None else T0 + minutes(healthy),
            waited=waited,
            decided=decided,
        ),
    )


def one(*runs: Ran) -> Illness:
    """The only illness of these runs."""
    (found,) = illnesses(runs)
    return found


def test_an_outage_that_is_looked_at_again_and_again_is_one_illness() -> None:
    """Runs in a row without a healthy look between them count once, in whatever order they are listed."""
    runs = [ran("WouldHaveMoved", at) for at in (0, 3, 9)] + [ran("Recovered", 15)]
    found = one(*reversed(runs))
    assert [each.began for each in found.runs] == [each.began for each in runs]
    assert found.became is Became.WOULD_HAVE_MOVED
    assert found.downtime == minutes(17)


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(ran("WouldHaveMoved", 2 + 11), id="after-a-silence"),
        pytest.param(ran("WouldHaveMoved", 3, source="west"), id="on-another-cluster"),
        pytest.param(ran("WouldHaveMoved", 3, name="billing"), id="of-another-application"),
    ],
)
def test_what_does_not_hang_together_is_two_illnesses(second: Ran) -> None:
    """Silence longer than the watcher's, another cluster, another application."""
    assert len(illnesses([ran("WouldHaveMoved"), second])) == 2


@pytest.mark.parametrize("outcome", ["Recovered", "Completed"])
def test_being_well_ends_an_illness(outcome: str) -> None:
    """What falls ill again a moment later is ill once more."""
    assert len(illnesses([ran(outcome), ran("WouldHaveMoved", 2.1)])) == 2


ALARMS = {
    "recovered soon after": ([ran("WouldHaveMoved"), ran("Recovered", 2.5, 4)], Alarm.SEEN_WELL),
    "recovered late": ([ran("WouldHaveMoved"), ran("Recovered", 3, 40)], Alarm.STILL_ILL),
    "not reported again": ([ran("WouldHaveMoved")], Alarm.NOT_SEEN_AGAIN),
    "not reported again, twice looked at": (
        [ran("WouldHaveMoved"), ran("WouldHaveMoved", 3)],
        Alarm.NOT_SEEN_AGAIN,
    ),
    "reported again for long": (
        [ran("WouldHaveMoved", at) for at in (0, 3, 9, 19)],
        Alarm.STILL_ILL,
    ),
    "silent, but too late to prove that it was soon": (
        [ran("WouldHaveMoved"), ran("WouldHaveMoved", 10)],
        Alarm.UNKNOWN,
    ),
    "nobody would have reported it again": (
        [ran("WouldHaveMoved", trigger="Alert")],
        Alarm.UNKNOWN,
    ),
    "begun by hand": (
        [ran("WouldHaveMoved"), ran("Recovered", 3, 4, trigger="Manual")],
        Alarm.UNKNOWN,
    ),
    "a person decided": ([ran("WouldHaveMoved", decided=True), ran("Recovered", 3)], Alarm.UNKNOWN),
    "under way": ([ran("WouldHaveMoved"), ran("", 3)], Alarm.STILL_ILL),
    "ended otherwise": ([ran("WouldHaveMoved"), ran("Aborted", 3)], Alarm.UNKNOWN),
    "moved": ([ran("Completed")], Alarm.UNKNOWN),
}


@pytest.mark.parametrize(("runs", "alarm"), ALARMS.values(), ids=ALARMS)
def test_a_false_alarm_is_what_was_soon_well_by_itself(runs: list[Ran], alarm: Alarm) -> None:
    """Only where something says so, and nobody had a hand in it."""
    assert one(*runs).alarm(SOON, LATER) is alarm


def test_silence_says_nothing_before_the_watcher_would_have_spoken() -> None:
    """A minute after its end nobody knows yet; after the silence somebody does."""
    illness, end = one(ran("WouldHaveMoved")), T0 + minutes(2)
    assert illness.alarm(SOON, end + SILENCE) is Alarm.UNKNOWN
    assert illness.alarm(SOON, end + SILENCE + minutes(1)) is Alarm.NOT_SEEN_AGAIN
    assert illness.alarm(minutes(5), LATER) is Alarm.UNKNOWN, "silence is longer than five minutes"


def test_downtime_ends_when_it_is_seen_healthy() -> None:
    """Of a move: the copy's first healthy look, not the tidying after it; never seen: not known."""
    assert one(ran("Completed", 0, 60, healthy=5)).downtime == minutes(5)
    assert one(ran("Completed", 0, 60)).downtime is None
    assert one(ran("Recovered", 0, 3)).downtime == minutes(3)
    assert one(ran("WouldHaveMoved")).downtime is None


def test_a_review_counts_everything_once() -> None:
    """Each illness is in one column; lines add up to the total; waits and refusals are of runs."""
    runs = [
        ran("WouldHaveMoved", 0),
        ran("Recovered", 3, 4),
        ran("WouldHaveMoved", 100),
        ran("Completed", 200, 210, healthy=205, Held=60.0, Blocked=30.0),
        ran("Recovered", 300, 301, name="billing"),
        ran("Refused", 400, name="billing", Held=120.0),
        ran("RolledBack", 500, name="billing", WaitingForCluster=5.0),
        ran("", 600, name="billing"),
    ]
    made = review(runs, since=T0, now=LATER, soon=SOON)
    total = made.total
    assert (total.illnesses, made.runs) == (7, 8)
    assert (total.would_have_moved, total.moved, total.recovered) == (2, 1, 1)
    assert (total.refused, total.given_up, total.under_way) == (1, 1, 1)
    assert (total.seen_well, total.not_seen_again, total.still_ill) == (1, 1, 0)
    assert total.false_alarm_rate == 1.0
    assert (total.median_downtime, total.longest_downtime) == (minutes(4), minutes(5))
    assert [(each.application.name, each.illnesses) for each in made.lines if each.application] == [
        ("billing", 4),
        ("orders", 3),
    ]
    held = next(each for each in made.waits if each.name == "Held")
    assert (held.failovers, held.total, held.longest) == (2, minutes(3), minutes(2))
    assert [each.name for each in made.waits if each.for_people] == ["Blocked", "Held"]
    assert made.refusals == {"TargetOccupied": 1}


def test_nothing_known_is_no_rate() -> None:
    """Without a single illness, or with none that anything is known of, there is no rate to print."""
    assert review([], since=T0, now=LATER, soon=SOON).total.false_alarm_rate is None
    made = review([ran("WouldHaveMoved", trigger="Alert")], since=T0, now=LATER, soon=SOON)
    assert made.total.false_alarm_rate is None
