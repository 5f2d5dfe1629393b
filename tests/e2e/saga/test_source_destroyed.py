"""The source burns: right after the purge everything needed is on the target, and before it nothing is written."""

from __future__ import annotations

import asyncio

import pytest
import pytest_asyncio

from failover.domain.phases import Action, Outcome, Phase
from tests.e2e.saga.steps import AROUND, STRAIGHT
from tests.support.saga import NAMESPACE, Application, Case, Saga, play, policy_of, report

Played = dict[str, BaseException | None]

ROADS = {
    "start_on_target": STRAIGHT,
    "await_healthy": STRAIGHT,
    "withdraw_target": AROUND,
    "release_labels": STRAIGHT,
    "finish": STRAIGHT,
}
"""The steps after the purge; with the first target given up, its record is all that is left."""


UNSEEN = ("Directly", "Gracefully")
"""Purge modes of applications whose source burns while their moves are planned."""


async def is_planned(app: Application, purge_mode: str) -> None:
    """Its move is about to be planned."""
    fault = app.plant("plan_failover", "hold")
    await app.start(policy_of(app.name, purge_mode=purge_mode))
    await app.suffers(fault)


async def waits_unwritten(app: Application) -> None:
    """Nobody can tell whether it still runs there: a person is asked, and nothing was written anywhere."""
    blocked = await app.blocks("SourceUnreachable", seconds=120)
    assert (blocked.phase, blocked.point_of_no_return_passed) == (Phase.PLANNING, False)
    for name in ("west", "north"):
        assert await app.copy(name) is None
        assert await app.record(name) is None


async def moves_when_seen(app: Application) -> None:
    """The source is back as it was, and a person lets the failover look again."""
    await app.was_never_written()
    await app.resolve(Action.RETRY)
    ending = await app.ends(seconds=120)
    assert ending.outcome is Outcome.COMPLETED, ending
    await app.lives_on("west")


async def moves_on(app: Application, home: str) -> None:
    """The next failover is not misled by the record that was left open on the source."""
    there = await app.running(home)
    app.home, app.uid = home, there["metadata"]["uid"]
    app.job_id = there["status"]["jobStatus"]["jobId"]
    await app.fall_ill()
    await app.start(policy_of(app.name, clusters=[home, "east"]))
    ending = await app.ends()
    assert ending.outcome is Outcome.COMPLETED, ending
    await app.lives_on("east")
    await app.is_tidy("east", home, home="east")
    last = (await app.saga.recorder.copies(NAMESPACE, app.name))[-1]
    assert (last.cluster, last.labels) == ("east", app.state)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(saga: Saga) -> Played:
    """An application in each step after the purge; then the source's API server is gone for good."""
    apps = dict(
        zip(
            ROADS,
            await asyncio.gather(
                *(saga.ill_application(f"burnt-{s}".replace("_", "-")) for s in ROADS)
            ),
            strict=True,
        )
    )

    async def held(step: str) -> None:
        fault = apps[step].plant(step, "hold")
        await ROADS[step].begin(apps[step])
        await apps[step].suffers(fault)

    names = {mode: f"unseen-{mode.lower()}" for mode in UNSEEN}
    unseen = {mode: await saga.ill_application(name) for mode, name in names.items()}
    planned = (is_planned(app, mode) for mode, app in unseen.items())
    await asyncio.gather(*map(held, ROADS), *planned)
    part = saga.world.part("east/apiserver")
    await part.kill()
    for step, app in [*apps.items(), *(("plan_failover", each) for each in unseen.values())]:
        saga.faults.at(step, app.name, "hold").release()

    def case(step: str) -> Case:
        async def ends(_: Saga) -> None:
            app = apps[step]
            ending = await app.ends(seconds=120)
            assert (ending.outcome, ending.reason) == (Outcome.COMPLETED, "LeftoversRemain")
            assert "east" in ending.message

        return ends

    def waits(mode: str) -> Case:
        return lambda _: waits_unwritten(unseen[mode])

    ended = await play(
        saga, {step: case(step) for step in ROADS} | {mode: waits(mode) for mode in UNSEEN}
    )
    await part.restart()

    def looked(step: str) -> Case:
        async def look(_: Saga) -> None:
            report(ended, step)
            app = apps[step]
            home = ROADS[step].target
            await app.lives_on(home)
            await app.kept_its_promises()
            record = await app.record(home)
            assert record is not None
            assert not record.get("data")
            await moves_on(app, home)

        return look

    def seen(mode: str) -> Case:
        async def look(_: Saga) -> None:
            report(ended, mode)
            await moves_when_seen(unseen[mode])

        return look

    return await play(
        saga, {step: looked(step) for step in ROADS} | {mode: seen(mode) for mode in UNSEEN}
    )


@pytest.mark.timeout(300)
@pytest.mark.parametrize("step", ROADS)
async def test_it_completes_without_the_source(played: Played, step: str) -> None:
    """The application runs on the target with its state; what is left on the source is listed."""
    report(played, step)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", UNSEEN)
async def test_before_the_plan_it_waits_and_nothing_is_written(played: Played, mode: str) -> None:
    """Whether it still runs there cannot be told, so a person is asked; when it is back it moves."""
    report(played, mode)
