"""What is played: one failover as it is, and the same with its worker killed, twice.

Each act has a deadline, and fails the demo where anything that it shows did not happen.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from cli.demo.following import Following, address_of, detected
from cli.demo.narrator import DONE, ILL, NOTE, Narrator, took
from cli.demo.stage import FINALIZER, TOLERATION_SECONDS, DemoFailed, Stage
from cli.demo.witness import Copy
from devstack.flink import ALIAS_LABEL
from failover.domain.phases import Phase
from failover.domain.request import FailoverResult, Status, StepEntry

ACT_SECONDS = 90.0
LATE_SECONDS_MAX = 5.0
"""What a killed worker may cost at most."""

KILL_WITH_LEFT = timedelta(seconds=TOLERATION_SECONDS - 2)
HELD_SECONDS = 3.0


class Play:
    """The acts, one after the other, on one stage."""

    def __init__(self, stage: Stage, narrator: Narrator) -> None:
        """Nothing is played yet."""
        self._stage, self._narrator = stage, narrator
        self._last_run = ""

    async def a_cluster_loses_a_job(self) -> None:
        """The main job: ill on one cluster, with its state on another, in one piece."""
        async with self._act("Act 1 · the JobManager dies", kept=False) as (before, following):
            result = await following.result()
            after = await self._check(before, result)
        self._narrator.timeline(_timeline(result))
        self._say_where(after)

    async def the_worker_dies_tolerating(self) -> None:
        """SIGKILL in the middle of a toleration costs nothing: the deadline is the server's."""
        title = "Act 2 · the same, and the worker is killed while it tolerates"
        async with self._act(title, kept=False) as (before, following):
            await _left(following, KILL_WITH_LEFT)
            await self._kill(f"{following.left.total_seconds():.1f} s before the toleration ends")
            await self._start_again()
            back_at, left = datetime.now(UTC), following.left
            result = await following.result()
            after = await self._check(before, result)
        due, captured = _due_and_captured(result)
        in_time = f"the worker was back {took(left.total_seconds())} before the toleration ended; captured after that within"
        too_late = (
            "the worker was back only after the toleration had ended; from then on the capture took"
        )
        self._on_time(
            (captured - max(due, back_at)).total_seconds(), in_time if back_at < due else too_late
        )
        self._say_where(after)

    async def the_worker_dies_purging(self) -> None:
        """SIGKILL in the middle of a purge: the new one sees it gone before it starts anything."""
        title = "Act 3 · the same, and the worker is killed while it purges"
        async with self._act(title, kept=True) as (before, following):
            await self._stage.witness.until(
                lambda: before if before.is_deleting and not before.gone else None
            )
            deleted_at = time.monotonic()
            await following.until(lambda status: status.phase is Phase.PURGING)
            await self._kill("the delete is accepted, the finalizer still holds the object")
            letting_go = asyncio.create_task(self._let_go(before.cluster, deleted_at))
            await self._start_again()
            back_at = time.monotonic()
            free_at = max(back_at, await letting_go)
            result = await following.result()
            after = await self._check(before, result)
        self._on_time(
            after.seen_at - free_at, "worker back and finalizer off, the labelled copy was there in"
        )
        self._say_where(after)

    @asynccontextmanager
    async def _act(self, title: str, *, kept: bool) -> AsyncGenerator[tuple[Copy, Following], None]:
        """Curtain up: the job falls ill, and its failover is followed."""
        stage, narrator = self._stage, self._narrator
        narrator.title(title)
        try:
            async with asyncio.timeout(ACT_SECONDS):
                before = await stage.running()
                narrator.fact("orders", f"runs on {before.cluster}, job {before.job}")
                if kept:
                    await stage.hold_purge(before.cluster)
                    narrator.fact("finalizer", f"{FINALIZER}, held for {HELD_SECONDS:g} s")
                narrator.begin()
                await stage.make_ill(before.cluster)
                text = f"on {before.cluster}; the FlinkDeployment still says RUNNING"
                narrator.event(ILL, "no JobManager", text)
                tell = self._tell
                async with detected(stage, narrator, tell, after=self._last_run) as following:
                    self._last_run = following.run_id
                    yield before, following
        except TimeoutError:
            message = f"not over after {ACT_SECONDS:g} s: {title}. {stage.worker.last_words()}"
            raise DemoFailed(message) from None
        address = address_of(stage.world.temporal_ui_url, self._last_run)
        narrator.link("this run", address)

    def _tell(self, step: StepEntry, status: Status) -> None:
        """What one step has done, in a person's words."""
        plan, labels = status.plan, status.labels
        state = ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))
        match step.phase:
            case Phase.TOLERATING:
                whole = took(status.toleration.total_seconds())
                told = "tolerated", f"{whole}, and still ill"
            case Phase.PLANNING if plan is not None:
                told = "planned", f"from {plan.source} to {plan.target}, {plan.purge_mode}"
            case Phase.CAPTURING:
                told = "captured", f"jobId {', '.join(labels.values())}, kept on both clusters"
            case Phase.PURGING:
                told = "purged", f"from {step.cluster}, and confirmed gone with all it owned"
            case Phase.STARTING:
                told = "started", f"on {step.cluster} with {state}"
            case Phase.VERIFYING:
                told = "healthy", f"on {step.cluster}"
            case Phase.FINISHING:
                told = "tidied up", f"the label {', '.join(labels)} is off again"
            case _:
                told = step.phase.value.lower(), step.note
        self._narrator.event(DONE, *told, at=step.ended_at)

    async def _kill(self, when: str) -> None:
        pid = self._stage.worker.pid
        await self._stage.worker.kill()
        self._narrator.settle()
        self._narrator.event(ILL, "SIGKILL", f"to the worker (pid {pid}): {when}")

    async def _start_again(self) -> None:
        began = time.monotonic()
        await self._stage.start_worker()
        self._narrator.settle()
        text = (
            f"the worker (pid {self._stage.worker.pid}), ready in {took(time.monotonic() - began)}"
        )
        self._narrator.event(NOTE, "started again", text)

    async def _let_go(self, cluster: str, deleted_at: float) -> float:
        await asyncio.sleep(HELD_SECONDS - (time.monotonic() - deleted_at))
        await self._stage.let_go(cluster)
        self._narrator.settle()
        self._narrator.event(NOTE, "let go", f"the finalizer is off on {cluster}")
        return time.monotonic()

    async def _check(self, before: Copy, result: FailoverResult) -> Copy:
        """What the engine says against what was seen on the clusters."""
        after = await self._stage.running()
        witness = self._stage.witness
        wrong = {
            f"a copy is still on {before.cluster}": witness.on(before.cluster) is not None,
            f"it runs on {after.cluster}, not on {result.target}": after.cluster != result.target,
            f"the new copy had no label {ALIAS_LABEL}={before.job}": after.label != before.job,
            f"the job was resumed from {after.resumed_from or 'nothing'}, not from {before.job}": (
                before.job not in after.resumed_from
            ),
            f"two copies were there at once: {witness.two_at_once}": bool(witness.two_at_once),
        }
        if found := [text for text, is_wrong in wrong.items() if is_wrong]:
            raise DemoFailed("; ".join(found))
        return after

    def _say_where(self, after: Copy) -> None:
        self._narrator.fact("orders", f"runs on {after.cluster}, resumed from {after.resumed_from}")

    def _on_time(self, late: float, text: str) -> None:
        if late > LATE_SECONDS_MAX:
            raise DemoFailed(
                f"the failover was {took(late)} late, more than {LATE_SECONDS_MAX:g} s"
            )
        self._narrator.fact("on time", f"{text} {took(max(late, 0.0))}")


async def _left(following: Following, left: timedelta) -> None:
    """Return when so much of the toleration is left."""
    await following.until(lambda status: status.toleration_ends_at is not None)
    await asyncio.sleep(max((following.left - left).total_seconds(), 0))


def _due_and_captured(result: FailoverResult) -> tuple[datetime, datetime]:
    """When the toleration had to end, and when the state was captured and kept."""
    tolerating, capturing = (
        next(step for step in result.steps if step.phase is phase)
        for phase in (Phase.TOLERATING, Phase.CAPTURING)
    )
    if capturing.ended_at is None:
        raise DemoFailed("the capture has not ended")
    due = tolerating.started_at + timedelta(seconds=TOLERATION_SECONDS)
    return due, capturing.ended_at


def _timeline(result: FailoverResult) -> list[tuple[str, str, float]]:
    return [
        (step.phase.value, step.cluster, (step.ended_at - step.started_at).total_seconds())
        for step in result.steps
        if step.ended_at is not None
    ]
