"""Servers fail in every step: API servers for ten seconds, Temporal killed on its file.

One stop catches an application in each step at once, and others that wait out their toleration.
Nobody helps; all end as they would have.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest
import pytest_asyncio

from devstack.processes import Part
from failover.domain.health import HealthStatus
from failover.domain.request import Limits
from failover.domain.toleration import OnUnknown
from tests.e2e.saga.steps import MAIN, STEPS, WAITING, Road, road_with
from tests.support.chronicle import Chronicle, Span
from tests.support.saga import Application, Case, Saga, play, policy_of, report

Played = dict[str, BaseException | None]

DOWN_SECONDS = 10
PATIENCE = Limits(blocked_after_seconds=120)
SECONDS = 150
STRAIGHT_WEST = Road(clusters=("east", "west"))
TOLERATION = timedelta(seconds=15)
LATE_MAX = timedelta(seconds=5)
ON_UNKNOWN: tuple[OnUnknown, ...] = ("Pause", "Count", "Reset")
UNHEALTHY, UNKNOWN = HealthStatus.UNHEALTHY, HealthStatus.UNKNOWN


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


Waiting = dict[OnUnknown, Application]


async def tolerating(saga: Saga, kind: str) -> Waiting:
    """An application in its toleration, for each way to take what cannot be seen."""

    async def one(on_unknown: OnUnknown) -> Application:
        app = await saga.ill_application(f"{kind}-{on_unknown}".lower())
        conditions = {"tolerationSeconds": TOLERATION.seconds, "onUnknown": on_unknown}
        policy = policy_of(app.name, clusters=["east", "west"], decisionConditions=conditions)
        await app.start(policy, limits=PATIENCE)
        await app.shows("Tolerating")
        return app

    return dict(zip(ON_UNKNOWN, await asyncio.gather(*map(one, ON_UNKNOWN)), strict=True))


def release(saga: Saga, apps: Mapping[str, Application]) -> None:
    """Let all steps go on."""
    for step, app in apps.items():
        saga.faults.at(step, app.name, "hold").release()


async def arrived(
    saga: Saga, apps: Mapping[str, Application], waiting: Waiting, *, blind: bool
) -> Played:
    """What became of each."""

    def case(app: Application, road: Road) -> Case:
        async def arrives(_: Saga) -> None:
            await road.arrive(app, seconds=SECONDS)

        return arrives

    def waited(app: Application, on_unknown: OnUnknown) -> Case:
        async def moves(_: Saga) -> None:
            await app.moved("west", seconds=SECONDS)
            await tolerated(app, on_unknown, blind=blind)

        return moves

    cases = {step: case(app, road_on(step)) for step, app in apps.items()}
    return await play(saga, {**cases, **{way: waited(app, way) for way, app in waiting.items()}})


async def tolerated(app: Application, on_unknown: OnUnknown, *, blind: bool) -> None:
    """Assert that it was unknown only if the source was away, and counted as its policy says."""
    spans = (await Chronicle.of(app.run)).spans()
    blinded = [number for number, each in enumerate(spans) if each.status is UNKNOWN]
    assert bool(blinded) is blind, spans
    if blind:
        assert total(spans, UNKNOWN) > timedelta(seconds=DOWN_SECONDS / 2), spans
    match on_unknown:
        case "Pause":
            counted = total(spans, UNHEALTHY)
        case "Count":
            counted = total(spans, UNHEALTHY, UNKNOWN)
        case "Reset":
            counted = total(spans[max(blinded, default=0) :], UNHEALTHY)
    assert TOLERATION <= counted < TOLERATION + LATE_MAX, spans


def total(spans: list[Span], *statuses: HealthStatus) -> timedelta:
    """How long it was so in all."""
    return sum((each.lasted for each in spans if each.status in statuses), timedelta(0))


async def down_for_a_while(saga: Saga, cluster: str) -> Played:
    """The API server is away for ten seconds, with a step of each kind under way."""
    apps = await caught(saga, f"{cluster}-down")
    waiting = await tolerating(saga, f"{cluster}-down")
    part = saga.world.part(f"{cluster}/apiserver")
    await part.kill()
    release(saga, apps)
    await asyncio.sleep(DOWN_SECONDS)  # the fault itself: what it lasts
    await part.restart()
    return await arrived(saga, apps, waiting, blind=cluster == "east")


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
    waiting = await tolerating(saga, "temporal")
    part: Part = saga.world.part("temporal")
    await part.kill()
    release(saga, apps)
    await part.restart()
    return await arrived(saga, apps, waiting, blind=False)


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


@pytest.mark.timeout(400)
@pytest.mark.parametrize("on_unknown", ON_UNKNOWN)
async def test_a_source_out_of_sight_counts_as_the_policy_says(
    east_down: Played, on_unknown: OnUnknown
) -> None:
    """What could not be seen pauses the toleration, counts, or begins it anew; then it is moved."""
    report(east_down, on_unknown)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("on_unknown", ON_UNKNOWN)
async def test_a_toleration_does_not_need_the_target(
    west_down: Played, on_unknown: OnUnknown
) -> None:
    """The target's absence moves no deadline."""
    report(west_down, on_unknown)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("on_unknown", ON_UNKNOWN)
async def test_a_toleration_outlives_temporal(temporal_down: Played, on_unknown: OnUnknown) -> None:
    """Killed and started again within it, Temporal keeps the deadline."""
    report(temporal_down, on_unknown)


def test_every_step_is_covered() -> None:
    """No step is missing."""
    assert set(MAIN) < set(CASES)
