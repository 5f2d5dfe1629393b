"""A worker is stopped (SIGSTOP) in every step until others have done its failover, and the next one.

When it goes on, it believes that nothing has happened. It finds out before it changes anything:
by its own clock that its attempt is over, and by the record that somebody else owns the application.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from failover.domain.phases import Outcome
from tests.e2e.saga.steps import AROUND, BACK, MAIN, UNDO, WAITING, Road, road_with
from tests.support.saga import (
    NAMESPACE,
    Application,
    Case,
    Saga,
    policy_of,
    report,
    send,
)
from tests.support.waiting import eventually

Played = dict[str, BaseException | None]

MOMENTS = {
    **{f"{step}-before": (step, "freeze-before") for step in (WAITING, *MAIN, *UNDO)},
    "capture_and_stage-create": ("capture_and_stage", "freeze@1"),
    "purge_source-first": ("purge_source", "freeze@1"),
    "purge_source-third": ("purge_source", "freeze@3"),
    "start_on_target-first": ("start_on_target", "freeze@1"),
    "finish-first": ("finish", "freeze@1"),
    "withdraw_target-first": ("withdraw_target", "freeze@1"),
    "restore_source-first": ("restore_source", "freeze@1"),
}

SECONDS = 150
TOGETHER = 10
COPIES = 3
"""The original, and one of each failover; those that never get healthy come on top."""
AT_WORK = 2


def frozen(step: str, moment: str, road: Road | None = None) -> Case:
    """The worker stands from this moment until the next failover is over."""

    async def case(saga: Saga) -> None:
        way = road or road_with(step)
        name = f"{moment}-{step}-{way.target}".replace("_", "-").replace("@", "-")
        app = await way.prepare(saga, name)
        fault = app.plant(step, moment)
        await way.begin(app)
        pid = await app.suffers(fault, seconds=SECONDS)
        try:
            await way.arrive(app, seconds=SECONDS)
            await move_on(app, way.target)
            before = await everything(app)
        finally:
            send(pid, signal.SIGCONT)
        await eventually(fault.over.exists, f"{step} has ended in the thawed worker")
        assert await everything(app) == before, "the thawed worker changed something"
        await saga.recorder.never_two(NAMESPACE, app.name)
        made = await saga.recorder.copies(NAMESPACE, app.name)
        assert len(made) == COPIES + len(way.ill_on), "something was done twice"

    return case


async def move_on(app: Application, home: str) -> None:
    """The next failover, from where the first one ended."""
    there = await app.running(home)
    app.home, app.uid = home, there["metadata"]["uid"]
    app.job_id = there["status"]["jobStatus"]["jobId"]
    await app.fall_ill()
    target = "north" if home != "north" else "west"
    await app.start(policy_of(app.name, clusters=[home, target]))
    ending = await app.ends(seconds=SECONDS)
    assert ending.outcome is Outcome.COMPLETED, ending
    await app.lives_on(target)


async def everything(app: Application) -> dict[str, Any]:
    """What is on the clusters, to the last version."""
    found: dict[str, Any] = {}
    for cluster in app.saga.world.clusters:
        for kind, there in (
            ("copy", await app.copy(cluster)),
            ("record", await app.record(cluster)),
        ):
            metadata = (there or {}).get("metadata", {})
            found[f"{kind} on {cluster}"] = (metadata.get("uid"), metadata.get("resourceVersion"))
    return found


CASES = {
    **{name: frozen(*moment) for name, moment in MOMENTS.items()},
    "start_on_target-withdrawn": frozen("start_on_target", "freeze-before", AROUND),
    "start_on_target-restored": frozen("start_on_target", "freeze-before", BACK),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(saga: Saga) -> AsyncIterator[Played]:
    """All cases, a few at a time, since each of them keeps a worker standing."""
    bound = asyncio.Semaphore(TOGETHER)

    async def one(case: Case) -> BaseException | None:
        async with bound:
            try:
                await case(saga)
            except Exception as error:  # noqa: BLE001 - its own test reports it
                return error
            return None

    await saga.crew.keep_at_work(AT_WORK)
    raised = await asyncio.gather(*(one(case) for case in CASES.values()))
    yield dict(zip(CASES, raised, strict=True))
    await saga.crew.renew()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", CASES)
async def test_a_frozen_worker_comes_too_late(played: Played, case: str) -> None:
    """After it thaws, neither copies nor records change any more."""
    report(played, case)
