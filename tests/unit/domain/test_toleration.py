"""The toleration clock: what counts, what pauses, what begins again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.domain.health import Cause, Health, HealthStatus
from failover.domain.toleration import Bearing, Clock, OnUnknown, bearing, may_move

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LIMIT = timedelta(seconds=120)
HEALTHY, UNHEALTHY, UNKNOWN = HealthStatus.HEALTHY, HealthStatus.UNHEALTHY, HealthStatus.UNKNOWN


def at(seconds: float) -> datetime:
    """A moment after the start."""
    return START + timedelta(seconds=seconds)


def seen_as(status: HealthStatus, cause: Cause | None = None) -> Health:
    """A verdict."""
    return Health(status=status, reason="Seen", message="as it was seen", cause=cause)


def ill() -> Clock:
    """A clock that has run since the start."""
    return Clock(status=UNHEALTHY, since=START)


@pytest.mark.parametrize(
    ("seen", "now", "on_unknown", "total"),
    [
        pytest.param([], 50, "Pause", 50, id="unhealthy time counts"),
        pytest.param([(UNKNOWN, 20)], 50, "Pause", 20, id="unknown pauses"),
        pytest.param([(UNKNOWN, 20)], 50, "Count", 50, id="unknown counts"),
        pytest.param([(UNKNOWN, 20)], 50, "Reset", 0, id="unknown resets, as in Karmada"),
        pytest.param([(UNKNOWN, 20), (UNHEALTHY, 30)], 50, "Pause", 40, id="a pause is left out"),
        pytest.param(
            [(UNKNOWN, 20), (UNHEALTHY, 30)], 50, "Reset", 20, id="counts from the reset on"
        ),
        pytest.param(
            [(HEALTHY, 20), (UNHEALTHY, 30)], 50, "Pause", 20, id="health begins it again"
        ),
        pytest.param(
            [(UNHEALTHY, 20), (UNHEALTHY, 30)],
            50,
            "Pause",
            50,
            id="seeing it again changes nothing",
        ),
    ],
)
def test_only_unhealthy_time_is_accumulated(
    seen: list[tuple[HealthStatus, float]], now: float, on_unknown: OnUnknown, total: float
) -> None:
    """What has been seen decides how much time has counted."""
    clock = ill()
    for status, moment in seen:
        clock = clock.saw(seen_as(status), at(moment), on_unknown)
    assert clock.total(at(now), on_unknown) == timedelta(seconds=total)


def test_the_rest_shrinks_and_never_goes_below_zero() -> None:
    """The remaining time is what a durable timer is set to."""
    assert ill().remaining(LIMIT, at(50), "Pause") == timedelta(seconds=70)
    assert ill().remaining(LIMIT, at(500), "Pause") == timedelta(0)


def test_a_limit_of_zero_acts_at_once() -> None:
    """Karmada waits for the next event; here nothing is waited for."""
    assert ill().remaining(timedelta(0), START, "Pause") == timedelta(0)


def test_a_paused_clock_has_no_end() -> None:
    """While nothing is known there is no deadline."""
    assert ill().saw(seen_as(UNKNOWN), at(10), "Pause").remaining(LIMIT, at(10), "Pause") is None


@given(
    st.lists(st.tuples(st.sampled_from(list(HealthStatus)), st.floats(0, 100)), max_size=20),
    st.sampled_from(["Pause", "Count", "Reset"]),
)
def test_accumulated_time_never_exceeds_the_time_that_passed(
    seen: list[tuple[HealthStatus, float]], on_unknown: OnUnknown
) -> None:
    """Whatever was seen: 0 <= accumulated <= elapsed."""
    clock, now = ill(), 0.0
    for status, pause in seen:
        now += pause
        clock = clock.saw(seen_as(status), at(now), on_unknown)
        assert timedelta(0) <= clock.total(at(now), on_unknown) <= timedelta(seconds=now + 1e-3)


POLICIES: tuple[OnUnknown, ...] = ("Pause", "Count", "Reset")


@pytest.mark.parametrize("on_unknown", POLICIES)
@pytest.mark.parametrize("cause", [Cause.USER_ERROR, Cause.PROGRESSING])
def test_what_moving_would_not_cure_never_moves(cause: Cause, on_unknown: OnUnknown) -> None:
    """A user error, or a change under way, is known: `onUnknown` is not asked, and no time passes."""
    clock = ill().saw(seen_as(UNKNOWN, cause), at(10), on_unknown)
    assert clock.remaining(LIMIT, at(1000), on_unknown) is None
    assert clock.total(at(1000), on_unknown) == timedelta(seconds=10)
    assert not may_move(seen_as(UNKNOWN, cause), on_unknown)


@pytest.mark.parametrize("cause", [Cause.FAULT, Cause.PROGRESSING, None])
def test_what_is_ill_counts_whatever_the_cause(cause: Cause | None) -> None:
    """What does not come up counts as what broke; a verdict of an older release has no cause."""
    assert bearing(UNHEALTHY, cause, "Pause") is Bearing.COUNTS
    assert may_move(seen_as(UNHEALTHY, cause), "Pause")


@pytest.mark.parametrize("cause", [Cause.FINISHED, Cause.SUSPENDED, None])
def test_what_is_done_or_asleep_is_forgotten(cause: Cause | None) -> None:
    """There is nothing to move, so nothing to remember."""
    assert bearing(HEALTHY, cause, "Count") is Bearing.RESETS
    assert not may_move(seen_as(HEALTHY, cause), "Count")


def test_a_clock_of_an_older_release_is_read() -> None:
    """A run that is under way has a clock without a cause."""
    clock = Clock.model_validate_json('{"status": "Unhealthy", "since": "2026-11-23T12:00:00Z"}')
    assert clock.total(at(5), "Pause") == timedelta(seconds=5)
