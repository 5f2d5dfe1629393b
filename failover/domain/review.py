"""What a while of failovers comes to: counted by illness, and told apart by what became of each.

An *illness* is what a person would call one: the runs about one application on one cluster, from the
first sight of it until it was seen healthy, or until no run followed any more. While an application
that is only observed stays ill, the watcher begins one run after the other; counting runs would count
one outage many times.

A *false alarm* is an illness that would have been moved, and was well again soon after by itself. Two
things are known of that, and they are counted apart:

    SeenWell        a later run of the same illness ended Recovered: the application was seen healthy
    NotSeenAgain    nothing followed, although the watcher reports what is still ill within `SILENCE`:
                    it was well by then, or no watcher was running

Nobody can tell of an application that *was* moved whether it would have recovered: what was ill is gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from statistics import median

from failover.domain.identity import ApplicationRef
from failover.domain.phases import Outcome
from failover.domain.request import Account
from failover.domain.sighting import START_AGAIN_AFTER_MAX, TELL_AGAIN_AFTER

SILENCE = START_AGAIN_AFTER_MAX + TELL_AGAIN_AFTER
"""After the end of a run, the watcher begins the next one within this while the application is ill."""
SOON = timedelta(minutes=15)
"""Well again within this is soon, unless somebody says otherwise."""

WATCHED = "Watch"
BY_HAND = "Manual"
PEOPLE = frozenset({"AwaitingApproval", "Held", "Blocked"})
"""The waits for a person."""


@dataclass(frozen=True)
class Ran:
    """One run, as a list shows it."""

    application: ApplicationRef
    source: str
    outcome: str
    """Empty: it goes on."""
    began: datetime
    ended: datetime | None = None
    reason: str = ""
    trigger: str = ""
    account: Account = field(default_factory=Account)


class Became(StrEnum):
    """What became of an illness."""

    MOVED = "Moved"
    WOULD_HAVE_MOVED = "WouldHaveMoved"
    RECOVERED = "Recovered"
    """Well again while it was tolerated."""
    REFUSED = "Refused"
    GIVEN_UP = "GivenUp"
    """Rolled back, aborted, superseded, or ended from outside."""
    UNDER_WAY = "UnderWay"


class Alarm(StrEnum):
    """Whether an illness that would have been moved was one."""

    SEEN_WELL = "SeenWell"
    NOT_SEEN_AGAIN = "NotSeenAgain"
    STILL_ILL = "StillIll"
    """It was ill for longer than what is called soon: the move would have helped."""
    UNKNOWN = "Unknown"
    """Too early to say, or a person had a hand in it, or nobody would have reported it again."""


@dataclass(frozen=True)
class Illness:
    """The runs about one application on one cluster, the oldest first; never empty."""

    runs: tuple[Ran, ...]

    @property
    def application(self) -> ApplicationRef:
        """Who was ill."""
        return self.runs[0].application

    @property
    def reason(self) -> str:
        """Why the first run was started."""
        told = (each.account.illness for each in self.runs)
        return next((each for each in told if each), "Unknown")

    @property
    def became(self) -> Became:
        """The most that came of it."""
        outcomes = [each.outcome for each in self.runs]
        for outcome, became in _MOST:
            if outcome in outcomes:
                return became
        if not outcomes[-1]:
            return Became.UNDER_WAY
        return Became.RECOVERED if outcomes[-1] == Outcome.RECOVERED else Became.GIVEN_UP

    @property
    def well_at(self) -> datetime | None:
        """When it was seen healthy at its end; `None` where nobody has seen that."""
        last = self.runs[-1]
        return last.account.healthy_at or (
            last.ended if last.outcome == Outcome.RECOVERED else None
        )

    @property
    def downtime(self) -> timedelta | None:
        """From the first sight of it to a healthy application."""
        return (
            None if self.well_at is None else max(self.well_at - self.runs[0].began, timedelta(0))
        )

    def alarm(self, soon: timedelta, now: datetime) -> Alarm:
        """What it was, where it would have been moved."""
        would = next(
            (each.ended for each in self.runs if each.outcome == Outcome.WOULD_HAVE_MOVED), None
        )
        if would is None or self._helped:
            return Alarm.UNKNOWN
        if self.well_at is not None:
            return Alarm.SEEN_WELL if self.well_at - would <= soon else Alarm.STILL_ILL
        last = self.runs[-1]
        if (last.ended or now) - would > soon:
            return Alarm.STILL_ILL
        if last.ended is None or now - last.ended <= SILENCE or last.trigger != WATCHED:
            return Alarm.UNKNOWN
        quiet = last.outcome == Outcome.WOULD_HAVE_MOVED
        proves = quiet and last.ended + SILENCE - would <= soon
        return Alarm.NOT_SEEN_AGAIN if proves else Alarm.UNKNOWN

    @property
    def _helped(self) -> bool:
        return any(each.account.decided or each.trigger == BY_HAND for each in self.runs)


_MOST = (
    (Outcome.COMPLETED, Became.MOVED),
    (Outcome.WOULD_HAVE_MOVED, Became.WOULD_HAVE_MOVED),
    (Outcome.REFUSED, Became.REFUSED),
)
_ENDS_IT = frozenset({Outcome.RECOVERED, Outcome.COMPLETED})


def illnesses(runs: Iterable[Ran]) -> list[Illness]:
    """The runs put together, by application and then by time."""

    def place(run: Ran) -> tuple[str, str]:
        return run.application.key, run.source

    ordered = sorted(runs, key=lambda each: (*place(each), each.began))
    return [
        illness for _, group in groupby(ordered, key=place) for illness in _chains(tuple(group))
    ]


def _chains(runs: tuple[Ran, ...]) -> Iterable[Illness]:
    chain: list[Ran] = []
    for run in runs:
        if chain and not _goes_on(chain[-1], run):
            yield Illness(tuple(chain))
            chain = []
        chain.append(run)
    yield Illness(tuple(chain))


def _goes_on(before: Ran, run: Ran) -> bool:
    over = before.ended is None or before.outcome in _ENDS_IT
    return not over and before.ended is not None and run.began - before.ended <= SILENCE


@dataclass(frozen=True)
class Line:
    """What came of some illnesses."""

    application: ApplicationRef | None
    """`None`: of all of them."""
    reason: str
    illnesses: int
    moved: int
    would_have_moved: int
    recovered: int
    refused: int
    given_up: int
    under_way: int
    seen_well: int
    not_seen_again: int
    still_ill: int
    median_downtime: timedelta | None
    longest_downtime: timedelta | None

    @property
    def false_alarms(self) -> int:
        """Well again soon by themselves, as far as anybody knows."""
        return self.seen_well + self.not_seen_again

    @property
    def false_alarm_rate(self) -> float | None:
        """Of those of which something is known; `None` where of none."""
        known = self.false_alarms + self.still_ill
        return self.false_alarms / known if known else None


@dataclass(frozen=True)
class Wait:
    """How long failovers have stood in one phase of waiting."""

    name: str
    failovers: int
    total: timedelta
    longest: timedelta

    @property
    def for_people(self) -> bool:
        """Whether a person was waited for."""
        return self.name in PEOPLE


@dataclass(frozen=True)
class Review:
    """What came of everything in a while."""

    since: datetime
    until: datetime
    soon: timedelta
    runs: int
    total: Line
    lines: tuple[Line, ...]
    """One for each application and reason, those with the most illnesses first."""
    waits: tuple[Wait, ...]
    refusals: dict[str, int]
    """Why moves were refused: reasons, and how many runs ended so."""
    retention: timedelta | None = None
    """For how long ended runs are kept; `None`: not known."""

    @property
    def is_cut(self) -> bool:
        """Whether runs that ended in this while may be gone already."""
        return self.retention is not None and self.retention < self.until - self.since


def review(
    runs: Iterable[Ran],
    *,
    since: datetime,
    now: datetime,
    soon: timedelta,
    retention: timedelta | None = None,
) -> Review:
    """Count it all."""
    listed = tuple(runs)
    found = illnesses(listed)

    def kind(each: Illness) -> tuple[str, str]:
        return each.application.key, each.reason

    groups = [tuple(group) for _, group in groupby(sorted(found, key=kind), key=kind)]
    lines = [_line(each, soon, now, each[0].application, each[0].reason) for each in groups]
    refused = [each.reason for each in listed if each.outcome == Outcome.REFUSED]
    return Review(
        since=since,
        until=now,
        soon=soon,
        runs=len(listed),
        total=_line(found, soon, now, None, ""),
        lines=tuple(sorted(lines, key=lambda each: -each.illnesses)),
        waits=_waits(listed),
        refusals={each: refused.count(each) for each in sorted(set(refused))},
        retention=retention,
    )


def _line(
    of: Iterable[Illness],
    soon: timedelta,
    now: datetime,
    application: ApplicationRef | None,
    reason: str,
) -> Line:
    listed = tuple(of)
    became = [each.became for each in listed]
    would = [each for each in listed if each.became is Became.WOULD_HAVE_MOVED]
    alarms = [each.alarm(soon, now) for each in would]
    took = [each.downtime.total_seconds() for each in listed if each.downtime is not None]
    return Line(
        application=application,
        reason=reason,
        illnesses=len(listed),
        moved=became.count(Became.MOVED),
        would_have_moved=len(would),
        recovered=became.count(Became.RECOVERED),
        refused=became.count(Became.REFUSED),
        given_up=became.count(Became.GIVEN_UP),
        under_way=became.count(Became.UNDER_WAY),
        seen_well=alarms.count(Alarm.SEEN_WELL),
        not_seen_again=alarms.count(Alarm.NOT_SEEN_AGAIN),
        still_ill=alarms.count(Alarm.STILL_ILL),
        median_downtime=timedelta(seconds=median(took)) if took else None,
        longest_downtime=timedelta(seconds=max(took)) if took else None,
    )


def _waits(runs: tuple[Ran, ...]) -> tuple[Wait, ...]:
    by_name: dict[str, list[float]] = {}
    for run in runs:
        for name, seconds in run.account.waited.items():
            by_name.setdefault(name, []).append(seconds)
    return tuple(
        Wait(name, len(took), timedelta(seconds=sum(took)), timedelta(seconds=max(took)))
        for name, took in sorted(by_name.items())
    )
