"""A new copy that does not get healthy is withdrawn before another one starts."""

from __future__ import annotations

from failover.domain.phases import Outcome
from tests.support.saga import NAMESPACE, Application, Saga, never_healthy_on, policy_of

QUICK = {"healthyWithinSeconds": 1}


async def begun(saga: Saga, name: str, *clusters: str, purge_mode: str = "Directly") -> Application:
    """A failover whose copies on these clusters never get healthy."""
    app = await saga.ill_application(name)
    policy = policy_of(app.name, purge_mode=purge_mode, verification=QUICK)
    return await app.start(policy, overrides=never_healthy_on(app.name, *clusters))


async def test_it_is_withdrawn_and_the_next_candidate_takes_over(saga: Saga) -> None:
    """The copy on west never gets healthy: it is gone before the one on north starts."""
    app = await begun(saga, "next", "west")
    await app.moved("north")
    east, west, north = await saga.recorder.copies(NAMESPACE, app.name)
    assert [each.cluster for each in (east, west, north)] == ["east", "west", "north"]
    assert west.gone is not None
    assert west.gone < north.created
    attempted = (await app.status()).attempted
    assert [(each.cluster, each.reason, each.withdrawn) for each in attempted] == [
        ("west", "NoProgress", True)
    ]


async def test_the_original_is_put_back_where_none_gets_healthy(saga: Saga) -> None:
    """No candidate brings it up: all are withdrawn and the original is started again with its state."""
    app = await begun(saga, "back", "west", "north")
    await app.restored()
    await app.lives_on("east")


async def test_gracefully_keeps_the_original_where_none_gets_healthy(saga: Saga) -> None:
    """With Gracefully the original is never touched, and runs on."""
    app = await begun(saga, "stays", "west", "north", purge_mode="Gracefully")
    ending = await app.ends()
    assert ending.outcome is Outcome.ROLLED_BACK, ending
    copies = await app.copies()
    assert {name: each["metadata"]["uid"] for name, each in copies.items()} == {"east": app.uid}
    await app.is_tidy("east", home="east")
    await app.kept_its_promises(two_copies=True)
