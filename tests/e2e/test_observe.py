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
