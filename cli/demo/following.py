"""One failover, followed from outside as it happens: Temporal's word for the steps, ours for the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any
from urllib.parse import quote

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from temporalio.service import RPCError

from cli.demo.narrator import ILL, Narrator
from cli.demo.stage import ORDERS, TOLERATION_SECONDS, DemoFailed, Stage
from failover.domain.identity import failover_id
from failover.domain.phases import Outcome, Phase
from failover.domain.request import FailoverResult, Status, StepEntry

ASK_EVERY_SECONDS = 0.1
DRAW_EVERY_SECONDS = 0.05
QUERY_TIMEOUT = timedelta(seconds=1)
DETECTED_SECONDS = 20.0

Tell = Callable[[StepEntry, Status], None]


class Following:
    """A failover that is under way."""

    def __init__(self, handle: WorkflowHandle[Any, Any], narrator: Narrator, tell: Tell) -> None:
        """`tell` says of each step, once it is over, what it has done."""
        self.status: Status | None = None
        self._handle, self._narrator, self._tell = handle, narrator, tell
        self._told = 0
        self._changed = asyncio.Event()

    @property
    def run_id(self) -> str:
        """The run, among those of the application."""
        return self._handle.run_id or ""

    @property
    def left(self) -> timedelta:
        """What is left of the toleration, by our own clock, which is the server's too here."""
        ends_at = self.status.toleration_ends_at if self.status else None
        whole = timedelta(seconds=TOLERATION_SECONDS)
        return whole if ends_at is None else max(ends_at - datetime.now(UTC), timedelta())

    async def until(self, holds: Callable[[Status], bool]) -> Status:
        """The first status for which this holds; the caller sets the deadline."""
        while self.status is None or not holds(self.status):
            self._changed.clear()
            await self._changed.wait()
        return self.status

    async def result(self) -> FailoverResult:
        """How it ended; anything but `Completed` fails the demo."""
        try:
            result: FailoverResult = await self._handle.result(follow_runs=False)
        except WorkflowFailureError as failure:
            raise DemoFailed(f"the failover failed: {failure.cause}") from failure
        if result.outcome is not Outcome.COMPLETED or result.leftovers:
            raise DemoFailed(f"the failover ended as {result.outcome}: {result.message}")
        if self.status is not None:
            self._tell_steps(
                self.status.model_copy(update={"steps": result.steps, "labels": result.labels})
            )
        return result

    async def ask(self) -> None:
        """Keep `status` fresh while somebody answers, and tell of each step that is over."""
        while True:
            try:
                status: Status = await self._handle.query(
                    "status", result_type=Status, rpc_timeout=QUERY_TIMEOUT
                )
            except RPCError:
                pass  # no worker is up at the moment, which the acts see to
            else:
                self.status = status
                self._tell_steps(status)
                self._changed.set()
            await asyncio.sleep(ASK_EVERY_SECONDS)

    async def draw(self) -> None:
        """Keep the live line on the terminal."""
        while True:
            self._draw_once()
            await asyncio.sleep(DRAW_EVERY_SECONDS)

    def _draw_once(self) -> None:
        phase = self.status.phase if self.status else Phase.TOLERATING
        if phase is Phase.TOLERATING and (left := self.left.total_seconds()) > 0:
            whole = ceil(left)
            self._narrator.waiting("tolerating", f"{whole} s left", seconds_left=whole)
        elif self.status is not None and self.status.block is not None:
            self._narrator.waiting("blocked", self.status.block.message)
        else:
            self._narrator.waiting(phase.value.lower(), "")

    def _tell_steps(self, status: Status) -> None:
        for step in status.steps[self._told :]:
            if step.ended_at is None:
                return
            self._narrator.settle()
            self._told += 1
            self._tell(step, status)


@asynccontextmanager
async def detected(
    stage: Stage, narrator: Narrator, tell: Tell, *, after: str = ""
) -> AsyncGenerator[Following, None]:
    """Wait until the watcher has started a run other than `after`, and follow that one."""
    try:
        async with asyncio.timeout(DETECTED_SECONDS):
            handle = await _new_run(stage.client, after)
    except TimeoutError:
        words = stage.world.part("watcher").last_words()
        message = f"the watcher started no failover in {DETECTED_SECONDS:g} s. {words}"
        raise DemoFailed(message) from None
    following = Following(handle, narrator, tell)
    asking = asyncio.create_task(following.ask())
    try:
        status = await following.until(lambda status: bool(status.trigger.reason))
        narrator.event(ILL, "detected", status.trigger.reason)
        narrator.more(status.trigger.message)
        drawing = asyncio.create_task(following.draw())
        try:
            yield following
        finally:
            drawing.cancel()
    finally:
        asking.cancel()
        narrator.settle()


async def _new_run(client: Client, after: str) -> WorkflowHandle[Any, Any]:
    """Asked of the server itself, never of visibility, which lags."""
    workflow_id = failover_id(ORDERS)
    while True:
        try:
            described = await client.get_workflow_handle(workflow_id).describe()
        except RPCError:
            pass  # there is none yet
        else:
            if described.run_id != after and described.status is WorkflowExecutionStatus.RUNNING:
                return client.get_workflow_handle(
                    workflow_id, run_id=described.run_id, result_type=FailoverResult
                )
        await asyncio.sleep(DRAW_EVERY_SECONDS)


def address_of(ui: str, run_id: str) -> str:
    """The run's page in Temporal's Web UI."""
    return f"{ui}/namespaces/default/workflows/{quote(failover_id(ORDERS), safe='')}/{run_id}"
