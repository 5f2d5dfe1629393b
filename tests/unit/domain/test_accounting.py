"""The account that an ended failover leaves in its memo."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from failover.domain.accounting import account_of
from failover.domain.identity import ApplicationRef
from failover.domain.phases import Outcome, Phase
from failover.domain.policy import Policy
from failover.domain.request import FailoverRequest, State, StepEntry, Trigger
from failover.domain.toleration import Clock

T0 = datetime(2026, 11, 1, 12, tzinfo=UTC)
POLICY = Policy.model_validate(
    {
        "kind": "FailoverPolicy",
        "name": "p",
        "spec": {
            "resourceSelectors": [{"apiVersion": "v1", "kind": "Thing"}],
            "failover": {"application": {"purgeMode": "Directly"}},
        },
    }
)
REQUEST = FailoverRequest(
    application=ApplicationRef(group="", kind="Thing", namespace="shop", name="orders"),
    source="east",
    policy=POLICY,
    trigger=Trigger(kind="Watch", reason="PodsNotReady"),
)


def at(seconds: float) -> datetime:
    """So many seconds after T0."""
    return T0 + timedelta(seconds=seconds)


def state(*steps: tuple[Phase, float, float | None], **more: object) -> State:
    """A state with these phases behind it."""
    entries = tuple(
        StepEntry(phase=phase, started_at=at(begun), ended_at=None if end is None else at(end))
        for phase, begun, end in steps
    )
    first = State(started_at=T0, clock=Clock(since=T0), policy=POLICY, steps=entries)
    return first.model_copy(update=more)


@pytest.mark.parametrize(
    ("outcome", "verified", "healthy"),
    [
        pytest.param(Outcome.COMPLETED, True, 20, id="moved"),
        pytest.param(Outcome.COMPLETED, False, None, id="verification-skipped"),
        pytest.param(Outcome.RECOVERED, False, 99, id="recovered"),
        pytest.param(Outcome.WOULD_HAVE_MOVED, False, None, id="observed"),
        pytest.param(Outcome.ROLLED_BACK, True, None, id="rolled-back"),
    ],
)
def test_it_says_when_the_application_was_seen_healthy(
    outcome: Outcome, *, verified: bool, healthy: float | None
) -> None:
    """The end of the last verification, or the recovery; else nobody has seen it healthy."""
    seen = state((Phase.VERIFYING, 1, 9), (Phase.VERIFYING, 10, 20), (Phase.FINISHING, 20, None))
    account = account_of(REQUEST, seen.model_copy(update={"verified": verified}), outcome, at(99))
    assert account.healthy_at == (None if healthy is None else at(healthy))
    assert account.illness == "PodsNotReady"


def test_waits_are_added_up_by_name() -> None:
    """Held twice, once to the very end; what was blocked is counted as it happened."""
    waited = state(
        (Phase.HELD, 0, 10), (Phase.PLANNING, 10, 11), (Phase.HELD, 11, None), blocked_seconds=7.5
    )
    account = account_of(REQUEST, waited, Outcome.ABORTED, at(20))
    assert account.waited == {"Held": 19.0, "Blocked": 7.5}


def test_a_decision_of_a_person_is_remembered() -> None:
    """Whoever counts false alarms leaves those out in which somebody had a hand."""
    decided = account_of(REQUEST, state(decisions=("Retry by ada",)), Outcome.RECOVERED, T0)
    assert decided.decided
    assert not account_of(REQUEST, state(), Outcome.RECOVERED, T0).decided
