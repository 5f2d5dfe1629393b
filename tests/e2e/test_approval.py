"""Mode Confirm: a person sees the plan before anything is touched."""

from __future__ import annotations

import pytest
from temporalio.client import WorkflowUpdateFailedError

from failover.domain.phases import Outcome
from tests.support.saga import Application, Saga, policy_of
from tests.support.waiting import eventually


async def waiting(saga: Saga, name: str) -> Application:
    """A failover that waits for approval."""
    app = await saga.ill_application(name)
    await app.start(policy_of(app.name, mode="Confirm"))
    await app.shows("AwaitingApproval")
    return app


async def test_an_approved_plan_is_carried_out(saga: Saga) -> None:
    """Approval of the very digest lets it go on; before it, nothing was written."""
    app = await waiting(saga, "approved")
    await app.was_never_written()
    status = await app.status()
    assert status.plan is not None
    assert status.plan.target == "west"
    await app.approve(status.plan_digest)
    ending = await app.moved("west")
    assert ending.result is not None
    assert any("approved by tests" in each for each in ending.result.decisions)


async def test_a_denied_plan_ends_the_failover(saga: Saga) -> None:
    """A denial ends it as Aborted, with nothing written."""
    app = await waiting(saga, "denied")
    await app.deny((await app.status()).plan_digest)
    ending = await app.untouched(Outcome.ABORTED)
    assert "not today" in ending.message
    await app.was_never_written()


async def test_a_wrong_digest_is_refused(saga: Saga) -> None:
    """An approval of another plan than the one that waits does not enter the history."""
    app = await waiting(saga, "mistaken")
    with pytest.raises(WorkflowUpdateFailedError) as raised:
        await app.approve("0123456789abcdef")
    assert "the plan has changed" in str(raised.value.cause)
    await app.deny((await app.status()).plan_digest)
    await app.untouched(Outcome.ABORTED)


async def test_a_changed_plan_asks_anew(saga: Saga) -> None:
    """After a retarget the old digest approves nothing; the new plan waits for its own approval."""
    app = await waiting(saga, "changed")
    old = (await app.status()).plan_digest
    await app.retarget("north")

    async def planned_anew() -> str:
        status = await app.status()
        waits = status.phase == "AwaitingApproval"
        return status.plan_digest if waits and status.plan_digest != old else ""

    new = await eventually(planned_anew, "a plan for north waits")
    with pytest.raises(WorkflowUpdateFailedError):
        await app.approve(old)
    await app.approve(new)
    await app.moved("north")
