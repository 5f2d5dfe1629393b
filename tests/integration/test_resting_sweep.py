"""A sweep of very many rests, in a timer that anybody can see."""

from __future__ import annotations

import pytest
from temporalio import activity
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from devstack.world import World
from failover.domain.sweeping import SWEPT_A_MINUTE, SweepRequest, Swept, rest_after
from failover.temporal import SWEEP_ACTIVITY, SWEEP_ID
from tests.support.namespaces import namespaced
from workflows.sweep import SweepWorkflow

MANY = SWEPT_A_MINUTE * 61 // 60
"""They are worth a second's rest."""


@pytest.mark.parametrize("protected", [MANY - SWEPT_A_MINUTE, MANY])
async def test_a_sweep_of_very_many_rests(world: World, protected: int) -> None:
    """Its run is open as long, so that the schedule starts no other; of a few it ends at once."""

    @activity.defn(name=SWEEP_ACTIVITY)
    async def look(_: SweepRequest) -> Swept:
        return Swept(protected=protected)

    client = await namespaced(world)
    async with Worker(
        client,
        task_queue="sweeps",
        workflows=[SweepWorkflow],
        activities=[look],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        handle = await client.start_workflow(
            SweepWorkflow.run, SweepRequest(), id=SWEEP_ID, task_queue="sweeps"
        )
        assert await handle.result() == Swept(protected=protected)
    history = await handle.fetch_history()
    timers = [
        each.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
        for each in history.events
        if each.HasField("timer_started_event_attributes")
    ]
    assert timers == ([rest_after(MANY)] if protected == MANY else [])
