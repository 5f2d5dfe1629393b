"""Calling a person: the receivers of the worker's own file, each tried a few times, side by side.

Which receivers there are is no business of a workflow: the answer says who was reached and when to
call again; with nobody to call, when to ask again, since a worker may be given a receiver later.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from temporalio import activity

from activities.attempts import effect
from failover.domain.calling.call import (
    Called,
    CallRequest,
    look_after,
    repeat_after,
    retry_after,
)
from failover.domain.calling.receivers import Receiver
from failover.domain.calling.wording import facts
from failover.receivers.reading import ReceiverFile
from failover.receivers.sending import Answer, send
from failover.telemetry import Metrics
from failover.temporal import ui_link

logger = logging.getLogger(__name__)

LAPSE = timedelta(minutes=5)
"""How long after a call that does not come Alertmanager still believes the last one. Tries to reach
another receiver, which are for that one alone, may take two intervals before all are called again."""


@dataclass(frozen=True)
class Calling:
    """Says that a failover waits for a person; nothing depends on it."""

    receivers: ReceiverFile | None
    metrics: Metrics
    ui: str = ""
    runbook: str = ""

    @activity.defn
    @effect
    async def call_person(self, request: CallRequest) -> Called:
        """Tell everybody who wants to hear of it; who is not reached is told, and tried again later."""
        if self.receivers is None:
            return _nobody(request)
        current = await asyncio.to_thread(self.receivers.current)
        meant = current.meant(request.call.waiting, request.only)
        if request.resolved:
            meant = tuple(each for each in meant if each.wants_resolved)
        if not meant:
            return _nobody(request)
        interval = timedelta(seconds=current.repeat_seconds)
        pause = repeat_after(interval, request.number)
        answers = await self._send(meant, request, lasts=3 * pause + LAPSE)
        reached = tuple(name for name, answer in answers if answer.ok)
        missed = tuple(name for name, answer in answers if not answer.ok)
        problems = tuple(f"{name} ({answer.told})" for name, answer in answers if not answer.ok)
        sooner = missed and retry_after(request.number) < pause
        again = retry_after(request.number) if sooner else pause
        return Called(
            reached=reached,
            problems=problems,
            again_in_seconds=again.total_seconds(),
            again_only=missed if sooner else (),
        )

    async def _send(
        self, meant: tuple[Receiver, ...], request: CallRequest, *, lasts: timedelta
    ) -> list[tuple[str, Answer]]:
        now = activity.info().current_attempt_scheduled_time  # by the clock of Temporal's server
        told = self._facts(request, now)
        answers = await asyncio.gather(*(send(each, told, now, lasts) for each in meant))
        found = list(zip((each.name for each in meant), answers, strict=True))
        for name, answer in found:
            self._tell(name, answer, request)
        return found

    def _facts(self, request: CallRequest, now: datetime) -> dict[str, Any]:
        info = activity.info()
        link = ui_link(self.ui, info.namespace, info.workflow_id or "", info.workflow_run_id or "")
        return facts(
            request.call,
            now,
            number=request.number,
            resolved=request.resolved,
            link=link,
            runbook=self.runbook,
        )

    def _tell(self, name: str, answer: Answer, request: CallRequest) -> None:
        done = "Resolved" if request.resolved else "Called"
        self.metrics.calls.labels(name, done if answer.ok else "Failed").inc()
        what = "was told" if answer.ok else "was not reached"
        logger.log(
            logging.INFO if answer.ok else logging.WARNING,
            "the receiver %s %s: %s",
            name,
            what,
            answer.told,
            extra={
                "workload": request.call.application.key,
                "failover": request.call.failover,
                "reason": request.call.reason,
            },
        )


def _nobody(request: CallRequest) -> Called:
    """There is nobody to call yet; both moments are those of Temporal's server."""
    if request.resolved:
        return Called()
    waited = activity.info().current_attempt_scheduled_time - request.call.since
    return Called(again_in_seconds=look_after(waited).total_seconds())
