"""Many tolerations that end together: the last of them lie in a queue until a worker has room."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.api.enums.v1 import PendingActivityState

from failover.domain.phases import Action, Outcome
from failover.temporal import CROWD_QUEUE
from tests.support.saga import Application, Saga, policy_of
from tests.support.waiting import eventually
from worker import CROWD_CAPTURES_MAX

TOLERATION = 40
CROWD = 2 * CROWD_CAPTURES_MAX
SECONDS = 240.0


async def lies_in_the_queue(app: Application) -> bool:
    """Whether its capture was asked for, and no worker has taken it up."""
    described = await app.run.describe()
    return any(
        each.activity_type.name == "capture_and_stage"
        and each.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
        for each in described.raw_description.pending_activities
    )


async def queued(apps: list[Application]) -> list[Application]:
    """Those that lie in the queue, once there are three."""

    async def three() -> list[Application] | None:
        lying = await asyncio.gather(*(lies_in_the_queue(app) for app in apps))
        found = [app for app, lies in zip(apps, lying, strict=True) if lies]
        return found if len(found) > 2 else None

    return await eventually(three, f"captures lie in {CROWD_QUEUE}", seconds=TOLERATION)


@pytest.mark.long
async def test_a_crowd_is_moved_and_can_be_steered(saga: Saga) -> None:
    """All end well; one that is aborted while it lies in the queue, and one that recovers there, stay untouched."""
    apps = list(await asyncio.gather(*(saga.ill_application("crowded") for _ in range(CROWD))))
    await asyncio.gather(*(app.start(policy_of(app.name, toleration=TOLERATION)) for app in apps))
    aborted, recovered, *_ = reversed(await queued(apps))
    await recovered.recover()
    await aborted.resolve(Action.ABORT, note="not this one")
    ending = await aborted.ends()
    assert ending.outcome is Outcome.ABORTED, ending
    await aborted.was_never_written()
    ending = await recovered.ends(seconds=SECONDS)
    assert ending.outcome is Outcome.RECOVERED, ending
    await recovered.was_never_written()
    others = [app for app in apps if app not in (aborted, recovered)]
    await asyncio.gather(*(app.moved("west", seconds=SECONDS) for app in others))
