"""What changes between the capture and the delete is captured again: the latest state goes along, or nothing does."""

from __future__ import annotations

import uuid

import pytest
import pytest_asyncio

from failover.domain.phases import Action
from tests.support.chronicle import CAPTURE, Chronicle
from tests.support.saga import NAMESPACE, Application, Saga, play, policy_of, report
from workflows.phases import RECAPTURES_MAX

PATCHED = "flink:1.20-patched"
Played = dict[str, BaseException | None]


async def captured_then(saga: Saga, name: str) -> Application:
    """An ill application, captured, whose purge is about to look at it."""
    app = await saga.ill_application(name)
    fault = app.plant("purge_source", "hold")
    await app.start(policy_of(name))
    await app.suffers(fault)
    return app


def goes_on(app: Application) -> None:
    """Let the purge look."""
    app.saga.faults.at("purge_source", app.name, "hold").release()


async def captures(app: Application) -> int:
    """How often it was captured."""
    return len((await Chronicle.of(app.run)).given_out(CAPTURE))


async def an_edit(saga: Saga) -> None:
    """Somebody edits it: the edit goes along."""
    app = await captured_then(saga, "edited-late")
    await saga.world.api("east").merge(app.path, {"spec": {"image": PATCHED}})
    goes_on(app)
    await app.moved("west")
    assert (await app.running("west"))["spec"]["image"] == PATCHED
    assert await captures(app) == 2


async def another_state(saga: Saga) -> None:
    """Its job was restarted under another id: the new copy resumes from that one."""
    app = await captured_then(saga, "restarted-late")
    app.job_id = uuid.uuid4().hex
    await app.reports("east", jobStatus={"jobId": app.job_id})
    goes_on(app)
    await app.moved("west")  # with the state that it has now, says the recorder
    assert await captures(app) == 2


async def no_end_of_edits(saga: Saga) -> None:
    """After so many captures a person is asked; nothing was deleted, and a Retry begins anew."""
    app = await captured_then(saga, "edited-ever")
    for number in range(RECAPTURES_MAX + 1):
        await saga.world.api("east").merge(app.path, {"spec": {"image": f"{PATCHED}-{number}"}})
        if number < RECAPTURES_MAX:
            await app.suffers(app.plant("purge_source", "hold"))  # which lets the held one go on
    goes_on(app)
    blocked = await app.blocks("KeepsChanging")
    assert not blocked.point_of_no_return_passed
    there = await app.copy("east")
    assert there is not None
    assert there["metadata"]["uid"] == app.uid
    await app.resolve(Action.RETRY)
    await app.moved("west")
    assert (await app.running("west"))["spec"]["image"] == f"{PATCHED}-{RECAPTURES_MAX}"


async def an_edit_that_the_target_refuses(saga: Saga) -> None:
    """Edited between plan and capture: the target is asked again, says no, and the next one is taken."""
    app = await saga.ill_application("edited-refused")
    held = app.plant(CAPTURE, "hold")
    patched = f"object.spec.image == '{PATCHED}'"
    refusing = await app.refuse("west", "CREATE", when=patched)
    try:
        await app.start()
        await app.suffers(held)
        await saga.world.api("east").merge(app.path, {"spec": {"image": PATCHED}})
        held.release()
        await app.moved("north")
    finally:
        await refusing.lift()
    assert (await app.running("north"))["spec"]["image"] == PATCHED
    attempted = [(each.cluster, each.reason) for each in (await app.status()).attempted]
    assert attempted == [("west", "TargetRefused")]
    assert [each.cluster for each in await saga.recorder.copies(NAMESPACE, app.name)] == [
        "east",
        "north",
    ]


CASES = {
    "an edit that the target refuses": an_edit_that_the_target_refuses,
    "an edit": an_edit,
    "another state": another_state,
    "no end of edits": no_end_of_edits,
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(saga: Saga) -> Played:
    """All of them side by side."""
    return await play(saga, CASES)


@pytest.mark.parametrize("name", CASES)
async def test_what_changed_since_is_captured_again(played: Played, name: str) -> None:
    """What would be lost is what was captured."""
    report(played, name)
