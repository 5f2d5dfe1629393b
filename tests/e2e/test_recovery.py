"""An application that gets well by itself is left alone."""

from __future__ import annotations

from datetime import timedelta

from failover.domain.phases import Outcome, Phase
from tests.support.saga import Saga, policy_of
from tests.support.waiting import eventually


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


async def test_an_application_that_flaps_is_moved_in_the_same_run(saga: Saga) -> None:
    """Well for a moment is not recovered: the clock stands meanwhile, and goes on from there."""
    ill_for = timedelta(seconds=5)
    app = await saga.ill_application("flaps")
    await app.start(policy_of(app.name, toleration=8))

    async def tolerated() -> bool:
        return (await app.status()).tolerated >= ill_for

    async def recovers() -> bool:
        return (await app.status()).recovers_at is not None

    async def counts() -> bool:
        return (await app.status()).toleration_ends_at is not None

    await eventually(tolerated, "it was ill for some seconds")
    await app.recover()
    await eventually(recovers, "it was seen well")
    well = await app.status()
    assert well.phase is Phase.TOLERATING
    assert ill_for <= well.tolerated < well.toleration
    await app.fall_ill()
    await eventually(counts, "it was seen ill again")
    assert (await app.status()).tolerated >= well.tolerated
    await app.moved()


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
