"""A ping-pong ends in Held: an application is moved by itself only so often, then a person decides."""

from __future__ import annotations

import pytest
from temporalio.client import WorkflowUpdateFailedError

from failover.domain.phases import Action, Outcome
from failover.domain.policy import Policy
from tests.support.chronicle import Chronicle
from tests.support.saga import NAMESPACE, Application, Saga, policy_of
from tests.support.waiting import eventually
from triggers.pausing import wake


def policy(app: Application) -> Policy:
    """One move an hour by itself."""
    return policy_of(app.name, budget={"maxFailovers": 1, "coolDownSeconds": 0})


async def steps(app: Application, name: str) -> int:
    """How many steps of this kind its run has had so far."""
    return len((await Chronicle.of(app.run)).given_out(name))


async def test_a_ping_pong_is_held_until_a_person_lets_it_go_on(saga: Saga) -> None:
    """Moved once, and ill there too: held, untouched, with a person called; who then says why it goes on."""
    app = await saga.ill_application("bounces")
    await app.start(policy(app))
    await app.moved("west")
    there = await app.running("west")
    app.home, app.uid = "west", there["metadata"]["uid"]
    await app.fall_ill()
    await app.start(policy(app))
    await app.shows("Held", "BudgetExhausted")
    status = await app.status()
    assert "moved once in the last 60 min" in status.message
    assert f"failover skip flinkdeployment/{app.name} -n saga" in status.message
    assert not status.point_of_no_return_passed
    assert status.budget is not None
    assert (status.budget.moves, status.budget.max_failovers) == (1, 1)
    assert status.budget.next_move_at is not None
    assert set(await app.copies()) == {"west"}
    looked, planned = await steps(app, "observe"), await steps(app, "plan_failover")
    await wake(saga.client, app.run.id)

    async def looked_at() -> bool:
        return await steps(app, "observe") > looked

    await eventually(looked_at, "a wake makes it look")
    assert await steps(app, "plan_failover") == planned, "nothing has changed"

    async def called() -> bool:
        return any(each["reason"] == "FailoverHeld" for each in await app.events("west"))

    await eventually(called, "an Event calls a person")
    with pytest.raises(WorkflowUpdateFailedError):
        await app.resolve(Action.SKIP)
    await app.resolve(Action.SKIP, note="west is taken out of service")
    ending = await app.ends()
    assert ending.outcome is Outcome.COMPLETED, ending
    assert ending.result is not None
    assert any("west is taken out of service" in each for each in ending.result.decisions)
    await app.lives_on(ending.result.target)
    await saga.recorder.never_two(NAMESPACE, app.name)
    assert ending.result.plan is not None
    assert [each.reason for each in ending.result.plan.warnings][:1] == ["BudgetExhausted"]
