"""The resolve table: what a person may decide, by where a failover stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.domain.phases import Action, Phase
from failover.domain.resolving import Decision, Standing, allowed, refusal

RETRY, SKIP, REPLAN, ABORT = Action.RETRY, Action.SKIP, Action.REPLAN, Action.ABORT


def blocked(phase: Phase, *, delete_accepted: bool = False, verified: bool = False) -> Standing:
    """A blocked failover in this phase."""
    return Standing(phase, blocked=True, delete_accepted=delete_accepted, verified=verified)


@pytest.mark.parametrize(
    ("standing", "actions"),
    [
        pytest.param(blocked(Phase.PLANNING), (RETRY, SKIP, REPLAN, ABORT), id="planning"),
        pytest.param(blocked(Phase.CAPTURING), (RETRY, SKIP, REPLAN, ABORT), id="capturing"),
        pytest.param(blocked(Phase.PURGING), (RETRY, REPLAN, ABORT), id="purging, before a delete"),
        pytest.param(
            blocked(Phase.PURGING, delete_accepted=True),
            (RETRY, SKIP, REPLAN, ABORT),
            id="purging, after a delete",
        ),
        pytest.param(
            blocked(Phase.PURGING, delete_accepted=True, verified=True),
            (RETRY, SKIP, REPLAN),
            id="purging gracefully, after a delete: only forward",
        ),
        pytest.param(blocked(Phase.STARTING), (RETRY, REPLAN, ABORT), id="starting"),
        pytest.param(blocked(Phase.VERIFYING), (RETRY, SKIP, REPLAN, ABORT), id="verifying"),
        pytest.param(
            blocked(Phase.WITHDRAWING, delete_accepted=True), (RETRY, SKIP), id="withdrawing"
        ),
        pytest.param(blocked(Phase.RESTORING), (RETRY, REPLAN), id="restoring"),
        pytest.param(blocked(Phase.FINISHING), (RETRY, SKIP), id="finishing"),
    ],
)
def test_a_blocked_failover_allows(standing: Standing, actions: tuple[Action, ...]) -> None:
    """Exactly the actions of the table can be taken."""
    assert allowed(standing) == actions


@pytest.mark.parametrize("phase", list(Phase))
def test_nothing_can_be_retried_or_skipped_that_is_not_blocked(phase: Phase) -> None:
    """Retry and Skip answer a question; without one they are refused."""
    standing = Standing(phase, blocked=False, delete_accepted=False)
    assert refusal(standing, Decision(RETRY)) is not None
    assert refusal(standing, Decision(SKIP)) is not None


@pytest.mark.parametrize("phase", [Phase.HELD, Phase.PLANNING, Phase.CAPTURING])
def test_a_person_may_go_past_the_budget(phase: Phase) -> None:
    """In each phase in which it stands while it is held; not past a pause, and not without a note."""
    held = Standing(phase, blocked=False, delete_accepted=False, held="BudgetExhausted")
    assert refusal(held, Decision(SKIP, note="it is needed there")) is None
    assert "--reason" in (refusal(held, Decision(SKIP)) or "")
    assert refusal(held, Decision(RETRY)) is not None
    paused = Standing(phase, blocked=False, delete_accepted=False, held="Paused")
    assert "failover resume" in (refusal(paused, Decision(SKIP, note="why")) or "")


@pytest.mark.parametrize(
    ("standing", "decision", "words"),
    [
        pytest.param(
            blocked(Phase.CAPTURING), Decision(SKIP), "name the one rule", id="skip no rule"
        ),
        pytest.param(
            blocked(Phase.CAPTURING),
            Decision(SKIP, rule="a"),
            "confirm",
            id="skip without a cold start",
        ),
        pytest.param(
            blocked(Phase.PURGING, delete_accepted=True),
            Decision(SKIP, declare_gone=True),
            "with a note",
            id="declare gone without a note",
        ),
        pytest.param(
            blocked(Phase.PURGING),
            Decision(SKIP, declare_gone=True, note="seen"),
            "no delete was accepted",
            id="declare gone what nobody deleted",
        ),
        pytest.param(
            blocked(Phase.STARTING),
            Decision(RETRY, remove_finalizer="x"),
            "finalizer",
            id="finalizer elsewhere",
        ),
        pytest.param(
            blocked(Phase.FINISHING), Decision(ABORT), "only tidies up", id="abort the end"
        ),
    ],
)
def test_a_refusal_says_what_to_do_instead(
    standing: Standing, decision: Decision, words: str
) -> None:
    """Each refusal is a sentence."""
    why = refusal(standing, decision)
    assert why is not None
    assert words in why


@given(
    st.builds(
        Standing,
        st.sampled_from(list(Phase)),
        blocked=st.just(True),
        delete_accepted=st.booleans(),
        verified=st.booleans(),
    )
)
def test_a_blocked_failover_is_never_stuck(standing: Standing) -> None:
    """Wherever it blocks, trying again is allowed."""
    assert refusal(standing, Decision(RETRY)) is None
