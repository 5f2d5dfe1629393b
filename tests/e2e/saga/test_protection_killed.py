"""The worker of a protection is killed while it looks, and it continues as new, in each of its states.

Nothing that was declared is lost, and what was asked for meanwhile is done; nobody has to help.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from temporalio.service import RPCError

from failover.domain.application import (
    ApplicationPhase,
    ApplicationView,
    Declaration,
    Order,
    Suspension,
)
from failover.domain.identity import application_id
from failover.domain.policy import Mode
from failover.domain.protecting import with_mode
from tests.support.saga import FLINK, Application, Case, Saga, play, policy_of, report
from tests.support.waiting import eventually
from triggers import protecting
from triggers.protecting import Protection

SECONDS = 120
NEWER = {
    "stateful-failover.dev/failover-id": "failover/of/another/database",
    "stateful-failover.dev/generation": "5",
}

Prepare = Callable[[Saga, Application], Awaitable[None]]


async def nothing(saga: Saga, app: Application) -> None:
    """It stays protected."""


async def suspend(saga: Saga, app: Application) -> None:
    """It is suspended."""
    await protecting.suspend(saga.client, app.ref, Suspension(reason="why", actor="ada"))


async def another_database(saga: Saga, app: Application) -> None:
    """Its copy carries a generation that nobody here has made."""
    path = f"{FLINK}/{app.name}"
    await saga.world.api("east").merge(path, {"metadata": {"annotations": NEWER}})
    await protecting.wake(saga.client, app.ref)


STATES: dict[ApplicationPhase, Prepare] = {
    ApplicationPhase.PROTECTED: nothing,
    ApplicationPhase.SUSPENDED: suspend,
    ApplicationPhase.NEWER_GENERATION: another_database,
}


async def reaches(
    saga: Saga, app: Application, what: str, wanted: Callable[[ApplicationView], bool]
) -> Protection:
    """The protection, once it is as wanted."""

    async def look() -> Protection | None:
        try:
            found = await protecting.protection(saga.client, app.ref)
        except RPCError:
            return None
        return found if found is not None and wanted(found.view) else None

    return await eventually(look, f"{app.name} {what}", seconds=SECONDS)


def killed_in(phase: ApplicationPhase) -> Case:
    """Killed while it looks, redeclared, killed again, and ended."""

    async def case(saga: Saga) -> None:
        app = await saga.application(f"protected-{phase.lower()}")
        await protecting.declare(saga.client, app.ref, declaration(app, "Observe"))
        await reaches(saga, app, "is found", lambda view: view.known.home == "east")
        await STATES[phase](saga, app)

        def is_so(view: ApplicationView) -> bool:
            return view.phase is phase

        await reaches(saga, app, f"is {phase}", is_so)
        fault = app.plant("look_at_application", "kill-before")
        await protecting.wake(saga.client, app.ref)
        await app.suffers(fault, seconds=SECONDS)
        # Meanwhile it is declared anew, so that it continues as new as soon as a worker is back.
        again = app.plant("look_at_application", "kill-after")
        before = await reaches(saga, app, f"is still {phase}", is_so)
        await protecting.declare(saga.client, app.ref, declaration(app, "Confirm"))
        await app.suffers(again, seconds=SECONDS)
        after = await reaches(
            saga,
            app,
            "has taken up the declaration",
            lambda view: view.declaration.mode == "Confirm" and view.phase is phase,
        )
        assert after.run_id != before.run_id, "it has continued as new"
        assert (after.view.suspension, after.view.known.home) == (before.view.suspension, "east")
        await protecting.unprotect(saga.client, app.ref, Order(actor="tests"))
        handle = saga.client.get_workflow_handle(
            application_id(app.ref), result_type=ApplicationView
        )
        assert (await handle.result()).phase is phase

    return case


def declaration(app: Application, mode: Mode) -> Declaration:
    """How the application is protected."""
    return Declaration(policy=with_mode(policy_of(app.name), mode), source="directory /policies")


@pytest.mark.timeout(400)
async def test_a_protection_survives_its_worker_in_every_state(saga: Saga) -> None:
    """All states side by side: one world, and workers that die in all of them."""
    assert set(STATES) == set(ApplicationPhase)
    await saga.crew.keep_at_work(2)
    cases = {phase.value: killed_in(phase) for phase in STATES}
    played = await play(saga, cases)
    for name in cases:
        report(played, name)
