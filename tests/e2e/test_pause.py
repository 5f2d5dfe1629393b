"""While a pause is open, nothing that it covers passes its point of no return."""

from __future__ import annotations

import pytest

from failover.domain.identity import (
    ALL_PAUSE_ID,
    application_pause_id,
    cluster_pause_id,
)
from failover.domain.phases import Action, Outcome
from failover.domain.request import PauseRequest
from tests.support.saga import Saga
from triggers.pausing import closed, pause, resume, wake


@pytest.mark.parametrize("scope", ["all", "source", "target", "application"])
async def test_a_pause_holds_the_failover_until_it_ends(saga: Saga, scope: str) -> None:
    """It is Held before anything is written, says by whom, and completes after `resume`."""
    app = await saga.ill_application(f"paused-{scope}")
    pause_id = {
        "all": ALL_PAUSE_ID,
        "source": cluster_pause_id("east"),
        "target": cluster_pause_id("west"),
        "application": application_pause_id(app.ref),
    }[scope]
    await pause(saga.client, pause_id, PauseRequest(reason="maintenance", actor="ops"))
    try:
        await app.start()
        await app.shows("Held")
        status = await app.status()
        assert "maintenance" in status.message
        assert "ops" in status.message
        assert not status.point_of_no_return_passed
        await app.was_never_written()
    finally:
        await resume(saga.client, pause_id)
        assert await closed(saga.client, pause_id, within_seconds=30)
    await wake(saga.client, app.run.id)
    await app.moved("west")


async def test_a_held_failover_can_be_aborted(saga: Saga) -> None:
    """An Abort while it is held leaves everything as it was."""
    app = await saga.ill_application("held")
    pause_id = application_pause_id(app.ref)
    await pause(saga.client, pause_id, PauseRequest(reason="maintenance", actor="ops"))
    try:
        await app.start()
        await app.shows("Held")
        await app.resolve(Action.ABORT, note="not needed")
        await app.untouched(Outcome.ABORTED)
    finally:
        await resume(saga.client, pause_id)
