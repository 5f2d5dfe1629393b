"""`SweepWorkflow`: one look at all applications under protection; a schedule starts it every minute.

After a look at very many it rests: while it is open the schedule starts no other.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from failover.domain.sweeping import SweepRequest, Swept, rest_after
    from failover.temporal import SWEEP_ACTIVITY
from workflows import options

TRIES_MAX = 3
"""The next sweep is another try."""


@workflow.defn(name="Sweep")
class SweepWorkflow:
    """Sweeps once; its result says what was seen and done."""

    @workflow.run
    async def run(self, request: SweepRequest) -> Swept:
        """Sweep, and rest as long as that was work."""
        # By its name: what starts failovers stands with the triggers, which workflows do not know.
        swept: Swept = await workflow.execute_activity(
            SWEEP_ACTIVITY,
            request,
            result_type=Swept,
            summary="look at all applications under protection",
            start_to_close_timeout=timedelta(minutes=5),
            heartbeat_timeout=options.HEARTBEAT_WAIT,
            retry_policy=RetryPolicy(
                initial_interval=timedelta(seconds=1), maximum_attempts=TRIES_MAX
            ),
        )
        workflow.set_current_details(str(swept))
        if rest := rest_after(swept.protected):
            await workflow.sleep(rest, summary=f"rest after a look at {swept.protected}")
        return swept
