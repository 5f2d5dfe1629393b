"""A look at a protection takes place within its workflow task, unless it takes its time."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from devstack.world import World
from failover.domain.application import ApplicationLook, ApplicationSeen, Order
from failover.domain.identity import application_id
from failover.temporal import PROTECTION_QUEUE, ensure_search_attributes
from tests.support.namespaces import namespaced
from tests.support.orders import ORDERS
from tests.support.replaying import cut_off, replayer
from tests.support.waiting import eventually
from tests.unit.domain.test_protecting import WELL, declaration
from triggers import protecting
from workflows import options
from workflows.application import ApplicationWorkflow

FAILED = 3
looks: list[bool] = []
"""Whether each of them was within a workflow task."""


@activity.defn(name="look_at_application")
async def look_slowly(_: ApplicationLook) -> ApplicationSeen:
    """A cluster that does not answer holds up who looks within a workflow task; the second look fails."""
    looks.append(activity.info().is_local)
    if looks == [True]:
        await asyncio.Event().wait()
    if looks == [True, False, True]:
        raise ApplicationError("no", type="Forbidden", non_retryable=True)
    return ApplicationSeen(home=f"look-{len(looks)}", health=WELL)


async def test_a_slow_look_goes_on_in_an_activity(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The workflow task is answered in time, what is seen at last is shown, and all of it is replayed."""
    looks.clear()
    monkeypatch.setattr(options, "LOCAL_MAX", timedelta(seconds=0.2))
    client = await namespaced(world)
    await ensure_search_attributes(client)
    await protecting.declare(client, ORDERS, declaration())
    async with Worker(
        client,
        task_queue=PROTECTION_QUEUE,
        workflows=[ApplicationWorkflow],
        activities=[look_slowly],
        workflow_runner=UnsandboxedWorkflowRunner(),
        workflow_task_executor=ThreadPoolExecutor(1),
    ):

        async def lives_on(home: str) -> bool:
            found = await protecting.protection(client, ORDERS)
            return found is not None and found.view.known.home == home

        await eventually(lambda: lives_on("look-2"), "the look has come to an end")
        await protecting.wake(client, ORDERS)
        await eventually(lambda: len(looks) == FAILED, "a look has failed")
        await protecting.wake(client, ORDERS)
        await eventually(lambda: lives_on("look-4"), "it looks again")
        await protecting.unprotect(client, ORDERS, Order(actor="tests"))
        handle = client.get_workflow_handle(application_id(ORDERS))
        await handle.result()
    history = await handle.fetch_history()
    await replayer().replay_workflow(history)
    for stopped in cut_off(history):
        await replayer().replay_workflow(stopped)
    events = [each.event_type for each in history.events]
    assert events.count(EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED) == 1
    assert EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT not in events
