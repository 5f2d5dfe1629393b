"""Mode Observe tolerates and plans, and writes nothing."""

from __future__ import annotations

from failover.domain.phases import Outcome
from tests.support.saga import Saga, policy_of


async def test_observing_says_what_would_have_been_done(saga: Saga) -> None:
    """WouldHaveMoved names target, state and steps; no cluster was written to."""
    app = await saga.ill_application("observed")
    await app.start(policy_of(app.name, mode="Observe"))
    ending = await app.ends()
    assert ending.outcome is Outcome.WOULD_HAVE_MOVED, ending
    assert "west" in ending.message
    assert ending.result is not None
    assert ending.result.plan is not None
    assert ending.result.plan.labels == app.state
    assert set(await app.copies()) == {"east"}
    await app.was_never_written()


async def test_an_observing_trigger_overrules_the_policy(saga: Saga) -> None:
    """A request that only observes moves nothing, although the policy says Automatic."""
    app = await saga.ill_application("watched")
    await app.start(observe_only=True)
    ending = await app.ends()
    assert ending.outcome is Outcome.WOULD_HAVE_MOVED, ending
    await app.was_never_written()


async def test_an_observing_run_does_not_take_over_an_interrupted_failover(saga: Saga) -> None:
    """The interrupted one had its delete accepted: the observer says what it would do, and writes nothing."""
    app = await saga.ill_application("observed-interrupted")
    fault = app.plant("start_on_target", "hold")
    await app.start()
    await app.suffers(fault)
    await app.run.terminate("by mistake")
    before = {name: await app.record(name) for name in ("east", "west")}
    await app.start(observe_only=True)
    ending = await app.ends()
    assert ending.outcome is Outcome.WOULD_HAVE_MOVED, ending
    assert "interrupted failover" in ending.message
    assert await app.copies() == {}
    assert {name: await app.record(name) for name in ("east", "west")} == before
    await app.start()
    await app.moved("west")
