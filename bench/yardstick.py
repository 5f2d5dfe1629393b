"""A yardstick: what this machine takes, right now, for something that is not ours.

Machines of the same kind differ by a factor, and one machine does from hour to hour. The yardstick is a workflow
of five empty activities on the same Temporal server, with the settings of the devstack, one run after the other.
"""

from __future__ import annotations

import statistics
import time
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

QUEUE = "yardstick"
ACTIVITIES = 5
RUNS, WARM = 30, 5


@activity.defn(name="nothing")
async def nothing(number: int) -> int:
    """Answer at once."""
    return number


@workflow.defn(name="Yardstick")
class Yardstick:
    """Empty activities, one after the other."""

    @workflow.run
    async def run(self, count: int) -> int:
        """Ask for so many."""
        for number in range(count):
            await workflow.execute_activity(
                nothing, number, start_to_close_timeout=timedelta(seconds=10)
            )
        return count


async def five_empty_activities(client: Client) -> float:
    """Seconds from start to result, the median of thirty runs."""
    times: list[float] = []
    async with Worker(client, task_queue=QUEUE, workflows=[Yardstick], activities=[nothing]):
        for number in range(WARM + RUNS):
            begin = time.perf_counter()
            await client.execute_workflow(
                Yardstick.run, ACTIVITIES, id=f"yardstick-{number}", task_queue=QUEUE
            )
            times.append(time.perf_counter() - begin)
    return statistics.median(times[WARM:])
