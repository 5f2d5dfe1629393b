"""The schedule of sweeps: there from the first worker's start, and as the newest one wants it.

A person may pause it (`temporal schedule toggle --schedule-id sweep --pause`); it stays so.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from failover.domain.sweeping import SweepRequest
from failover.temporal import SWEEP_ID, SWEEP_WORKFLOW, TASK_QUEUE, TASK_TIMEOUT
from triggers.asking import CALL_TIMEOUT, asking

SWEEP_MAX = timedelta(minutes=10)
"""A sweep that takes longer has an end all the same: the next one is skipped while it runs."""


async def ensure_sweeps(client: Client, every: timedelta) -> None:
    """Have a sweep begin so often, unless one is running. Raises `TemporalUnreachable` and its kin."""
    with asking("schedule the sweeps"):
        try:
            await client.create_schedule(
                SWEEP_ID, _schedule(every, ScheduleState()), rpc_timeout=CALL_TIMEOUT
            )
        except ScheduleAlreadyRunningError:
            handle = client.get_schedule_handle(SWEEP_ID)
            await handle.update(lambda found: _updated(found, every), rpc_timeout=CALL_TIMEOUT)


def _updated(found: ScheduleUpdateInput, every: timedelta) -> ScheduleUpdate | None:
    """Nothing where it is as wanted; what a person has set (paused or not, and why) stays."""
    there = found.description.schedule
    wanted = _schedule(every, there.state)
    action = there.action
    same = (
        there.spec.intervals == wanted.spec.intervals
        and isinstance(action, ScheduleActionStartWorkflow)
        and (action.workflow, action.task_queue) == (SWEEP_WORKFLOW, TASK_QUEUE)
        and there.policy.overlap == wanted.policy.overlap
    )
    return None if same else ScheduleUpdate(wanted)


def _schedule(every: timedelta, state: ScheduleState) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            SWEEP_WORKFLOW,
            SweepRequest(),
            id=SWEEP_ID,
            task_queue=TASK_QUEUE,
            task_timeout=TASK_TIMEOUT,
            execution_timeout=SWEEP_MAX,
            static_summary="look at all applications under protection",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)]),
        policy=SchedulePolicy(
            overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(seconds=60)
        ),
        state=state,
    )
