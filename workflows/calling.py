"""Calling a person for as long as a failover waits for one, beside the wait and never in its way.

Rules kept here:
- One wait at a time. A task of its own calls, sleeps and calls again; the main task only says when a
  wait begins and when it is over, and waits for nothing until the run ends.
- Who was reached hears of the end. A call that is under way is let finish first, so that the
  end is the last thing that anybody hears.
- The workflow knows no receivers: the answer of each call says when the next one is due, also
  where there was nobody to call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.calling import Calling
    from failover.domain.calling.call import (
        GOES_ON,
        PATIENCE,
        Call,
        Called,
        CallRequest,
        OpenCall,
        retry_after,
    )
    from failover.domain.phases import Phase
from workflows import options


@dataclass
class _Wait:
    """A wait, as its own task sees it."""

    open: OpenCall
    over: bool = False


@dataclass
class Caller:
    """Who calls for a run. `shown` is called whenever there is something new to be shown."""

    shown: Callable[[], None]
    _wait: _Wait | None = None
    _tasks: dict[asyncio.Task[None], _Wait] = field(default_factory=dict[asyncio.Task[None], _Wait])
    _calls: int = 0

    @property
    def open(self) -> OpenCall | None:
        """The wait that goes on."""
        return self._wait.open if self._wait else None

    @property
    def told(self) -> str:
        """Who was called about it, as a sentence."""
        return self._wait.open.told if self._wait else ""

    @property
    def busy(self) -> bool:
        """Whether a call is under way, or somebody has to hear of an end: no moment to continue as new."""
        to_be_told = any(each.over and each.open.reached for each in self._tasks.values())
        return self._calls > 0 or to_be_told

    def resume(self, carried: OpenCall | None) -> None:
        """Go on where the run before this one has stopped."""
        if carried is not None:
            self._begin(carried)

    def begin(self, call: Call) -> None:
        """The run waits for this; a wait of the same kind goes on, with what is to be said now."""
        if self._wait is not None and self._wait.open.call.waiting == call.waiting:
            before = self._wait.open.call
            now = call.model_copy(update={"since": before.since, "reason": before.reason})
            self._wait.open = self._wait.open.model_copy(update={"call": now})
            return
        self.end()
        patience = PATIENCE[call.waiting]
        self._begin(OpenCall(call=call, again_at=workflow.now() + patience))

    def entered(self, phase: Phase) -> None:
        """A phase has begun: the wait is over, unless it is looked at again in this very phase."""
        if self._wait is not None and phase not in GOES_ON[self._wait.open.call.waiting]:
            self.end()

    def end(self) -> None:
        """The wait is over."""
        if self._wait is not None:
            self._wait.over = True
            self._wait = None

    async def settle(self) -> None:
        """Wait until all who have to hear of an end have heard of it, or were given up."""
        await workflow.wait_condition(lambda: not self._tasks)

    def _begin(self, opened: OpenCall) -> None:
        self._wait = _Wait(opened)
        task = asyncio.create_task(self._keep(self._wait))
        self._tasks[task] = self._wait
        task.add_done_callback(lambda done: self._tasks.pop(done, None))

    async def _keep(self, wait: _Wait) -> None:
        while wait.open.again_at is not None and not await self._over_within(wait):
            await self._call(wait)
            self.shown()
        await workflow.wait_condition(lambda: wait.over)
        if wait.open.reached:
            await self._ask(
                CallRequest(
                    call=wait.open.call,
                    number=wait.open.number,
                    only=wait.open.reached,
                    resolved=True,
                )
            )

    @staticmethod
    async def _over_within(wait: _Wait) -> bool:
        """Sleep until the next call is due; `True` where the wait is over before that."""
        assert wait.open.again_at is not None, "asked for a wait that calls"
        left = wait.open.again_at - workflow.now()
        if left > timedelta(0):
            try:
                await workflow.wait_condition(
                    lambda: wait.over, timeout=left, timeout_summary="call a person"
                )
            except TimeoutError:
                return wait.over
        return wait.over

    async def _call(self, wait: _Wait) -> None:
        before = wait.open
        request = CallRequest(call=before.call, number=before.number, only=before.again_only)
        answer = await self._ask(request)
        now = workflow.now()
        # What is said of the wait may have changed meanwhile: only what this task owns is set.
        if answer is None:
            changes: dict[str, Any] = {
                "number": before.number + 1,
                "called_at": now,
                "problems": ("the worker gave no answer",),
                "again_at": now + retry_after(before.number),
            }
        else:
            changes = _after(before, answer, now)
        wait.open = wait.open.model_copy(update=changes)

    async def _ask(self, request: CallRequest) -> Called | None:
        what = "is over" if request.resolved else request.call.reason
        self._calls += 1
        try:
            return await workflow.execute_activity_method(
                Calling.call_person,
                request,
                summary=f"call a person: {request.call.waiting} {what}",
                **options.telling(),
            )
        except ActivityError:
            workflow.logger.warning("nobody could be called", extra={"reason": request.call.reason})
            return None
        finally:
            self._calls -= 1


def _after(before: OpenCall, answer: Called, now: datetime) -> dict[str, Any]:
    """What an answer changes of a wait."""
    again = answer.again_in_seconds
    asked = bool(answer.reached or answer.problems)
    return {
        "number": before.number + (1 if asked else 0),
        "called_at": now if asked else before.called_at,
        "reached": tuple(dict.fromkeys((*before.reached, *answer.reached))),
        "problems": answer.problems,
        "again_at": None if again is None else now + timedelta(seconds=again),
        "again_only": answer.again_only,
    }
