"""The source burns right after the purge: everything needed is on the target."""

from __future__ import annotations

import asyncio

import pytest
import pytest_asyncio

from failover.domain.phases import Outcome
from tests.support.saga import Case, Saga, play, policy_of, report

Played = dict[str, BaseException | None]

STEPS = ("start_on_target", "await_healthy", "release_labels", "finish")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(saga: Saga) -> Played:
    """An application in each step after the purge; then the source's API server is gone for good."""
    apps = dict(
        zip(
            STEPS,
            await asyncio.gather(
                *(saga.ill_application(f"burnt-{s}".replace("_", "-")) for s in STEPS)
            ),
            strict=True,
        )
    )
    for step, app in apps.items():
        fault = app.plant(step, "hold")
        await app.start(policy_of(app.name))
        await app.suffers(fault)
    part = saga.world.part("east/apiserver")
    await part.kill()
    for step, app in apps.items():
        saga.faults.at(step, app.name, "hold").release()

    def case(step: str) -> Case:
        async def ends(_: Saga) -> None:
            app = apps[step]
            ending = await app.ends(seconds=120)
            assert (ending.outcome, ending.reason) == (Outcome.COMPLETED, "LeftoversRemain")
            assert "east" in ending.message

        return ends

    ended = await play(saga, {step: case(step) for step in STEPS})
    await part.restart()

    def looked(step: str) -> Case:
        async def look(_: Saga) -> None:
            report(ended, step)
            app = apps[step]
            await app.lives_on("west")
            await app.kept_its_promises()
            record = await app.record("west")
            assert record is not None
            assert not record.get("data")

        return look

    return await play(saga, {step: looked(step) for step in STEPS})


@pytest.mark.timeout(300)
@pytest.mark.parametrize("step", STEPS)
async def test_it_completes_without_the_source(played: Played, step: str) -> None:
    """The application runs on the target with its state; what is left on the source is listed."""
    report(played, step)
