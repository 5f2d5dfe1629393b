"""Servers fail in every step: API servers for ten seconds, Temporal killed on its file.

One stop catches an application in each step at once. Nobody helps; all end as they would have.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
import pytest_asyncio

from devstack.processes import Part
from failover.domain.request import Limits
from tests.e2e.saga.steps import MAIN, STEPS, WAITING, Road, road_with
from tests.support.saga import Application, Case, Saga, play, report

Played = dict[str, BaseException | None]

DOWN_SECONDS = 10
PATIENCE = Limits(blocked_after_seconds=120)
SECONDS = 150
STRAIGHT_WEST = Road(clusters=("east", "west"))


def road_on(step: str) -> Road:
    """The road with this step; where the target could still be chosen, there is no other one."""
    return STRAIGHT_WEST if step in {"observe", "plan_failover"} else road_with(step)


async def caught(saga: Saga, kind: str) -> dict[str, Application]:
    """An application in each step, which waits there."""

    async def one(step: str) -> Application:
        app = await road_on(step).prepare(saga, f"{kind}-{step}".replace("_", "-"))
        fault = app.plant(step, "hold")
        await road_on(step).begin(app, limits=PATIENCE)
        await app.suffers(fault)
        return app

    steps = [step for step in STEPS if step != WAITING]
    return dict(zip(steps, await asyncio.gather(*(one(step) for step in steps)), strict=True))


def release(saga: Saga, apps: Mapping[str, Application]) -> None:
    """Let all steps go on."""
    for step, app in apps.items():
        saga.faults.at(step, app.name, "hold").release()


async def arrived(saga: Saga, apps: Mapping[str, Application]) -> Played:
    """What became of each."""

    def case(app: Application, road: Road) -> Case:
        async def arrives(_: Saga) -> None:
            await road.arrive(app, seconds=SECONDS)

        return arrives

    return await play(saga, {step: case(app, road_on(step)) for step, app in apps.items()})


async def down_for_a_while(saga: Saga, cluster: str) -> Played:
    """The API server is away for ten seconds, with a step of each kind under way."""
    apps = await caught(saga, f"{cluster}-down")
    part = saga.world.part(f"{cluster}/apiserver")
    await part.kill()
    release(saga, apps)
    await asyncio.sleep(DOWN_SECONDS)  # the fault itself: what it lasts
    await part.restart()
    return await arrived(saga, apps)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def west_down(saga: Saga) -> Played:
    """The target's API server is away."""
    return await down_for_a_while(saga, "west")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def east_down(saga: Saga) -> Played:
    """The source's API server is away."""
    return await down_for_a_while(saga, "east")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def temporal_down(saga: Saga) -> Played:
    """Temporal's server is killed, and started again on its file."""
    apps = await caught(saga, "temporal")
    part: Part = saga.world.part("temporal")
    await part.kill()
    release(saga, apps)
    await part.restart()
    return await arrived(saga, apps)


CASES = [step for step in STEPS if step != WAITING]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("step", CASES)
async def test_the_targets_api_server_is_away(west_down: Played, step: str) -> None:
    """Ten seconds without the target: the failover ends where it would have."""
    report(west_down, step)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("step", CASES)
async def test_the_sources_api_server_is_away(east_down: Played, step: str) -> None:
    """Ten seconds without the source: the failover ends where it would have."""
    report(east_down, step)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("step", CASES)
async def test_temporal_is_killed_and_started_again(temporal_down: Played, step: str) -> None:
    """Temporal comes back on its file: the failover ends where it would have."""
    report(temporal_down, step)


def test_every_step_is_covered() -> None:
    """No step is missing."""
    assert set(MAIN) < set(CASES)
