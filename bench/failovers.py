"""Failovers, many or one: begun so that their toleration ends together, and measured to their end."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.service import RPCError

from bench.applications import SOURCE, create_ill, request
from bench.arena import Arena
from bench.histories import Account, account
from failover.domain import telling
from failover.domain.identity import failover_id
from failover.temporal import FAILOVER_WORKFLOW, TASK_QUEUE, TASK_TIMEOUT

COPIED_SECONDS_MAX = 600.0
TOLERATION_SECONDS_LEAST = 2
"""Temporal rounds timers of less than a second up, which no failover in earnest would see."""
STARTS_MAX = 32


@dataclass(frozen=True)
class Begun:
    """A failover under way."""

    namespace: str
    name: str
    toleration_seconds: int
    handle: WorkflowHandle[object, object]

    @property
    def key(self) -> tuple[str, str]:
        """How the witness knows it."""
        return self.namespace, self.name


@dataclass(frozen=True)
class Moved:
    """A failover that is over, in seconds after its toleration ended."""

    copied: float
    """Until the labelled copy was seen on the target."""
    closed: float
    """Until the run was closed."""
    healthy: float
    """Until the new copy was seen to run; the stand-in operator's own time is in it."""
    due: datetime
    account: Account


async def begin(
    arena: Arena, namespace: str, names: Sequence[str], ends_at: float | None = None
) -> list[Begun]:
    """Put ill applications on the source and start their failovers.

    With `ends_at` (monotonic) all tolerations end within the second before it, else each takes two seconds.
    """
    uids = await create_ill(arena.world.api(SOURCE), namespace, names)
    starts = asyncio.Semaphore(STARTS_MAX)

    async def start(name: str) -> Begun:
        async with starts:
            left = math.floor(ends_at - time.monotonic()) if ends_at is not None else 0
            seconds = max(left, TOLERATION_SECONDS_LEAST)
            wanted = request(namespace, name, uids[name], seconds)
            handle: WorkflowHandle[object, object] = await arena.client.start_workflow(
                FAILOVER_WORKFLOW,
                wanted,
                id=failover_id(wanted.application),
                task_queue=TASK_QUEUE,
                task_timeout=TASK_TIMEOUT,
                static_summary=telling.summary(wanted),
                static_details=telling.static_details(wanted),
            )
            return Begun(namespace, name, seconds, handle)

    return list(await asyncio.gather(*(start(name) for name in names)))


async def copied(arena: Arena, begun: Sequence[Begun]) -> None:
    """Return when every labelled copy is on the target."""
    keys = [each.key for each in begun]
    seen = arena.witness.copied_at
    await arena.witness.until(lambda: all(key in seen for key in keys), COPIED_SECONDS_MAX)


async def completed(arena: Arena, begun: Begun) -> Moved:
    """Wait for the end of one failover, which has to be a good one, and read its history."""
    while True:
        try:
            await begun.handle.result()
        except RPCError:
            continue  # the server was away; the run is not
        except WorkflowFailureError as failure:
            raise RuntimeError(f"{begun.key} was not moved: {failure.cause}") from failure
        break
    told = await account(arena.client, begun.handle.id)
    due = told.ends_tolerating_at(begun.toleration_seconds)
    assert told.closed_at is not None, "its result was there"
    healthy = arena.witness.healthy_at.get(begun.key, told.closed_at)
    return Moved(
        copied=_after(due, arena.witness.copied_at[begun.key]),
        closed=_after(due, told.closed_at),
        healthy=_after(due, healthy),
        due=due,
        account=told,
    )


def now() -> datetime:
    """The clock of this machine."""
    return datetime.now(UTC)


def _after(due: datetime, moment: datetime) -> float:
    return (moment - due).total_seconds()
