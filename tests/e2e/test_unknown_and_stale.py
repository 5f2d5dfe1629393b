"""What is not known is not acted upon, and an incident that is over is not either."""

from __future__ import annotations

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError

from failover.domain.health import Health, HealthStatus
from failover.domain.identity import failover_id
from failover.domain.phases import Action, Outcome
from failover.domain.request import Status
from failover.temporal import TASK_QUEUE
from tests.support.saga import Saga, policy_of
from tests.support.waiting import eventually
from triggers.starting import start_failover


async def test_an_application_that_is_gone_is_a_stale_incident(saga: Saga) -> None:
    """It was deleted before the first look: StaleIncident, and nothing is written."""
    app = await saga.ill_application("gone")
    await saga.world.api("east").delete(app.path)
    await app.start()
    ending = await app.ends()
    assert (ending.outcome, ending.reason) == (Outcome.REFUSED, "StaleIncident")
    await app.was_never_written()


async def test_another_object_of_that_name_is_a_stale_incident(saga: Saga) -> None:
    """The object that fell ill was replaced by another: the new one is not touched."""
    app = await saga.ill_application("replaced")
    await app.start(source_uid="11111111-2222-3333-4444-555555555555")
    ending = await app.ends()
    assert (ending.outcome, ending.reason) == (Outcome.REFUSED, "StaleIncident")
    assert (await app.copies())["east"]["metadata"]["uid"] == app.uid


async def test_time_that_could_not_be_observed_does_not_count(saga: Saga) -> None:
    """While the source does not answer the clock stands still; when it is back, the failover goes on."""
    app = await saga.ill_application("unseen")
    part = saga.world.part("east/apiserver")
    await part.kill()
    try:
        await app.start()

        async def looked() -> Status | None:
            status = await app.status()
            return status if status.health is not None else None

        status = await eventually(looked, "the first look")
        assert status.health is not None
        assert status.health.status is HealthStatus.UNKNOWN
        assert status.toleration_ends_at is None
    finally:
        await part.restart()
    await app.moved("west")


async def test_a_run_under_a_wrong_id_fails_at_once(saga: Saga) -> None:
    """An id that is not that of the application would break "one at a time": IdMismatch."""
    app = await saga.ill_application("misnamed")
    with pytest.raises(WorkflowFailureError) as raised:
        await saga.client.execute_workflow(
            "Failover", app.request(policy_of(app.name)), id="failover/wrong", task_queue=TASK_QUEUE
        )
    assert isinstance(raised.value.cause, ApplicationError)
    assert raised.value.cause.type == "IdMismatch"
    await app.was_never_written()


async def test_a_source_that_the_fleet_does_not_know_waits_for_a_person(saga: Saga) -> None:
    """It is Blocked at its first look; a Replan has it look again, and only an Abort ends it."""
    app = await saga.ill_application("sourceless")
    await app.start(source="nowhere")
    before = (await app.blocks("UnknownCluster")).block
    assert before is not None
    await app.resolve(Action.REPLAN, note="look again")

    async def again() -> bool:
        block = (await app.status()).block
        return block is not None and block.since > before.since

    await eventually(again, "it is Blocked again", seconds=15)
    await app.resolve(Action.ABORT)
    await app.untouched()


async def test_a_cluster_that_serves_no_such_kind_is_not_a_verdict(saga: Saga) -> None:
    """An unknown kind is neither healthy nor unhealthy: the failover waits, and can be aborted."""
    app = await saga.ill_application("kindless")
    app_ref = app.ref.model_copy(update={"kind": "FlinkDeploymentt"})
    request = app.request(policy_of(app.name)).model_copy(update={"application": app_ref})
    await start_failover(saga.client, request)
    app.handle = saga.client.get_workflow_handle(failover_id(app_ref))

    async def looked() -> Health | None:
        return (await app.status()).health

    health = await eventually(looked, "the first look")
    assert (health.status, health.reason) == (HealthStatus.UNKNOWN, "UnknownKind")
    await app.resolve(Action.ABORT)
    ending = await app.ends()
    assert ending.outcome is Outcome.ABORTED
