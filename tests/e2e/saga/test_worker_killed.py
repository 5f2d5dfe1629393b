"""The worker is killed with SIGKILL in every step, before, between and after its effects.

What it did is not repeated and what it did not do is done, by another worker or the same one once
it is back; nobody has to help.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from failover.domain.phases import Outcome
from tests.e2e.saga.steps import MAIN, UNDO, WAITING, road_with
from tests.support.saga import NAMESPACE, Case, Saga, play, policy_of, report

Played = dict[str, BaseException | None]

WRITES = (
    ("capture_and_stage", "create"),
    ("purge_source", "delete"),
    ("start_on_target", "create"),
    ("release_labels", "patch"),
    ("finish", "replace"),
    ("withdraw_target", "delete"),
    ("withdraw_target", "replace"),
    ("restore_source", "create"),
)
"""In each step the first write of this kind, right before which the worker dies."""

READS = (WAITING, "observe", "plan_failover", "await_healthy", "publish_result")
"""Steps that change nothing of the application: there the worker dies at the beginning."""

SECONDS = 170
"""Generous: each of some thirty deaths also hits what other cases are at."""


def killed(step: str, moment: str) -> Case:
    """The worker dies in this step at this moment."""

    async def case(saga: Saga) -> None:
        road = road_with(step)
        app = await road.prepare(saga, f"{moment}-{step}".replace("_", "-").replace("@", "-"))
        fault = app.plant(step, moment)
        await road.begin(app)
        await app.suffers(fault, seconds=SECONDS)
        await road.arrive(app, seconds=SECONDS)
        copies = await saga.recorder.copies(NAMESPACE, app.name)
        assert [each.cluster for each in copies] == ["east", *road.ill_on, road.target]

    return case


def killed_in_mode(step: str, moment: str, purge_mode: str) -> Case:
    """The same in another purge mode."""

    async def case(saga: Saga) -> None:
        name = f"{moment}-{purge_mode}-{step}".lower().replace("_", "-").replace("@", "-")
        app = await saga.ill_application(name)
        fault = app.plant(step, moment)
        await app.start(policy_of(app.name, purge_mode=purge_mode))
        await app.suffers(fault, seconds=SECONDS)
        ending = await app.ends(seconds=SECONDS)
        assert ending.outcome is Outcome.COMPLETED, ending
        await app.lives_on("west", also=["east"] if purge_mode == "Never" else [])
        await app.is_tidy("east", "west", home="west")
        await app.kept_its_promises(two_copies=True)

    return case


async def killed_while_the_capture_waits(saga: Saga) -> None:
    """The worker dies while the capture waits for the end of the toleration: nothing is early, nothing is lost."""
    app = await saga.ill_application("kill-waiting")
    fault = app.plant("capture_and_stage", "kill-before")
    await app.start(policy_of(app.name, toleration=WAITING_SECONDS))
    await app.suffers(fault, seconds=SECONDS)
    await app.moved("west", seconds=SECONDS)
    status = await app.status()
    capturing = next(each for each in status.steps if each.phase == "Capturing")
    assert status.started_at is not None
    assert capturing.started_at - status.started_at >= timedelta(seconds=WAITING_SECONDS)


WAITING_SECONDS = 10

CASES = {
    "capture_and_stage-waiting": killed_while_the_capture_waits,
    **{f"{step}-before": killed(step, "kill-before") for step in READS},
    **{f"{step}-after": killed(step, "kill-after") for step in (*MAIN, *UNDO)},
    **{f"{step}-{write}": killed(step, f"kill@{write}") for step, write in WRITES},
    "purge_source-Gracefully": killed_in_mode("purge_source", "kill-after", "Gracefully"),
    "finish-Gracefully": killed_in_mode("finish", "kill@replace", "Gracefully"),
    "finish-Never": killed_in_mode("finish", "kill@patch", "Never"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(saga: Saga) -> AsyncIterator[Played]:
    """All cases, played side by side, with several workers, so that one death is not everybody's."""
    for _ in range(2):
        await saga.crew.hire()
    yield await play(saga, CASES)
    await saga.crew.renew()


def test_every_step_is_covered() -> None:
    """No step is missing from the table."""
    assert {case.partition("-")[0] for case in CASES} == {WAITING, *MAIN, *UNDO}


@pytest.mark.timeout(500)
@pytest.mark.parametrize("case", CASES)
async def test_a_killed_worker_changes_nothing(played: Played, case: str) -> None:
    """The failover ends as if nobody had died."""
    report(played, case)
