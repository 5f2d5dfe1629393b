"""Every failover of this very run replays; with `--record-histories` some are kept for ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from temporalio.client import WorkflowHandle, WorkflowHistory

from devstack.flink import ALIAS_LABEL
from failover.domain.application import Declaration, Order, Suspension
from failover.domain.identity import application_id, application_pause_id, failover_id
from failover.domain.phases import Action
from failover.domain.policy import Mode
from failover.domain.protecting import with_mode
from failover.domain.request import PauseRequest
from failover.domain.sweeping import SweepRequest, Swept
from failover.temporal import SWEEP_ID, SWEEP_WORKFLOW, TASK_QUEUE
from tests.support.protected import FORGET, protected
from tests.support.replaying import cut_off, replayer, write
from tests.support.saga import Application, Saga, never_healthy_on, policy_of
from tests.support.waiting import eventually
from triggers import protecting
from triggers.pausing import closed, pause, resume, wake

SOON: dict[str, Any] = {"verification": {"healthyWithinSeconds": 1}}


async def _moved(saga: Saga, mode: str, *, toleration: int = 1) -> Application:
    app = await saga.ill_application(f"replay-{mode.lower()}")
    await app.start(policy_of(app.name, purge_mode=mode, toleration=toleration))
    await app.ends()
    return app


async def _rolled_back(saga: Saga) -> Application:
    app = await saga.ill_application("replay-rolled-back")
    policy = policy_of(app.name, clusters=("east", "west"), **SOON)
    await app.start(policy, overrides=never_healthy_on(app.name, "west"))
    await app.ends()
    return app


async def _aborted(saga: Saga) -> Application:
    app = await saga.ill_application("replay-aborted")
    await app.start(policy_of(app.name, path="{ .no.such.key }"))
    await app.blocks()
    await app.resolve(Action.RETRY)
    await app.blocks()
    await app.resolve(Action.ABORT)
    await app.ends()
    return app


async def _approved(saga: Saga) -> Application:
    app = await saga.ill_application("replay-approved")
    await app.start(policy_of(app.name, mode="Confirm"))
    await app.shows("AwaitingApproval")
    await app.approve((await app.status()).plan_digest)
    await app.ends()
    return app


async def _held(saga: Saga) -> Application:
    app = await saga.ill_application("replay-held")
    pause_id = application_pause_id(app.ref)
    await pause(saga.client, pause_id, PauseRequest(reason="maintenance", actor="ops"))
    await app.start(policy_of(app.name))
    await app.shows("Held")
    await resume(saga.client, pause_id)
    assert await closed(saga.client, pause_id, within_seconds=30)
    await wake(saga.client, failover_id(app.ref))
    await app.ends()
    return app


async def _waiting(saga: Saga) -> Application:
    app = await saga.ill_application("replay-waiting")
    await app.start(policy_of(app.name, clusters=("east",)))
    await app.shows("WaitingForCluster")
    await app.resolve(Action.REPLAN, policy=policy_of(app.name))
    await app.ends()
    return app


async def test_what_this_run_wrote_is_replayed(saga: Saga, request: pytest.FixtureRequest) -> None:
    """Nothing in the workflow depends on anything but its history."""
    apps = {
        "directly": await _moved(saga, "Directly"),
        "planned-ahead": await _moved(saga, "Directly", toleration=4),
        "gracefully": await _moved(saga, "Gracefully"),
        "never": await _moved(saga, "Never"),
        "rolled-back": await _rolled_back(saga),
        "aborted": await _aborted(saga),
        "approved": await _approved(saga),
        "held": await _held(saga),
        "waiting": await _waiting(saga),
    }
    replaying = replayer()
    for name, app in apps.items():
        history = await app.run.fetch_history()
        await replaying.replay_workflow(history, raise_on_replay_failure=True)
        for stopped in cut_off(history):
            await replaying.replay_workflow(stopped)
        if request.config.getoption("--record-histories"):
            write(name, history)


async def test_a_protection_is_replayed(saga: Saga, request: pytest.FixtureRequest) -> None:
    """Declared, suspended, resumed, looking again, and ended: each run of it."""
    app = await saga.application("replay-protected")
    client = saga.client
    await protecting.declare(client, app.ref, protected_as(app, "Observe"))
    await known_as(app, lambda view: view.known.home == "east")
    await protecting.suspend(client, app.ref, Suspension(reason="why", actor="ada"))
    await known_as(app, lambda view: view.suspension is not None)
    await app.fall_ill()
    await protecting.wake(client, app.ref)
    await known_as(app, lambda view: view.known.health.status == "Unhealthy")
    await protecting.unprotect(client, app.ref, Order(actor="tests"))
    handle = client.get_workflow_handle(application_id(app.ref))
    await handle.result()
    last = await handle.fetch_history()
    first = await client.get_workflow_handle(
        application_id(app.ref),
        run_id=last.events[0].workflow_execution_started_event_attributes.first_execution_run_id,
    ).fetch_history()
    for name, history in (("protected", first), ("unprotected", last)):
        await _replayed(name, history, request)


async def test_a_protection_with_a_good_state_is_replayed(
    saga: Saga, request: pytest.FixtureRequest
) -> None:
    """A timer, a state that is kept, and forgotten at the end."""
    app = await saga.application("replay-good-state")
    rules = [{"aliasLabelName": ALIAS_LABEL, "jsonPath": "{ .jobStatus.jobId }"}]
    policy = policy_of(app.name, statePreservation={"rules": rules, "goodAfterSeconds": 1})
    declaration = Declaration(policy=with_mode(policy, "Automatic"), actor="tests")
    await protecting.declare(saga.client, app.ref, declaration)
    await known_as(app, lambda view: view.known.kept is not None)
    await protecting.unprotect(saga.client, app.ref, Order(actor="tests"))
    handle = saga.client.get_workflow_handle(application_id(app.ref))
    await handle.result()
    await _replayed("good-state", await handle.fetch_history(), request)


async def test_a_protection_that_is_declared_while_it_ends_is_replayed(
    saga: Saga, request: pytest.FixtureRequest
) -> None:
    """What was kept is forgotten, and then it begins again."""
    it = await protected(saga, "replay-again", good_after=0)
    await it.reaches("is kept", lambda found: found.view.known.kept is not None)
    ending = await it.there()
    forgetting = it.plant(FORGET, "hold")
    await it.unprotect()
    await it.suffers(forgetting)
    await it.declare("ben")
    forgetting.release()
    await it.continued_as_new(ending)
    handle = saga.client.get_workflow_handle(application_id(it.app.ref), run_id=ending.run_id)
    await _replayed("declared-again", await handle.fetch_history(), request)
    await it.unprotect()
    await it.ends()


async def test_a_sweep_is_replayed(saga: Saga, request: pytest.FixtureRequest) -> None:
    """It looks at what is protected, and finds nothing to do."""
    it = await protected(saga, "replay-swept")
    handle: WorkflowHandle[Any, Swept] = await saga.client.start_workflow(
        SWEEP_WORKFLOW,
        SweepRequest(),
        id=f"{SWEEP_ID}-replayed",
        task_queue=TASK_QUEUE,
        result_type=Swept,
    )
    swept = await handle.result()
    assert swept.seen >= 1
    assert not swept.errors
    await _replayed("sweep", await handle.fetch_history(), request)
    await it.unprotect()
    await it.ends()


async def _replayed(name: str, history: WorkflowHistory, request: pytest.FixtureRequest) -> None:
    replaying = replayer()
    await replaying.replay_workflow(history, raise_on_replay_failure=True)
    for stopped in cut_off(history):
        await replaying.replay_workflow(stopped)
    if request.config.getoption("--record-histories"):
        write(name, history)


def protected_as(app: Application, mode: Mode) -> Declaration:
    """How the application is protected."""
    return Declaration(policy=with_mode(policy_of(app.name), mode), actor="tests")


async def known_as(app: Application, wanted: Callable[[Any], bool]) -> None:
    """Wait until its protection shows this."""

    async def look() -> bool:
        found = await protecting.protection(app.saga.client, app.ref)
        return found is not None and wanted(found.view)

    await eventually(look, f"the protection of {app.name} shows it")
