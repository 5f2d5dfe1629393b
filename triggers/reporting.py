"""Telling Temporal of unhealthy applications: a bounded number at once, each until it is answered.

What is queued is only who is to be reported; what is said is asked for in the moment of saying it,
so that a report that waited out Temporal's absence speaks of now, or is not made at all.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TypeAlias, assert_never

from prometheus_client import Gauge

from failover.domain.errors import FailoverError, TransientError
from failover.domain.identity import ApplicationRef, failover_id
from failover.domain.request import FailoverRequest
from failover.domain.sighting import Answer
from failover.temporal import TemporalUnreachable
from triggers.requesting import NotStarted
from triggers.starting import DifferentIncident, Merged, Start, Started

logger = logging.getLogger("watcher")

IN_FLIGHT_MAX = 50
BACK_OFF_SECONDS = 0.2
BACK_OFF_SECONDS_MAX = 10.0
COMPLAIN_EVERY_SECONDS = 60.0

Subject: TypeAlias = tuple[str, ApplicationRef]
"""A cluster, and an application on it."""


class Reporter:
    """Reports subjects, one after the other and some side by side."""

    def __init__(
        self,
        start: Callable[[FailoverRequest], Awaitable[Start]],
        request: Callable[[Subject], FailoverRequest | None],
        answered: Callable[[Subject, FailoverRequest, Answer, str], None],
        unreachable: Gauge,
    ) -> None:
        """`request` says what there is to say of a subject now, if anything."""
        self._start, self._request, self._answered = start, request, answered
        self._unreachable = unreachable
        self._waiting: asyncio.Queue[Subject] = asyncio.Queue()
        self._known: set[Subject] = set()
        self._complained_at: float | None = None

    def report(self, subject: Subject) -> None:
        """Report this; once, however often it is asked for before it is done."""
        if subject not in self._known:
            self._known.add(subject)
            self._waiting.put_nowait(subject)

    async def run(self) -> None:
        """Report, for ever."""
        async with asyncio.TaskGroup() as group:
            for _ in range(IN_FLIGHT_MAX):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            subject = await self._waiting.get()
            try:
                told = await self._tell(subject)
            finally:
                self._known.discard(subject)
            if told is not None:
                self._answered(subject, *told)

    async def _tell(self, subject: Subject) -> tuple[FailoverRequest, Answer, str] | None:
        attempts = 0
        while (request := self._request(subject)) is not None:
            try:
                start = await self._start(request)
            except TransientError as error:
                self._complain(error)
                attempts += 1
                await asyncio.sleep(_back_off_seconds(attempts))
            except NotStarted as error:
                self._reached()
                return request, Answer.NOT_STARTED, error.message
            except FailoverError as error:
                return request, Answer.REFUSED, error.message
            else:
                self._reached()
                return request, *_answer(start, request)
        return None

    def _complain(self, error: TransientError) -> None:
        now = asyncio.get_running_loop().time()
        if isinstance(error, TemporalUnreachable):
            self._unreachable.set(1)
        if self._complained_at is None or now - self._complained_at >= COMPLAIN_EVERY_SECONDS:
            self._complained_at = now
            text = "%s; %d applications wait to be reported"
            logger.warning(text, error.message, len(self._known), extra={"reason": error.reason})

    def _reached(self) -> None:
        if self._complained_at is not None:
            self._complained_at = None
            logger.info("Temporal answers again")
        self._unreachable.set(0)


def _answer(start: Start, request: FailoverRequest) -> tuple[Answer, str]:
    name = failover_id(request.application)
    match start:
        case Started():
            return Answer.STARTED, f"{name} has begun: {request.trigger.message}"
        case Merged():
            return Answer.MERGED, f"{name} is under way, and was told to look"
        case DifferentIncident():
            return Answer.DIFFERENT_INCIDENT, start.message
        case _:
            assert_never(start)


def _back_off_seconds(attempts: int) -> float:
    longest = min(BACK_OFF_SECONDS * 2.0 ** min(attempts, 10), BACK_OFF_SECONDS_MAX)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
