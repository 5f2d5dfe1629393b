"""Every step, and every undo, may be repeated and gives the same end.

Twice in a row, as when an answer was lost on its way. (That another process repeats it, after the
first one died before it could report, is in `test_worker_killed`.)
"""

from __future__ import annotations

import pytest
import pytest_asyncio

from failover.domain.phases import Outcome
from tests.e2e.saga.steps import STEPS, WAITING, road_with
from tests.support.saga import NAMESPACE, Case, Saga, play, policy_of, report

Played = dict[str, BaseException | None]


def twice(step: str) -> Case:
    """The step is carried out twice, and all ends as if it had been once."""

    async def case(saga: Saga) -> None:
        road = road_with(step)
        app = await road.prepare(saga, f"twice-{step}".replace("_", "-"))
        fault = app.plant(step, "twice")
        await road.begin(app)
        await app.suffers(fault)
        await road.arrive(app)
        copies = await saga.recorder.copies(NAMESPACE, app.name)
        places = ["east"] + [each for each in ("west", "north") if each in road.ill_on]
        assert [each.cluster for each in copies] == [*places, road.target]

    return case


def twice_in_mode(step: str, purge_mode: str) -> Case:
    """The same in another purge mode, where two copies may be."""

    async def case(saga: Saga) -> None:
        app = await saga.ill_application(f"twice-{purge_mode}-{step}".lower().replace("_", "-"))
        fault = app.plant(step, "twice")
        await app.start(policy_of(app.name, purge_mode=purge_mode))
        await app.suffers(fault)
        ending = await app.ends()
        assert ending.outcome is Outcome.COMPLETED, ending
        await app.lives_on("west", also=["east"] if purge_mode == "Never" else [])
        await app.is_tidy("east", "west", home="west")
        await app.kept_its_promises(two_copies=True)

    return case


CASES = {
    **{step: twice(step) for step in STEPS if step != WAITING},
    **{
        f"{step}-{mode}": twice_in_mode(step, mode)
        for mode, step in (
            ("Gracefully", "capture_and_stage"),
            ("Gracefully", "purge_source"),
            ("Gracefully", "finish"),
            ("Never", "start_on_target"),
            ("Never", "finish"),
        )
    },
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(saga: Saga) -> Played:
    """All cases, played side by side."""
    return await play(saga, CASES)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("case", CASES)
async def test_a_step_that_is_done_twice_gives_the_same_end(played: Played, case: str) -> None:
    """The failover ends where it would have, with one copy, released labels and closed records."""
    report(played, case)
