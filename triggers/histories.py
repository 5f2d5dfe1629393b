"""What a history says by itself, without any worker: the phases lived through, and the end.

A run writes its phases, and each reason of waiting, into the search attribute `FailoverPhase` the
moment they begin; its steps are activities, which tell the short ones. So the events alone give the timeline, which is all
there is when a run was terminated, or when nobody is there to answer a query.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory
from temporalio.converter import default

from failover.domain.phases import BLOCKED, RETRYING, Outcome, Phase
from failover.domain.request import StepEntry
from failover.domain.telling import PLAN_AHEAD, WHEN_DUE
from failover.temporal import SEARCH

_NOTE_LENGTH_MAX = 500
_OVER = frozenset(each.value for each in Outcome)
_PHASES = frozenset(each.value for each in Phase)
_LYING_OVER = frozenset({BLOCKED, RETRYING})
_SHORT = {
    "plan_failover": Phase.PLANNING,
    "capture_and_stage": Phase.CAPTURING,
    "start_on_target": Phase.STARTING,
}
"""Steps that are a phase by themselves, which search attributes do not show."""


@dataclass
class _Timeline:
    """The steps so far."""

    steps: list[StepEntry]

    def enter(self, phase: Phase, at: datetime) -> None:
        self.end(at)
        self.steps.append(StepEntry(phase=phase, started_at=at))

    def end(self, at: datetime) -> None:
        if self.steps and self.steps[-1].ended_at is None:
            self._change(ended_at=at)

    def note(self, text: str) -> None:
        self._change(note=text[:_NOTE_LENGTH_MAX])

    def attempt(self) -> None:
        if self.steps:
            self._change(attempts=self.steps[-1].attempts + 1)

    def _change(self, **changes: Any) -> None:
        if self.steps:
            self.steps[-1] = self.steps[-1].model_copy(update=changes)


def timeline_of(history: WorkflowHistory) -> tuple[StepEntry, ...]:
    """The phases, with start, end, number of attempts and the last thing that went wrong."""
    timeline = _Timeline([])
    for event in history.events:
        at = moment_of(event)
        match event.event_type:
            case EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
                _take_phase(timeline, event, at)
            case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                _take_step(timeline, event, at)
                timeline.attempt()
            case EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED:
                timeline.note(event.activity_task_failed_event_attributes.failure.message)
            case _ if event.event_type in _CLOSING:
                timeline.end(at)
            case _:
                continue
    return tuple(timeline.steps)


def failure_of(history: WorkflowHistory) -> str:
    """The last failure in a history, as a sentence; empty where nothing has failed."""
    for event in reversed(history.events):
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED:
            return event.activity_task_failed_event_attributes.failure.message
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
            return event.workflow_task_failed_event_attributes.failure.message
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
            return event.workflow_execution_terminated_event_attributes.reason
    return ""


def moment_of(event: HistoryEvent) -> datetime:
    """When it happened, by the server's clock."""
    at: Timestamp = event.event_time
    return at.ToDatetime(tzinfo=UTC)


_CLOSING = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,
    }
)


def _take_step(timeline: _Timeline, event: HistoryEvent, at: datetime) -> None:
    """A phase of one short step is told by that step, unless it is done ahead, while tolerating."""
    phase = _SHORT.get(event.activity_task_scheduled_event_attributes.activity_type.name)
    if phase is None or (timeline.steps and timeline.steps[-1].phase is phase):
        return
    summary = _first(default().payload_converter.from_payloads([event.user_metadata.summary]))
    if not summary.startswith(PLAN_AHEAD) and not summary.endswith(WHEN_DUE):
        timeline.enter(phase, at)


def _take_phase(timeline: _Timeline, event: HistoryEvent, at: datetime) -> None:
    written = event.upsert_workflow_search_attributes_event_attributes.search_attributes
    payload = written.indexed_fields.get(SEARCH.phase.name)
    if payload is None:
        return
    shown = _first(default().payload_converter.from_payloads([payload]))
    if shown in _LYING_OVER:
        return  # the phase under it goes on
    if shown in _OVER:
        timeline.end(at)
    elif shown in _PHASES and (
        not timeline.steps or timeline.steps[-1].phase != shown or timeline.steps[-1].ended_at
    ):
        timeline.enter(Phase(shown), at)


def _first(values: Iterable[Any]) -> str:
    """A Keyword travels as a string, or as a list of one."""
    for value in values:
        found = cast("list[object]", value) if isinstance(value, list) else [cast("object", value)]
        return str(found[0]) if found else ""
    return ""
