"""When an application is reported, and when it is quiet about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.domain.health import Cause, Health, HealthStatus
from failover.domain.marks import SUPERSEDED_BY
from failover.domain.sighting import (
    OWN_FAULT_LASTS,
    START_AGAIN_AFTER,
    START_AGAIN_AFTER_MAX,
    TELL_AGAIN_AFTER,
    Answer,
    Attention,
    Nothing,
    Report,
    is_left_alone,
    react,
)
from tests.support.objects import flink

NOW = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def health(status: HealthStatus) -> Health:
    """A verdict."""
    return Health(status=status, reason="Because", message="because")


ILL, WELL, DARK = (
    health(each) for each in (HealthStatus.UNHEALTHY, HealthStatus.HEALTHY, HealthStatus.UNKNOWN)
)


@dataclass(frozen=True)
class Case:
    before: Attention
    now: Health
    expected: Report | Nothing


CASES = {
    "ill at first sight": Case(Attention(), ILL, Report(ILL)),
    "well at first sight": Case(Attention(), WELL, Nothing("Healthy")),
    "cannot be told": Case(Attention(), DARK, Nothing("Unknown")),
    "its own fault": Case(
        Attention(), DARK.model_copy(update={"cause": Cause.USER_ERROR}), Nothing("UserError")
    ),
    "ill, just started": Case(
        Attention().after(Answer.STARTED, NOW), ILL, Nothing("ReportedAlready")
    ),
    "ill, just merged": Case(
        Attention().after(Answer.MERGED, NOW), ILL, Nothing("ReportedAlready")
    ),
    "ill, just refused": Case(
        Attention().after(Answer.REFUSED, NOW), ILL, Nothing("ReportedAlready")
    ),
    "ill, another incident": Case(
        Attention().after(Answer.DIFFERENT_INCIDENT, NOW), ILL, Nothing("ReportedAlready")
    ),
    "ill, a start long ago": Case(
        Attention().after(Answer.STARTED, NOW - START_AGAIN_AFTER), ILL, Report(ILL)
    ),
    "ill, a start a little ago": Case(
        Attention().after(Answer.STARTED, NOW - START_AGAIN_AFTER + SECOND),
        ILL,
        Nothing("ReportedAlready"),
    ),
    "ill, by its own fault": Case(
        Attention().looked(NOW, own_fault=True), ILL, Nothing("UserError")
    ),
    "ill by its own fault, well for a moment, ill": Case(
        Attention().looked(NOW - SECOND, own_fault=True).recovered(), ILL, Nothing("UserError")
    ),
    "ill by its own fault long ago": Case(
        Attention().looked(NOW - OWN_FAULT_LASTS, own_fault=True).recovered(), ILL, Report(ILL)
    ),
    "ill, not by its own fault any more": Case(
        Attention().looked(NOW, own_fault=True).looked(NOW, own_fault=False), ILL, Report(ILL)
    ),
    "ill, merged long ago": Case(
        Attention().after(Answer.MERGED, NOW - TELL_AGAIN_AFTER), ILL, Report(ILL)
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_only_what_is_unhealthy_and_not_told_yet_is_reported(case: Case) -> None:
    """One look gives a report, or nothing with the reason why."""
    assert react(case.before, case.now, NOW) == case.expected


def test_the_pause_doubles_from_half_a_minute_to_ten_minutes() -> None:
    """Failovers that end while the application stays ill begin ever more seldom."""
    attention = Attention()
    pauses: list[float] = []
    for _ in range(7):
        attention = attention.after(Answer.STARTED, NOW)
        assert attention.quiet_until is not None
        pauses.append((attention.quiet_until - NOW).total_seconds())
    assert pauses == [30, 60, 120, 240, 480, 600, 600]


def test_merging_does_not_lengthen_the_pause() -> None:
    """A failover under way is told again and again, however long it takes."""
    attention = Attention().after(Answer.STARTED, NOW)
    for _ in range(100):
        attention = attention.after(Answer.MERGED, NOW)
    assert attention.quiet_until == NOW + TELL_AGAIN_AFTER
    assert attention.starts == 1


@given(answers=st.lists(st.sampled_from(list(Answer)), max_size=200))
def test_nobody_is_left_alone_for_longer_than_ten_minutes(answers: list[Answer]) -> None:
    """Whatever was answered before, an ill application is reported within the longest pause."""
    attention = Attention()
    for answer in answers:
        attention = attention.after(answer, NOW)
    assert react(attention, ILL, NOW + START_AGAIN_AFTER_MAX) == Report(ILL)


def test_what_is_going_or_superseded_is_left_alone() -> None:
    """A copy that is being deleted, or that was left behind, is nobody's business."""
    plain = flink()
    assert not is_left_alone(plain)
    assert is_left_alone(
        {**plain, "metadata": {**plain["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    )
    assert is_left_alone(
        {**plain, "metadata": {**plain["metadata"], "annotations": {SUPERSEDED_BY: "west"}}}
    )
