"""When things happened in a failover, by the clock of Temporal's server: read from its history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHandle

from failover.domain.health import HealthStatus
from failover.domain.steps import Observation

LOOKS = frozenset({"observe", "wait_out_toleration"})


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
    def planned(self) -> datetime:
        """When the toleration was over: the first plan was asked for."""
        return self.given_out("plan_failover")[0]

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
        sights = [Sight(self.began, HealthStatus.UNHEALTHY), *self._sights()]
        ends = [*(each.at for each in sights[1:]), self.planned]
        return [Span(each.status, end - each.at) for each, end in zip(sights, ends, strict=True)]

    def _sights(self) -> Iterator[Sight]:
        for event in self.events:
            done = event.activity_task_completed_event_attributes
            if self._step(done.scheduled_event_id) in LOOKS and _at(event) < self.planned:
                seen = Observation.model_validate_json(done.result.payloads[0].data)
                yield Sight(self._taken_up(event.event_id), seen.health.status)

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
