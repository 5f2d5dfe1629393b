"""An application that gets well by itself is left alone."""

from __future__ import annotations

from failover.domain.phases import Outcome
from tests.support.saga import Saga, policy_of


async def test_recovery_during_toleration_ends_it_and_nothing_was_written(saga: Saga) -> None:
    """The JobManager is back before the toleration ends: Recovered, no record, no mark."""
    app = await saga.ill_application("recovers")
    await app.start(policy_of(app.name, toleration=300))
    await app.shows("Tolerating")
    await app.recover()
    ending = await app.ends()
    assert ending.outcome is Outcome.RECOVERED, ending
    assert (await app.lives_on("east"))["metadata"]["uid"] == app.uid
    await app.was_never_written()


async def test_recovery_while_an_approval_is_waited_for_ends_it(saga: Saga) -> None:
    """A plan that waits for approval is dropped once the application is well and somebody looks."""
    app = await saga.ill_application("recovers-late")
    await app.start(policy_of(app.name, mode="Confirm"))
    await app.shows("AwaitingApproval")
    await app.recover()
    await app.run.signal("wake")
    ending = await app.ends()
    assert ending.outcome is Outcome.RECOVERED, ending
    await app.was_never_written()


async def test_a_healthy_application_is_not_moved(saga: Saga) -> None:
    """A failover of an application that is well ends at its first look."""
    app = await saga.application("well")
    await app.start()
    ending = await app.ends()
    assert ending.outcome is Outcome.RECOVERED, ending
    await app.was_never_written()
