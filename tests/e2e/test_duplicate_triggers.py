"""Any number of triggers for one incident make one failover."""

from __future__ import annotations

import asyncio

from failover.domain.identity import failover_id
from tests.support.saga import NAMESPACE, Saga, policy_of
from triggers.starting import DifferentIncident, Merged, Started, start_failover


async def test_simultaneous_triggers_make_one_run(saga: Saga) -> None:
    """Twenty at once: one starts it, the others join it, and the application moves once."""
    app = await saga.ill_application("once")
    request = app.request(policy_of(app.name, toleration=1))
    answers = await asyncio.gather(*(start_failover(saga.client, request) for _ in range(20)))
    started = [each for each in answers if isinstance(each, Started)]
    assert len(started) == 1
    assert all(isinstance(each, Merged) for each in answers if each not in started)
    app.handle = saga.client.get_workflow_handle(failover_id(app.ref), run_id=started[0].run_id)
    await app.moved("west")
    assert len(await saga.recorder.copies(NAMESPACE, app.name)) == 2


async def test_another_incident_is_not_mixed_in(saga: Saga) -> None:
    """A trigger about another object of that name, while a failover runs, changes nothing."""
    app = await saga.ill_application("another")
    await app.start(policy_of(app.name, mode="Confirm"))
    await app.shows("AwaitingApproval")
    other = app.request(policy_of(app.name), source_uid="11111111-2222-3333-4444-555555555555")
    answer = await start_failover(saga.client, other)
    assert isinstance(answer, DifferentIncident)
    assert app.uid in answer.message
    await app.approve((await app.status()).plan_digest)
    await app.moved("west")
