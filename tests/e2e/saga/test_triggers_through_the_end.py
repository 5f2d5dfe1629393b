"""A trigger that fires again and again, through the end of the run that it started, moves once."""

from __future__ import annotations

from failover.domain.identity import failover_id
from failover.domain.phases import Outcome
from tests.support.saga import NAMESPACE, Saga, policy_of
from tests.support.waiting import eventually
from triggers.starting import Started, start_failover


async def test_firing_through_the_end_moves_once(saga: Saga) -> None:
    """Every run after the first finds nothing to do; the application was moved exactly once."""
    app = await saga.ill_application("fires")
    request = app.request(policy_of(app.name))
    runs: list[str] = []

    async def fire() -> bool:
        answer = await start_failover(saga.client, request)
        if isinstance(answer, Started):
            runs.append(answer.run_id)
        return len(runs) >= 5

    await eventually(fire, "five runs have been started one after the other")
    outcomes: list[tuple[Outcome, str]] = []
    for run_id in runs:
        app.handle = saga.client.get_workflow_handle(failover_id(app.ref), run_id=run_id)
        ending = await app.ends()
        outcomes.append((ending.outcome, ending.reason))
    assert outcomes[0][0] is Outcome.COMPLETED
    assert set(outcomes[1:]) == {(Outcome.REFUSED, "StaleIncident")}
    assert [each.cluster for each in await saga.recorder.copies(NAMESPACE, app.name)] == [
        "east",
        "west",
    ]
    await app.is_tidy("east", "west", home="west")
