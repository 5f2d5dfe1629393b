"""The target stores the copy, and its answer never arrives: it may run there, and nobody knows.

The relay in front of the target passes the request on and holds the answer back; the server is
killed once etcd has the copy.
"""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
import pytest_asyncio
from temporalio.client import WorkflowUpdateFailedError

from failover.domain.phases import Action
from failover.domain.request import Limits
from tests.support.saga import NAMESPACE, Application, Case, Saga, play, policy_of, report
from tests.support.waiting import eventually

Played = dict[str, BaseException | None]

PATIENCE = Limits(blocked_after_seconds=120)


async def goes_on_by_itself(app: Application) -> None:
    """With patience the step is repeated, finds its own copy, and is done."""
    await app.moved("west")
    assert len(await app.saga.recorder.copies(NAMESPACE, app.name)) == 2


async def retried(app: Application) -> None:
    """Blocked{TargetUncertain}; a Retry finds the copy."""
    await app.resolve(Action.RETRY)
    await goes_on_by_itself(app)


async def replanned(app: Application) -> None:
    """A Replan withdraws what may run there before another target starts."""
    policy = policy_of(app.name, clusters=["east", "north"])
    await app.resolve(Action.REPLAN, policy=policy)
    await app.moved("north")
    copies = await app.saga.recorder.copies(NAMESPACE, app.name)
    assert [each.cluster for each in copies] == ["east", "west", "north"]


async def aborted(app: Application) -> None:
    """An Abort withdraws what may run there before the original is put back."""
    await app.resolve(Action.ABORT)
    await app.restored()
    copies = await app.saga.recorder.copies(NAMESPACE, app.name)
    assert [each.cluster for each in copies] == ["east", "west", "east"]


ENDINGS = {
    "goes_on_by_itself": goes_on_by_itself,
    "retried": retried,
    "replanned": replanned,
    "aborted": aborted,
}


async def uncertain(saga: Saga, name: str) -> Application:
    """A failover right before the request that creates its copy on west."""
    app = await saga.ill_application(f"uncertain-{name}".replace("_", "-"))
    fault = app.plant("start_on_target", "hold@create")
    patient = {"limits": PATIENCE} if name == "goes_on_by_itself" else {}
    await app.start(policy_of(app.name), **patient)
    await app.suffers(fault)
    return app


async def stored(app: Application) -> bool:
    """Whether etcd has the copy."""
    copies = await app.saga.recorder.copies(NAMESPACE, app.name)
    return any(each.cluster == "west" for each in copies)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(saga: Saga) -> Played:
    """All of them lose their answer at once."""
    apps = dict(
        zip(
            ENDINGS, await asyncio.gather(*(uncertain(saga, each) for each in ENDINGS)), strict=True
        )
    )
    part, relay = saga.world.part("west/apiserver"), saga.relays["west"]
    relay.hold_answers()
    for app in apps.values():
        saga.faults.at("start_on_target", app.name, "hold@create").release()
    for app in apps.values():
        await eventually(partial(stored, app), "the copy is stored")
    await part.kill()
    relay.cut()
    relay.release()
    for name, app in apps.items():
        if name != "goes_on_by_itself":
            status = await app.blocks("TargetUncertain")
            assert status.phase == "Starting"
            with pytest.raises(WorkflowUpdateFailedError):
                await app.resolve(Action.SKIP, note="try")
    await part.restart()

    def case(name: str) -> Case:
        async def ends(_: Saga) -> None:
            await ENDINGS[name](apps[name])

        return ends

    return await play(saga, {name: case(name) for name in ENDINGS})


@pytest.mark.timeout(300)
@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_copy_whose_creation_was_not_answered(played: Played, ending: str) -> None:
    """It is found again, or withdrawn before another one starts; never are there two."""
    report(played, ending)
