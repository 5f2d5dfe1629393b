"""When things happened in a failover, by the clock of Temporal's server: read from its history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHandle

from failover.domain.health import HealthStatus
from failover.domain.steps import CaptureAnswer, Observation, Seen, Staged

LOOKS = frozenset({"observe", "wait_out_toleration"})
CAPTURE = "capture_and_stage"


@dataclass(frozen=True)
class Sight:
    """How the application was seen to be, and when the workflow took it up."""

    at: datetime
    status: HealthStatus


@dataclass(frozen=True)
class Span:
    """How the application was seen to be, and for how long."""

    status: HealthStatus
    lasted: timedelta


@dataclass(frozen=True)
class Chronicle:
    """The events of one run, in order."""

    events: tuple[HistoryEvent, ...]

    @classmethod
    async def of(cls, run: WorkflowHandle[Any, Any]) -> Chronicle:
        """Read it as it is now."""
        return cls(tuple((await run.fetch_history()).events))

    @property
    def began(self) -> datetime:
        """When the run was started."""
        return _at(self.events[0])

    @property
    def tolerated_until(self) -> datetime:
        """When the toleration was over: the capture, the first effect of all, was done."""
        return next(_at(event) for event, answer in self._captures() if isinstance(answer, Staged))

    def given_out(self, step: str) -> list[datetime]:
        """When a step of this kind was given out, each time."""
        return [_at(event) for event in self.events if self._step(event.event_id) == step]

    def failed(self, step: str) -> list[datetime]:
        """When a step of this kind reported that it had failed, each time."""
        return [
            _at(event)
            for event in self.events
            if event.HasField("activity_task_failed_event_attributes")
            and self._step(event.activity_task_failed_event_attributes.scheduled_event_id) == step
        ]

    def spans(self) -> list[Span]:
        """How long the application was seen to be how until the toleration was over; ill at first."""
        end = self.tolerated_until
        later = (each for each in self._sights() if each.at < end)
        sights = [Sight(self.began, HealthStatus.UNHEALTHY), *later]
        ends = [*(each.at for each in sights[1:]), end]
        return [Span(each.status, end - each.at) for each, end in zip(sights, ends, strict=True)]

    def _sights(self) -> Iterator[Sight]:
        """What looks and waits have seen, among them a capture that waits until it is due."""
        seen = [
            (event.event_id, Observation.model_validate_json(answer))
            for event, step, answer in self._answers()
            if step in LOOKS and answer
        ]
        seen += [
            (event.event_id, answer.observation)
            for event, answer in self._captures()
            if isinstance(answer, Seen)
        ]
        for event_id, each in sorted(seen, key=lambda pair: pair[0]):
            yield Sight(self._taken_up(event_id), each.health.status)

    def _captures(self) -> Iterator[tuple[HistoryEvent, Any]]:
        for event, step, answer in self._answers():
            if step == CAPTURE:
                yield event, CaptureAnswer.model_validate_json(answer).answer

    def _answers(self) -> Iterator[tuple[HistoryEvent, str, bytes]]:
        """What each step has answered, as it travels: JSON."""
        for event in self.events:
            done = event.activity_task_completed_event_attributes
            if done.result.payloads:
                yield event, self._step(done.scheduled_event_id), done.result.payloads[0].data

    def _taken_up(self, event_id: int) -> datetime:
        """The moment that the workflow has for what it learned by this event."""
        tasks = (each.workflow_task_completed_event_attributes for each in self.events)
        started = next(each.started_event_id for each in tasks if each.started_event_id > event_id)
        return _at(self.events[started - 1])

    def _step(self, event_id: int) -> str:
        """The kind of the step that this event gave out; event ids begin with 1."""
        event = self.events[event_id - 1]
        return event.activity_task_scheduled_event_attributes.activity_type.name


def _at(event: HistoryEvent) -> datetime:
    return event.event_time.ToDatetime(tzinfo=UTC)
