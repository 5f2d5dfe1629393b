"""How each kind of activity is run: timeouts and retries, named by intent.

An activity raises every error of ours as non-retryable, so these retry policies repeat only what
was lost: a dead worker, a lost answer. Counting attempts is the workflow's business.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NotRequired, TypedDict

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType

with workflow.unsafe.imports_passed_through():
    from failover.temporal import CROWD_QUEUE

LOST_WORKER = RetryPolicy(initial_interval=timedelta(seconds=0.2), backoff_coefficient=1.0)

HEARTBEAT_STEP = timedelta(seconds=2)
HEARTBEAT_WAIT = timedelta(seconds=15)
HEARTBEAT_LONG_WAIT = timedelta(seconds=60)
"""While tolerating nothing hangs on it: a timer is the deadline, and a look at its end decides. Each heartbeat
is a write for Temporal's database, and thousands may tolerate, or wait for their copies, at the same time."""
WAIT_MAX = timedelta(days=365)


class ActivityOptions(TypedDict):
    """Keyword arguments of `workflow.execute_activity`."""

    start_to_close_timeout: timedelta
    heartbeat_timeout: timedelta
    retry_policy: RetryPolicy
    cancellation_type: ActivityCancellationType
    task_queue: NotRequired[str]


EFFECT_MAX = timedelta(seconds=60)


def effect(*, limit: timedelta = EFFECT_MAX) -> ActivityOptions:
    """A step that changes or decides something: a lost worker is noticed within two seconds."""
    return ActivityOptions(
        start_to_close_timeout=limit,
        heartbeat_timeout=HEARTBEAT_STEP,
        retry_policy=LOST_WORKER,
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    )


class LocalOptions(TypedDict):
    """Keyword arguments of `workflow.execute_local_activity`."""

    start_to_close_timeout: timedelta
    retry_policy: RetryPolicy


LOCAL_MAX = timedelta(seconds=2)
"""Shorter than the workflow task in which it takes place (`TASK_TIMEOUT`): a longer one would be kept alive by tasks
that do nothing, and so stand in the history."""


def glance() -> LocalOptions:
    """A short look that writes nothing, within the workflow task: what is lost with the worker is looked at again."""
    return LocalOptions(
        start_to_close_timeout=LOCAL_MAX, retry_policy=RetryPolicy(maximum_attempts=1)
    )


def capture(ahead: timedelta, *, crowded: bool) -> ActivityOptions:
    """A capture that is asked for so long ahead; in a crowd a worker takes it up when it has room."""
    run_as = effect(limit=max(ahead, timedelta(0)) + EFFECT_MAX)
    if crowded:
        run_as["task_queue"] = CROWD_QUEUE
    return run_as


def wait(*, heartbeat: timedelta = HEARTBEAT_WAIT) -> ActivityOptions:
    """A wait that reports what it sees: cancelled without asking, since a timer is the deadline."""
    return ActivityOptions(
        start_to_close_timeout=WAIT_MAX,
        heartbeat_timeout=heartbeat,
        retry_policy=LOST_WORKER,
        cancellation_type=ActivityCancellationType.TRY_CANCEL,
    )


def telling() -> ActivityOptions:
    """Telling the world: tried a few times, never in the way."""
    return ActivityOptions(
        start_to_close_timeout=timedelta(seconds=20),
        heartbeat_timeout=HEARTBEAT_WAIT,
        retry_policy=RetryPolicy(initial_interval=timedelta(seconds=0.2), maximum_attempts=3),
        cancellation_type=ActivityCancellationType.TRY_CANCEL,
    )
