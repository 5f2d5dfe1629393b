"""What every activity shares: heartbeats, the end of an attempt, and errors on Temporal's wire.

Rules kept here:
- A step heartbeats often enough that neither a pause of a second nor a lost answer makes it look dead,
  and no more often: each heartbeat is a write for Temporal's database.
- A step changes nothing once its own attempt may have timed out: a process that was frozen finds out
  by its own monotonic clock as each change is about to be sent.
- A domain error becomes an `ApplicationError` here and nowhere else: never retried by the server,
  its type the reason, its details whether another try may help.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from datetime import datetime
from typing import Any, ParamSpec, TypeVar

from temporalio import activity
from temporalio.exceptions import ApplicationError

from failover.domain.errors import Conflict, FailoverError
from failover.domain.identity import ApplicationRef
from failover.domain.manifest import Manifest, resource_version_of
from failover.fleet import BEFORE_CHANGES, Cluster
from failover.records import AttemptOver, read_head

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger(__name__)

SLACK_SHARE, SLACK_SECONDS_MAX = 0.7, 8.0
"""How much of the heartbeat timeout may go by between a heartbeat being due and its arrival: 1.4 of 2 seconds."""


class Attempt:
    """One attempt of one activity, and whether Temporal may still believe in it."""

    def __init__(self, heartbeat_timeout_seconds: float) -> None:
        self._limit_seconds = heartbeat_timeout_seconds
        self._loop = asyncio.get_running_loop()
        self._last_beat = self._loop.time()
        self.delete_accepted = False
        """Set by a purge: whether a delete was accepted, or may have been."""
        self.wrote = activity.info().attempt > 1
        """Set by a capture: whether anything was written, or may have been, by a lost worker say."""

    def beat(self) -> None:
        """Tell Temporal that this attempt lives, and nothing else: what is seen may be secret."""
        self.check()
        activity.heartbeat()
        self._last_beat = self._loop.time()

    def check(self) -> None:
        """Raise `AttemptOver` if the last heartbeat is so old that another attempt may have begun."""
        age = self._loop.time() - self._last_beat
        if age >= self._limit_seconds:
            raise AttemptOver(f"this attempt was out of touch for {age:.1f} s; another one goes on")

    async def keep_beating(self) -> None:
        """Heartbeat for ever."""
        limit = self._limit_seconds
        every = limit - min(limit * SLACK_SHARE, SLACK_SECONDS_MAX)
        while True:
            await asyncio.sleep(every)  # a start needs no heartbeat: the server counts from it
            self.beat()


_current: ContextVar[Attempt] = ContextVar("attempt")


def current_attempt() -> Attempt:
    """The attempt that is running."""
    return _current.get()


def seconds_before_this_attempt() -> float:
    """How long earlier attempts of this activity took, by the server's clock: deadlines do not move."""
    info = activity.info()
    return (info.current_attempt_scheduled_time - info.scheduled_time).total_seconds()


def due_at(moment: datetime | None) -> float:
    """This moment of Temporal's clock on the event loop's clock; now, where there is none.

    Only a duration is measured here, from the start of this attempt, of which the server says when that was.
    """
    now = asyncio.get_running_loop().time()
    return now if moment is None else now + (moment - activity.info().started_time).total_seconds()


def still_as_read(
    cluster: Cluster, application: ApplicationRef, head: Manifest
) -> Callable[[], Awaitable[None]]:
    """Where no claim of ours covers a change: right before it, the record is still the one that was read."""

    async def check() -> None:
        now = await read_head(cluster, application)
        if now is None or resource_version_of(now) != resource_version_of(head):
            message = f"the record of {application} on {cluster.name} was changed by somebody else"
            raise Conflict(message)

    return check


async def to_the_end(work: Coroutine[Any, Any, R]) -> R:
    """Do this work whole: a cancellation that comes meanwhile has come too late."""
    working = asyncio.create_task(work)
    while not working.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([working])
    return working.result()


def effect(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Wrap an activity: heartbeats while it runs, errors as Temporal wants them."""

    @functools.wraps(function)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        timeout = activity.info().heartbeat_timeout
        attempt = Attempt(timeout.total_seconds() if timeout else float("inf"))
        token, unguarded = _current.set(attempt), BEFORE_CHANGES.set(attempt.check)
        beating = asyncio.create_task(attempt.keep_beating()) if timeout else None
        try:
            return await function(*args, **kwargs)
        except FailoverError as error:
            raise as_application_error(error, attempt) from error
        except ApplicationError:
            raise
        except Exception as error:
            logger.exception(
                "an activity failed in an unexpected way",
                extra={"step": activity.info().activity_type},
            )
            raise _unexpected(error, attempt) from error
        finally:
            if beating is not None:
                beating.cancel()
            _current.reset(token)
            BEFORE_CHANGES.reset(unguarded)

    return wrapped


def as_application_error(error: FailoverError, attempt: Attempt) -> ApplicationError:
    """The error as it stands in the history: reason, message, and whether another try may help."""
    details = _details(attempt, transient=error.transient)
    return ApplicationError(error.message, details, type=error.reason, non_retryable=True)


def _unexpected(error: Exception, attempt: Attempt) -> ApplicationError:
    """A bug, or something nobody thought of: a person has to look. Its text stays in the log."""
    message = f"unexpected {type(error).__name__}; see the worker's log at this time"
    details = _details(attempt, transient=False)
    return ApplicationError(message, details, type="Unexpected", non_retryable=True)


def _details(attempt: Attempt, *, transient: bool) -> dict[str, bool]:
    return {"transient": transient, "accepted": attempt.delete_accepted, "wrote": attempt.wrote}
