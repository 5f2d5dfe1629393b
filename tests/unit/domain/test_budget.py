"""The budget: how often an application is moved by itself, and when it may be again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.domain.budget import (
    COUNTED_MAX,
    CountedMove,
    admission,
    counting,
    cut_off,
    merged,
    remembered,
    told,
    use_of,
    without,
)
from failover.domain.policy import ApplicationFailover, Budget

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
BUDGET = Budget(max_failovers=2, window_seconds=600, cool_down_seconds=60)


def moves(*seconds_ago: float) -> tuple[CountedMove, ...]:
    """Moves that began so long ago."""
    return tuple(
        CountedMove(at=NOW - timedelta(seconds=each), claim=f"run{number}.0")
        for number, each in enumerate(seconds_ago)
    )


@pytest.mark.parametrize(
    ("ago", "reason", "wait"),
    [
        pytest.param((), "", 0, id="never moved"),
        pytest.param((61,), "", 0, id="moved once, and rested"),
        pytest.param((60,), "", 0, id="the rest is over to the second"),
        pytest.param((59,), "CoolingDown", 1, id="moved just now"),
        pytest.param((400, 100), "BudgetExhausted", 200, id="as often as allowed"),
        pytest.param((400, 10), "BudgetExhausted", 200, id="the longer wait counts"),
        pytest.param((590, 10), "BudgetExhausted", 50, id="the rest outlasts the window"),
        pytest.param((600, 100), "", 0, id="the older one has left the window"),
        pytest.param((500, 400, 100), "BudgetExhausted", 200, id="more often than allowed now"),
        pytest.param(
            (59, 700), "CoolingDown", 1, id="a move that has left the window is no matter"
        ),
        pytest.param((-30,), "CoolingDown", 60, id="a clock was put back: held, not let through"),
    ],
)
def test_a_move_waits_for_its_budget(ago: tuple[float, ...], reason: str, wait: float) -> None:
    """Not admitted says why, and when there is room again."""
    found = admission(BUDGET, moves(*ago), claim="ours.0", now=NOW)
    if not reason:
        assert found is None
        return
    assert found is not None
    assert found.reason == reason
    assert found.until == NOW + timedelta(seconds=wait)
    assert found.until.strftime("%H:%M:%S") in found.message


def test_the_message_has_the_numbers() -> None:
    """A tired person sees how often, in what time, and how often it may be."""
    found = admission(BUDGET, moves(400, 100), claim="ours.0", now=NOW)
    assert found is not None
    assert "moved 2 times in the last 10 min" in found.message
    assert "allows 2" in found.message


def test_what_is_counted_goes_on() -> None:
    """A repeated step, and another target of the same move, are not held."""
    assert admission(BUDGET, moves(400, 10), claim="run1.0", now=NOW) is None


def test_a_move_counts_once() -> None:
    """The moment of its first staging stays."""
    first = counting((), "ours.0", NOW)
    assert counting(first, "ours.0", NOW + timedelta(seconds=9)) == first
    assert [each.claim for each in counting(first, "next.0", NOW)] == ["next.0", "ours.0"]


def test_a_record_remembers_a_bounded_number() -> None:
    """The newest ones."""
    many = moves(*range(COUNTED_MAX + 5, 0, -1))
    assert len(merged(many)) == COUNTED_MAX
    assert merged(many)[-1].at == NOW - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("stands", "left_out"),
    [
        pytest.param([(3, "theirs", True), (3, "theirs", True)], "theirs", id="interrupted"),
        pytest.param([(3, "ours", True)], "", id="our own"),
        pytest.param([(3, "a", True), (3, "a", False)], "", id="closed where it lives"),
        pytest.param([(2, "a", True), (3, "b", False)], "", id="left open by a lost cluster"),
        pytest.param([], "", id="no record"),
    ],
)
def test_only_an_interrupted_move_is_begun_anew(
    stands: list[tuple[int, str, bool]], left_out: str
) -> None:
    """What has moved the application counts, also where its record was left open."""
    assert cut_off(stands, "ours") == ({left_out} if left_out else set[str]())


def test_what_was_begun_anew_is_left_out() -> None:
    """It counts as the move that follows it."""
    assert without(moves(90, 30), {"run1.0"}) == moves(90)


@given(
    st.lists(st.floats(-100, 4000), max_size=8),
    st.integers(1, 4), st.integers(1, 3600), st.integers(0, 600),
)  # fmt: skip
def test_who_waits_as_long_as_told_is_let_in(
    ago: list[float], most: int, window: int, rest: int
) -> None:
    """Nothing is postponed for ever: at the moment that is named, there is room."""
    budget = Budget(max_failovers=most, window_seconds=window, cool_down_seconds=rest)
    counted = moves(*(each for each in ago if each >= 0))
    found = admission(budget, counted, claim="ours.0", now=NOW)
    if found is not None:
        assert found.until <= NOW + max(budget.window, budget.cool_down)
        assert admission(budget, counted, claim="ours.0", now=found.until) is None


def test_the_default_is_three_an_hour_a_minute_apart() -> None:
    """It counts where nothing is written."""
    budget = ApplicationFailover().budget
    assert (budget.max_failovers, budget.window_seconds, budget.cool_down_seconds) == (3, 3600, 60)


def test_the_use_is_told_in_a_few_words() -> None:
    """For `failover status`."""
    assert told(use_of(BUDGET, moves(100), NOW)) == "1 of 2 moves in 10 min used"
    full = told(use_of(BUDGET, moves(400, 100), NOW))
    assert full == "2 of 2 moves in 10 min used; the next one at 2026-11-27 12:03:20 UTC"


def test_what_the_records_remember_is_told() -> None:
    """For `failover where`, which knows no policy."""
    assert remembered(()) == ""
    assert "moved 2 times" in remembered(moves(400, 100))
    assert "last at 2026-11-27 11:58:20 UTC" in remembered(moves(400, 100))
