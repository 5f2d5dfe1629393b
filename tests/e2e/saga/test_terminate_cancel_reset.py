"""Somebody terminates, resets or cancels the run in the Temporal UI, in each phase.

Terminated and reset runs leave no chance to tidy up: the next trigger, or the reset run itself, takes
over what it finds on the clusters. A cancellation is an Abort, and tidies up by itself.
"""

from __future__ import annotations

import uuid

import pytest
import pytest_asyncio
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest

from failover.domain.identity import failover_id
from failover.domain.phases import Outcome
from tests.e2e.saga.places import PLACES, RESTORED, Place
from tests.support.saga import NAMESPACE, Application, Case, Saga, play, policy_of, report
from tests.support.waiting import eventually

Played = dict[str, BaseException | None]


async def held_in(saga: Saga, kind: str, name: str, place: Place) -> Application:
    """A failover that stands there."""
    app = await saga.ill_application(f"{kind}-{name}")
    await place.reach(app)
    return app


async def ends_on(app: Application, cluster: str) -> None:
    """Assert where it lives in the end, and that nothing is left open and no promise was broken."""
    await app.lives_on(cluster)
    await app.is_tidy(home=cluster)
    await app.kept_its_promises()


def terminated(name: str, place: Place) -> Case:
    """Terminated there, triggered again: what was begun is taken over."""

    async def case(saga: Saga) -> None:
        app = await held_in(saga, "terminated", name, place)
        await app.run.terminate("by mistake")
        await place.road.begin(app)
        await place.pass_by(app)
        ending = await app.ends(seconds=90)
        if name in RESTORED:
            # the original had been put back and is well: nothing more was to be done than to tidy up
            assert ending.outcome in {Outcome.RECOVERED, Outcome.REFUSED}, ending
            await ends_on(app, "east")
            return
        expected = Outcome.COMPLETED if place.again == "west" else Outcome.ROLLED_BACK
        assert ending.outcome is expected, ending
        await ends_on(app, place.again)

    return case


def reset(name: str, place: Place) -> Case:
    """Reset to its first task there: the new run takes over from the old one."""

    async def case(saga: Saga) -> None:
        app = await held_in(saga, "reset", name, place)
        answer = await saga.client.workflow_service.reset_workflow_execution(
            ResetWorkflowExecutionRequest(
                namespace=saga.client.namespace,
                workflow_execution=WorkflowExecution(
                    workflow_id=failover_id(app.ref), run_id=app.run.run_id or ""
                ),
                reason="by mistake",
                workflow_task_finish_event_id=await first_task(app),
                request_id=uuid.uuid4().hex,
            )
        )
        app.handle = saga.client.get_workflow_handle(failover_id(app.ref), run_id=answer.run_id)
        await place.pass_by(app)
        ending = await app.ends(seconds=90)
        if name in RESTORED:
            assert ending.outcome in {Outcome.RECOVERED, Outcome.REFUSED}, ending
            await ends_on(app, "east")
            return
        expected = Outcome.COMPLETED if place.again == "west" else Outcome.ROLLED_BACK
        assert ending.outcome is expected, ending
        await ends_on(app, place.again)

    return case


async def first_task(app: Application) -> int:
    """The event at which the first workflow task completed."""
    history = await app.run.fetch_history()
    return next(
        event.event_id
        for event in history.events
        if event.HasField("workflow_task_completed_event_attributes")
    )


def cancelled(name: str, place: Place) -> Case:
    """Cancelled there: an Abort, which leaves nothing half done."""

    async def case(saga: Saga) -> None:
        app = await held_in(saga, "cancelled", name, place)
        await app.run.cancel()
        await eventually(lambda: asked(app), "the cancellation is known")
        await place.release(app)
        ending = await app.ends(seconds=90)
        match place.cancelled:
            case "untouched":
                assert ending.outcome is Outcome.ABORTED, ending
                assert ending.cancelled
                copies = await app.copies()
                assert {where: each["metadata"]["uid"] for where, each in copies.items()} == {
                    "east": app.uid
                }
                await app.is_tidy(home="east")
            case "restored":
                assert ending.outcome is Outcome.ROLLED_BACK, ending
                await ends_on(app, "east")
            case _:
                assert ending.outcome is Outcome.COMPLETED, ending
                await ends_on(app, "west")
        assert len(await saga.recorder.copies(NAMESPACE, app.name)) <= 3

    return case


async def asked(app: Application) -> bool:
    """Whether the history has the cancellation, and a task after it."""
    history = await app.run.fetch_history()
    seen = False
    for event in history.events:
        seen = seen or event.HasField("workflow_execution_cancel_requested_event_attributes")
        if seen and event.HasField("workflow_task_completed_event_attributes"):
            return True
    return False


async def ill_again(saga: Saga) -> None:
    """Terminated once restored, and ill again at once: the next failover closes what is open elsewhere."""
    app = await held_in(saga, "ill", "again", PLACES["restored"])
    await app.run.terminate("by mistake")
    assert (await app.record("west") or {}).get("data"), "the record on west is open"
    app.uid = (await app.running("east"))["metadata"]["uid"]
    await app.fall_ill()
    await app.start(policy_of(app.name, clusters=["east", "north"]))
    ending = await app.ends(seconds=90)
    assert ending.outcome is Outcome.COMPLETED, ending
    await app.lives_on("north")
    await app.is_tidy(home="north")
    await saga.recorder.never_two(NAMESPACE, app.name)


CASES: dict[str, Case] = {
    "ill-again": ill_again,
} | {
    f"{kind.__name__}-{name}": kind(name, place)
    for kind in (terminated, reset, cancelled)
    for name, place in PLACES.items()
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(saga: Saga) -> Played:
    """All cases, played side by side."""
    return await play(saga, CASES)


@pytest.mark.timeout(500)
@pytest.mark.parametrize("case", CASES)
async def test_what_was_cut_off_is_brought_to_an_end(played: Played, case: str) -> None:
    """One copy, its state kept, the records closed, in whatever phase the run was cut off."""
    report(played, case)
