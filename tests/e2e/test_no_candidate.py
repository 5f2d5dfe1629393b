"""Nowhere to go: the failover waits, visibly, until there is a cluster."""

from __future__ import annotations

from failover.domain.phases import Action, Outcome
from failover.temporal import SEARCH
from tests.support.saga import Saga, policy_of


async def test_it_waits_for_a_cluster_and_then_moves_there(saga: Saga) -> None:
    """The only candidate is down: WaitingForCluster; once it is back, the failover completes there."""
    app = await saga.ill_application("waits")
    part = saga.world.part("west/apiserver")
    await part.kill()
    try:
        await app.start(policy_of(app.name, clusters=["east", "west"]))
        await app.shows("WaitingForCluster")
        status = await app.status()
        reasons = {each.cluster: each.reason for each in status.considered}
        assert reasons["west"] == "ClusterUnreachable"
        assert reasons["north"] == "NotInAffinity"
        assert not status.point_of_no_return_passed
    finally:
        await part.restart()
    await app.moved("west")


async def test_a_new_policy_may_name_a_cluster(saga: Saga) -> None:
    """Where the policy means no other cluster, a Replan with a wider one goes on."""
    app = await saga.ill_application("widened")
    await app.start(policy_of(app.name, clusters=["east"]))
    await app.shows("WaitingForCluster")
    assert await app.attribute(SEARCH.phase) == "WaitingForCluster"
    await app.resolve(Action.REPLAN, policy=policy_of(app.name, clusters=["east", "north"]))
    await app.moved("north")


async def test_waiting_can_be_aborted(saga: Saga) -> None:
    """An Abort while nothing was touched leaves everything as it was."""
    app = await saga.ill_application("given-up")
    await app.start(policy_of(app.name, clusters=["east"]))
    await app.shows("WaitingForCluster")
    await app.resolve(Action.ABORT, note="no need")
    await app.untouched(Outcome.ABORTED)
