"""What is kept of a failover when it ends, where a list of thousands can read it without asking for each."""

from __future__ import annotations

from datetime import datetime

from failover.domain.phases import BLOCKED, Outcome, Phase
from failover.domain.request import Account, FailoverRequest, State

_WAITS = (Phase.AWAITING_APPROVAL, Phase.HELD, Phase.WAITING_FOR_CLUSTER)


def account_of(request: FailoverRequest, state: State, outcome: Outcome, now: datetime) -> Account:
    """The account of a failover that ends like this now."""
    return Account(
        illness=request.trigger.reason,
        healthy_at=_healthy_at(state, outcome, now),
        waited=_waited(state, now),
        decided=bool(state.decisions),
    )


def _healthy_at(state: State, outcome: Outcome, now: datetime) -> datetime | None:
    """When it was seen healthy: the copy where it has moved, itself where it has recovered."""
    if outcome is Outcome.RECOVERED:
        return now
    if outcome is not Outcome.COMPLETED or not state.verified:
        return None
    seen = [each.ended_at for each in state.steps if each.phase is Phase.VERIFYING]
    return next((each for each in reversed(seen) if each is not None), None)


def _waited(state: State, now: datetime) -> dict[str, float]:
    found: dict[str, float] = {BLOCKED: state.blocked_seconds} if state.blocked_seconds else {}
    for step in state.steps:
        if step.phase in _WAITS:
            took = ((step.ended_at or now) - step.started_at).total_seconds()
            found[step.phase.value] = found.get(step.phase.value, 0.0) + took
    return found
