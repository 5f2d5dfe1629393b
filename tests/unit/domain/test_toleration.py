"""The toleration clock: what counts, what pauses, what begins again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.domain.health import Cause, Health, HealthStatus, judge
from failover.domain.toleration import RECOVERY_MAX, Bearing, Clock, OnUnknown, bearing, may_move

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LIMIT = timedelta(seconds=120)
NOW = timedelta(0)
HEALTHY, UNHEALTHY, UNKNOWN = HealthStatus.HEALTHY, HealthStatus.UNHEALTHY, HealthStatus.UNKNOWN


def at(seconds: float) -> datetime:
    """A moment after the start."""
    return START + timedelta(seconds=seconds)


def seen_as(status: HealthStatus, cause: Cause | None = None) -> Health:
    """A verdict."""
    return Health(status=status, reason="Seen", message="as it was seen", cause=cause)


def ill() -> Clock:
    """A clock that has run since the start, when the illness was seen."""
    return Clock(status=UNHEALTHY, since=START, seen_ill=True)


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
            [(HEALTHY, 20), (UNHEALTHY, 30)], 50, "Pause", 40, id="time well is left out too"
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
        recovery = clock.recovery(LIMIT, at(now))
        assert recovery is None or NOW <= recovery <= RECOVERY_MAX
        assert recovery is None or clock.remaining(LIMIT, at(now), on_unknown) is None


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


@pytest.mark.parametrize("cause", [Cause.FINISHED, Cause.SUSPENDED])
def test_what_is_done_or_asleep_is_forgotten_at_once(cause: Cause) -> None:
    """There is nothing to move, so nothing to remember, and nothing to wait for."""
    assert bearing(HEALTHY, cause, "Count") is Bearing.RESETS
    assert not may_move(seen_as(HEALTHY, cause), "Count")
    assert ill().saw(seen_as(HEALTHY, cause), at(100), "Pause").recovery(LIMIT, at(100)) == NOW


@pytest.mark.parametrize(
    ("ill_for", "limit", "recovery"),
    [
        pytest.param(0.9, 120, 0, id="shorter than a second is no illness"),
        pytest.param(1, 120, 1, id="as long as it was ill"),
        pytest.param(40, 120, 40, id="as long as it was ill, and no longer"),
        pytest.param(61, 120, 60, id="a minute at most"),
        pytest.param(3600, 7200, 60, id="a minute, however long it was ill"),
        pytest.param(40, 10, 10, id="no longer than is tolerated"),
        pytest.param(40, 0, 0, id="where nothing is tolerated, at once"),
    ],
)
def test_it_is_recovered_once_it_was_well_for_as_long_as_it_was_ill(
    ill_for: float, limit: float, recovery: float
) -> None:
    """The clock stands meanwhile, and nothing moves what is well."""
    clock = ill().saw(seen_as(HEALTHY), at(ill_for), "Pause")
    tolerated = timedelta(seconds=limit)
    assert clock.recovery(tolerated, at(ill_for)) == timedelta(seconds=recovery)
    assert clock.recovery(tolerated, at(ill_for + recovery)) == NOW
    assert clock.remaining(tolerated, at(ill_for + 1000), "Pause") is None
    assert not may_move(seen_as(HEALTHY), "Count")


def test_what_is_ill_or_unknown_is_not_recovered() -> None:
    """Recovery is only of what is well."""
    assert ill().recovery(LIMIT, at(0.1)) is None
    assert ill().saw(seen_as(UNKNOWN), at(10), "Reset").recovery(LIMIT, at(100)) is None


def test_what_nobody_has_seen_ill_is_recovered_at_once() -> None:
    """A trigger said so; the first look, however late, shows it well."""
    told = Clock(status=UNHEALTHY, since=START)
    assert told.saw(seen_as(HEALTHY), at(100), "Pause").recovery(LIMIT, at(100)) == NOW
    asked = told.saw(seen_as(UNKNOWN), at(50), "Pause")
    assert asked.saw(seen_as(HEALTHY), at(100), "Pause").recovery(LIMIT, at(100)) == NOW


@pytest.mark.parametrize("status", [UNKNOWN, UNHEALTHY])
def test_recovery_is_without_interruption(status: HealthStatus) -> None:
    """Seeing it well again and again changes nothing; anything between begins the wait anew."""
    clock = ill().saw(seen_as(HEALTHY), at(20), "Pause").saw(seen_as(HEALTHY), at(30), "Pause")
    assert clock.recovery(LIMIT, at(30)) == timedelta(seconds=10)
    clock = clock.saw(seen_as(status), at(35), "Pause").saw(seen_as(HEALTHY), at(35), "Pause")
    assert clock.recovery(LIMIT, at(35)) == timedelta(seconds=20)


def test_flapping_does_not_postpone_for_ever() -> None:
    """Ill for three seconds, well for two, and so on: it moves after as much illness as any other."""
    clock, now = ill(), 0.0
    while clock.remaining(LIMIT, at(now), "Pause"):
        now += 3
        clock = clock.saw(seen_as(HEALTHY), at(now), "Pause")
        assert clock.recovery(LIMIT, at(now + 2)) != NOW
        now += 2
        clock = clock.saw(seen_as(UNHEALTHY), at(now), "Pause")
    assert now == LIMIT.total_seconds() / 3 * 5


def test_a_rollout_gets_its_time() -> None:
    """From the object to the clock: half of its replicas in the middle of an update move nothing."""
    updating = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "generation": 2},
        "spec": {"replicas": 4},
        "status": {
            "observedGeneration": 2,
            "availableReplicas": 2,
            "conditions": [
                {"type": "Available", "status": "False"},
                {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"},
            ],
        },
    }
    health = judge(updating, None)
    assert health.reason == "RolloutInProgress"
    assert ill().saw(health, at(10), "Count").remaining(LIMIT, at(1000), "Count") is None


def test_a_clock_of_an_older_release_is_read() -> None:
    """A run that is under way has a clock without a cause."""
    clock = Clock.model_validate_json('{"status": "Unhealthy", "since": "2026-11-23T12:00:00Z"}')
    assert clock.total(at(5), "Pause") == timedelta(seconds=5)
