"""Workers whose wall clocks are off by five minutes, ahead and behind: a deadline is the server's.

Failovers are begun by the one and gone on with by the other, in both directions, so that whatever
either of them took from its own clock would be ten minutes wrong.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from cli.local import await_worker
from devstack.processes import Part
from tests.support import skewed_clock
from tests.support.chronicle import Chronicle
from tests.support.saga import NAMESPACE, Application, Saga, policy_of

AHEAD, BEHIND = timedelta(minutes=5), -timedelta(minutes=5)
TOLERATION = timedelta(seconds=40)  # two other workers are up within it, one after the other
LATE_MAX = timedelta(seconds=5)
ABOUT = timedelta(minutes=1)


async def at_work(saga: Saga, clock_off: timedelta) -> Part:
    """A worker with this clock, once it asks for work."""
    part = await saga.crew.hire(clock_off=clock_off)
    await await_worker(saga.client, part)
    return part


async def tolerating(saga: Saga, name: str) -> Application:
    """A failover that waits out its toleration, which counts from its start on the server."""
    app = await saga.ill_application(name)
    await app.start(policy_of(app.name, toleration=int(TOLERATION.total_seconds())))
    await app.shows("Tolerating")
    status = await app.status()
    assert status.tolerated < TOLERATION
    assert status.started_at == (await Chronicle.of(app.run)).began
    return app


async def moved_in_time(app: Application) -> None:
    """Assert one move, begun when the toleration was over on the server's clock, and not later."""
    ending = await app.moved("west")
    copies = await app.saga.recorder.copies(NAMESPACE, app.name)
    assert [each.cluster for each in copies] == ["east", "west"]
    assert ending.result is not None
    assert ending.result.generation == 1
    chronicle = await Chronicle.of(app.run)
    tolerated = chronicle.tolerated_until - chronicle.began
    assert TOLERATION <= tolerated < TOLERATION + LATE_MAX, tolerated


async def clock_off(app: Application) -> timedelta:
    """How far off the clock was by which a worker dated the Event of the failover's end."""
    [event] = await app.events("west")
    [told] = (await Chronicle.of(app.run)).given_out("publish_result")
    return datetime.fromisoformat(event["lastTimestamp"]) - told


@pytest.mark.skipif(not skewed_clock.SUPPORTED, reason="needs Linux on x86-64")
async def test_a_worker_with_another_clock_goes_on(saga: Saga) -> None:
    """No toleration is shortened or prolonged, and each application is moved once."""
    await saga.crew.close()
    try:
        ahead = await at_work(saga, AHEAD)
        one = await tolerating(saga, "begun-ahead")
        behind = await at_work(saga, BEHIND)
        await saga.crew.dismiss(ahead)
        other = await tolerating(saga, "begun-behind")
        ahead = await at_work(saga, AHEAD)
        await saga.crew.dismiss(behind)
        for app in (one, other):
            await moved_in_time(app)
            assert abs(await clock_off(app) - AHEAD) < ABOUT
    finally:
        await saga.crew.renew()
