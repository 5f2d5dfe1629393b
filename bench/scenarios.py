"""What is measured: one at a time, many at once, and workers that are killed."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from bench.arena import Arena, peak_megabytes, spent
from bench.failovers import Begun, Moved, begin, completed, copied, now
from bench.histories import account
from devstack.processes import Part

JOB_STARTS_SECONDS_ALONE = 0.1
JOB_STARTS_SECONDS_AT_ONCE = 60.0
"""A Flink job takes so long until it runs; what the operator then does is no part of the failover."""
LEAD_SECONDS_EACH = 0.3
"""So much of a toleration for each that is begun: a thousand have Karmada's default of five minutes, and ten seconds."""
KILL_WINDOW_SECONDS = 0.1
HEALTHY_AFTER_SECONDS = 1.5
TOLERATION_SECONDS_LONG = 16.0
SPARE_SECONDS = 5.0
LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class OneAtATime:
    """Seconds from the end of toleration to the labelled copy, one application after the other."""

    count: int
    least: float
    p50: float
    p95: float
    most: float
    closed_p50: float
    events_p50: int
    tasks_p50: int
    false_timeouts: int
    processor_seconds_each: dict[str, float]


@dataclass(frozen=True)
class AtOnce:
    """Many tolerations that end in the same second."""

    count: int
    last: float
    median: float
    per_second: float
    all_closed: float
    false_activity_timeouts: int
    false_task_timeouts: int
    worker_peak_megabytes: float
    processor_seconds: dict[str, float]


@dataclass(frozen=True)
class Killed:
    """Seconds late, where a worker was killed and another one runs."""

    where: str
    count: int
    median: float
    most: float
    lateness: list[float] = field(default_factory=list[float])


async def one_at_a_time(arena: Arena, count: int, *, warm: int = 3) -> OneAtATime:
    """One application after the other in a namespace that has seen failovers before."""
    await arena.start_operator(JOB_STARTS_SECONDS_ALONE)
    namespace = await arena.new_namespace("one")
    return await _one_by_one(arena, [namespace] * (warm + count), warm)


async def one_in_new_namespaces(arena: Arena, count: int) -> OneAtATime:
    """One application after the other, each the first in its namespace: no watch is up for it."""
    await arena.start_operator(JOB_STARTS_SECONDS_ALONE)
    namespaces = [await arena.new_namespace("new") for _ in range(count)]
    return await _one_by_one(arena, namespaces, 0)


async def _one_by_one(arena: Arena, namespaces: Sequence[str], warm: int) -> OneAtATime:
    moved: list[Moved] = []
    before = arena.processor_seconds()
    for number, namespace in enumerate(namespaces):
        if number == warm:
            before = arena.processor_seconds()
        (begun,) = await begin(arena, namespace, [f"orders-{number}"])
        moved.append(await completed(arena, begun))
    used = spent(before, arena.processor_seconds())
    moved = moved[warm:]
    times = sorted(each.copied for each in moved)
    return OneAtATime(
        count=len(times),
        least=times[0],
        p50=statistics.median(times),
        p95=times[min(round(0.95 * len(times)), len(times) - 1)],
        most=times[-1],
        closed_p50=statistics.median(each.closed - each.healthy for each in moved),
        events_p50=round(statistics.median(each.account.events for each in moved)),
        tasks_p50=round(statistics.median(each.account.tasks for each in moved)),
        false_timeouts=sum(
            each.account.activity_timeouts + each.account.task_timeouts for each in moved
        ),
        processor_seconds_each={
            name: round(seconds / len(times), 3) for name, seconds in used.items()
        },
    )


async def at_once(arena: Arena, worker: Part, count: int) -> AtOnce:
    """So many failovers whose toleration ends in the same second."""
    await arena.start_operator(JOB_STARTS_SECONDS_AT_ONCE)
    namespace = await arena.new_namespace("many")
    names = [f"orders-{number}" for number in range(count)]
    lead = 10 + count * LEAD_SECONDS_EACH
    ends_at = time.monotonic() + lead
    begun = await begin(arena, namespace, names, ends_at)
    await asyncio.sleep(max(ends_at - time.monotonic() - 1, 0))
    before = arena.processor_seconds()
    await copied(arena, begun)
    used = spent(before, arena.processor_seconds())
    moved = await _all_completed(arena, begun)
    due = min(each.due for each in moved)
    offsets = [(each.due - due).total_seconds() for each in moved]
    times = sorted(offset + each.copied for offset, each in zip(offsets, moved, strict=True))
    closed = max(offset + each.closed for offset, each in zip(offsets, moved, strict=True))
    return AtOnce(
        count=count,
        last=times[-1],
        median=statistics.median(times),
        per_second=count / times[-1],
        all_closed=closed - JOB_STARTS_SECONDS_AT_ONCE,
        false_activity_timeouts=sum(each.account.activity_timeouts for each in moved),
        false_task_timeouts=sum(each.account.task_timeouts for each in moved),
        worker_peak_megabytes=peak_megabytes(worker),
        processor_seconds=used,
    )


async def _all_completed(arena: Arena, begun: Sequence[Begun]) -> list[Moved]:
    reads = asyncio.Semaphore(64)

    async def read(each: Begun) -> Moved:
        async with reads:
            return await completed(arena, each)

    return list(await asyncio.gather(*(read(each) for each in begun)))


class Crew:
    """Two workers; one is killed and started again."""

    def __init__(self, arena: Arena, parts: Sequence[Part]) -> None:
        self._arena = arena
        self._parts = list(parts)

    async def having(self, begun: Begun) -> Part:
        """The worker that has had the run's last workflow task, once it has looked and tolerates."""
        while not (told := await account(self._arena.client, begun.handle.id)).steps:  # noqa: ASYNC110 - a history is read, not awaited
            await asyncio.sleep(LOOK_SECONDS)
        pid = int(told.worker.rpartition(":")[2])
        return next(part for part in self._parts if part.pid == pid)

    async def revive(self, part: Part) -> None:
        """Put a new worker in the place of the killed one."""
        self._parts[self._parts.index(part)] = await self._arena.start_worker(part.name)


async def killed_before_copy(arena: Arena, crew: Crew, count: int, dice: random.Random) -> Killed:
    """Killed between the end of toleration and the labelled copy."""
    await arena.start_operator(JOB_STARTS_SECONDS_ALONE)
    namespace = await arena.new_namespace("killed")
    late: list[float] = []
    for number in range(4 * count):
        (begun,) = await begin(arena, namespace, [f"orders-{number}"])
        part = await crew.having(begun)
        told = await account(arena.client, begun.handle.id)
        due = told.ends_tolerating_at(begun.toleration_seconds)
        at = due + timedelta(seconds=dice.uniform(0, KILL_WINDOW_SECONDS))
        await asyncio.sleep(max((at - now()).total_seconds(), 0))
        in_time = begun.key not in arena.witness.copied_at
        await part.kill()
        moved, _ = await asyncio.gather(completed(arena, begun), crew.revive(part))
        if in_time:
            late.append(moved.copied)
        if len(late) == count:
            break
    return _killed("between the end of toleration and the labelled copy", late)


async def killed_after_copy(arena: Arena, crew: Crew, count: int, dice: random.Random) -> Killed:
    """Killed in Verifying or Finishing: late is what is beyond the moment the new copy runs."""
    await arena.start_operator(HEALTHY_AFTER_SECONDS)
    namespace = await arena.new_namespace("verifying")
    late: list[float] = []
    for number in range(count):
        (begun,) = await begin(arena, namespace, [f"orders-{number}"])
        await copied(arena, [begun])
        part = await crew.having(begun)
        await asyncio.sleep(dice.uniform(0, HEALTHY_AFTER_SECONDS + KILL_WINDOW_SECONDS))
        await part.kill()
        moved, _ = await asyncio.gather(completed(arena, begun), crew.revive(part))
        late.append(moved.closed - moved.healthy)
    return _killed("in Verifying or Finishing", late)


async def killed_tolerating(arena: Arena, crew: Crew, count: int, dice: random.Random) -> Killed:
    """Killed with more than five seconds of the toleration left."""
    await arena.start_operator(JOB_STARTS_SECONDS_ALONE)
    namespace = await arena.new_namespace("tolerating")
    late: list[float] = []
    for number in range(count):
        ends_at = time.monotonic() + TOLERATION_SECONDS_LONG
        (begun,) = await begin(arena, namespace, [f"orders-{number}"], ends_at)
        part = await crew.having(begun)
        await asyncio.sleep(dice.uniform(0, ends_at - 1 - time.monotonic() - SPARE_SECONDS))
        await part.kill()
        moved, _ = await asyncio.gather(completed(arena, begun), crew.revive(part))
        late.append(moved.copied)
    return _killed("with more than 5 s of the toleration left", late)


def _killed(where: str, late: list[float]) -> Killed:
    return Killed(
        where=where,
        count=len(late),
        median=statistics.median(late),
        most=max(late),
        lateness=[round(each, 3) for each in late],
    )
