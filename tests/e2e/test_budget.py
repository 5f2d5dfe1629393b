"""A ping-pong ends in Held: an application is moved by itself only so often, and not without a rest."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import WorkflowUpdateFailedError

from failover.domain.phases import Action, Outcome, Phase
from failover.domain.policy import Policy
from failover.domain.record import counted_of
from tests.support.chronicle import Chronicle
from tests.support.saga import NAMESPACE, Application, Case, Saga, play, policy_of, report
from tests.support.waiting import eventually
from triggers.pausing import wake

Played = dict[str, BaseException | None]

RESTS_SECONDS = 8
"""How long a cool-down lasts yet when its failover begins: one wait of Held is longer."""


async def steps(app: Application, name: str) -> int:
    """How many steps of this kind its run has had so far."""
    return len((await Chronicle.of(app.run)).given_out(name))


def policy(app: Application, **budget: Any) -> Policy:
    """A budget of its own."""
    return policy_of(app.name, budget={"coolDownSeconds": 0, **budget})


async def ill_again(saga: Saga, name: str, **budget: Any) -> Application:
    """Moved to west once, and ill there too."""
    app = await saga.ill_application(name)
    await app.start(policy(app, **budget))
    await app.moved("west")
    there = await app.running("west")
    app.home, app.uid = "west", there["metadata"]["uid"]
    await app.fall_ill()
    return app


async def exhausted(saga: Saga) -> None:
    """Held, untouched, with a person called; who then says why it goes on."""
    app = await ill_again(saga, "bounces", maxFailovers=1)
    await app.start(policy(app, maxFailovers=1))
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


async def cooling_down(saga: Saga) -> None:
    """The budget has room, its rest is not over: held, untouched, and it goes on when it is, without anybody."""
    app = await ill_again(saga, "rests")
    (before,) = counted_of(await app.record("west") or {})
    since = (datetime.now(UTC) - before.at).total_seconds()
    await app.start(policy(app, coolDownSeconds=int(since) + RESTS_SECONDS))
    await app.shows("Held", "CoolingDown")
    status = await app.status()
    assert status.message.startswith("its last move was begun at "), status.message
    assert status.budget is not None
    assert (status.budget.moves, status.budget.last_move_at) == (1, before.at)
    assert status.budget.next_move_at is not None
    assert not status.point_of_no_return_passed
    assert set(await app.copies()) == {"west"}
    ending = await app.ends()
    assert ending.outcome is Outcome.COMPLETED, ending
    assert ending.result is not None
    assert not ending.result.decisions
    purged = [each.started_at for each in ending.result.steps if each.phase is Phase.PURGING]
    assert min(purged) >= status.budget.next_move_at
    await app.lives_on(ending.result.target)
    await saga.recorder.never_two(NAMESPACE, app.name)


CASES: dict[str, Case] = {"exhausted": exhausted, "cooling-down": cooling_down}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(saga: Saga) -> Played:
    """Both, played side by side."""
    return await play(saga, CASES)


@pytest.mark.parametrize("case", CASES)
async def test_what_falls_ill_again_is_held(played: Played, case: str) -> None:
    """A ping-pong until a person lets it go on; what has only to rest until it has rested."""
    report(played, case)
