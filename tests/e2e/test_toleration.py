"""What counts towards a toleration: only what is seen ill, and first of all whether it was ever well."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from devstack.flink import HOLD
from failover.domain.health import HealthStatus
from failover.domain.phases import Outcome, Phase
from failover.domain.request import Status
from tests.support.saga import NAMESPACE, Application, Case, Saga, play, policy_of, report
from tests.support.waiting import eventually

Played = dict[str, BaseException | None]


async def reaches(app: Application, what: str, **at_least: Any) -> Status:
    """Its status, once these fields are set, and as large as this where a value is given."""

    async def reached() -> Status | None:
        status = await app.status()
        for name, value in at_least.items():
            there = getattr(status, name)
            if there is None or (value is not None and there < value):
                return None
        return status

    return await eventually(reached, f"{app.name}: {what}")


async def stands(app: Application, health: HealthStatus) -> Status:
    """Its status, once it was seen so, and no time counts."""

    async def seen() -> Status | None:
        status = await app.status()
        if status.health is None or status.health.status is not health:
            return None
        return status if status.toleration_ends_at is None else None

    return await eventually(seen, f"{app.name} was seen {health}")


async def flapping(saga: Saga) -> None:
    """Well for a moment is not recovered: the clock stands meanwhile, and goes on from there in the same run."""
    ill_for = timedelta(seconds=5)
    app = await saga.ill_application("flaps")
    await app.start(policy_of(app.name, toleration=8))
    await reaches(app, "it was ill for some seconds", tolerated=ill_for)
    await app.recover()
    well = await reaches(app, "it was seen well", recovers_at=None)
    assert well.phase is Phase.TOLERATING
    assert ill_for <= well.tolerated < well.toleration
    await app.fall_ill()
    again = await reaches(app, "it was seen ill again", toleration_ends_at=None)
    assert again.tolerated >= well.tolerated
    await app.moved()


async def unknown(saga: Saga) -> None:
    """While nobody can tell the clock stands, however long that lasts; ill again, it goes on from there."""
    app = await saga.ill_application("puzzles")
    await app.start(policy_of(app.name, toleration=5))
    await reaches(app, "it was ill for a while", tolerated=timedelta(seconds=1))
    await app.reports("east", jobStatus={"state": "OF_ANOTHER_RELEASE"})
    puzzled = await stands(app, HealthStatus.UNKNOWN)
    assert puzzled.started_at is not None
    over = puzzled.started_at + puzzled.toleration + timedelta(seconds=1)
    await eventually(lambda: datetime.now(UTC) > over, "its whole toleration would be over")
    later = await app.status()
    assert (later.phase, later.tolerated) == (Phase.TOLERATING, puzzled.tolerated)
    await app.was_never_written()
    await app.reports("east", jobStatus={"state": "RUNNING"})
    again = await reaches(app, "it was seen ill again", toleration_ends_at=None)
    assert again.tolerated >= puzzled.tolerated
    await app.moved()


async def starting_up(saga: Saga) -> None:
    """Until it was healthy on its cluster, the initial toleration counts; from then on the other one."""
    app = await saga.application("starts", metadata={"annotations": {HOLD: "true"}}, up=False)
    await app.reports("east", jobManagerDeploymentStatus="DEPLOYING")
    conditions = {"tolerationSeconds": 0, "initialTolerationSeconds": 600}
    policy = policy_of(app.name, decisionConditions=conditions)
    await app.start(policy)
    patient = await reaches(app, "it was seen ill", toleration_ends_at=None)
    assert (patient.phase, patient.toleration) == (Phase.TOLERATING, timedelta(seconds=600))
    await app.was_never_written()
    await saga.operator.release("east", NAMESPACE, app.name)
    ending = await app.ends()
    assert ending.outcome is Outcome.RECOVERED, ending
    app.job_id = (await app.running("east"))["status"]["jobStatus"]["jobId"]
    await app.fall_ill()
    await app.start(policy)
    moved = await app.moved()
    assert moved.result is not None
    (tolerated,) = (each for each in moved.result.steps if each.phase is Phase.TOLERATING)
    assert tolerated.ended_at is not None
    assert tolerated.ended_at - tolerated.started_at < timedelta(seconds=60)


CASES: dict[str, Case] = {
    "flapping": flapping,
    "unknown": unknown,
    "starting-up": starting_up,
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(saga: Saga) -> Played:
    """All of them, played side by side."""
    return await play(saga, CASES)


@pytest.mark.parametrize("case", CASES)
async def test_only_what_counts_is_tolerated(played: Played, case: str) -> None:
    """Nothing is moved before its time, and nothing is postponed for ever."""
    report(played, case)
