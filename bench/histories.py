"""What one failover's history says: its deadlines, its end, who worked on it, what timed out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

CLOSED = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
    }
)


@dataclass(frozen=True)
class Account:
    """One run, in moments of Temporal's clock."""

    started_at: datetime
    closed_at: datetime | None
    completed: bool
    events: int
    tasks: int
    activity_timeouts: int
    """Attempts that ended by a timeout: a heartbeat that did not come, with a living worker."""
    task_timeouts: int
    """Workflow tasks that nobody took up, or finished, in time: the sticky timeout among them."""
    worker: str
    """The identity of the worker that has had the last workflow task."""
    steps: tuple[tuple[str, float, float], ...] = ()
    """Of each activity: its type, and when it was scheduled and completed, in seconds from the start."""

    def ends_tolerating_at(self, toleration_seconds: float) -> datetime:
        """The end of toleration: the run's start on the server, and the seconds of the policy."""
        return self.started_at + timedelta(seconds=toleration_seconds)


async def account(client: Client, workflow_id: str) -> Account:
    """Read the history of the newest run under this id."""
    history = await client.get_workflow_handle(workflow_id).fetch_history()
    events = list(history.events)
    closed = events[-1] if events[-1].event_type in CLOSED else None
    started = _time(events[0])
    tasks = [e for e in events if e.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED]
    retried = sum(
        e.activity_task_started_event_attributes.attempt - 1
        for e in events
        if e.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED
    )
    return Account(
        started_at=started,
        closed_at=_time(closed) if closed else None,
        completed=events[-1].event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
        events=len(events),
        tasks=len(tasks),
        activity_timeouts=retried + _count(events, EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT),
        task_timeouts=_count(events, EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT),
        worker=tasks[-1].workflow_task_started_event_attributes.identity if tasks else "",
        steps=tuple(_steps(events, started)),
    )


def _count(events: list[HistoryEvent], kind: EventType.ValueType) -> int:
    return sum(1 for event in events if event.event_type == kind)


def _steps(events: list[HistoryEvent], started: datetime) -> list[tuple[str, float, float]]:
    """When each activity that has ended well was asked for and answered."""
    asked = {
        e.event_id: (e.activity_task_scheduled_event_attributes.activity_type.name, _time(e))
        for e in events
        if e.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    }
    steps: list[tuple[str, float, float]] = []
    for event in events:
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
            done = event.activity_task_completed_event_attributes
            name, at = asked[done.scheduled_event_id]
            steps.append(
                (name, (at - started).total_seconds(), (_time(event) - started).total_seconds())
            )
    return steps


def _time(event: HistoryEvent) -> datetime:
    return event.event_time.ToDatetime(tzinfo=UTC)
