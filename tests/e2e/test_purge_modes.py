"""Each purge mode from one end to the other: where copies are when, and what remains at the end."""

from __future__ import annotations

import pytest

from devstack.flink import ALIAS_LABEL
from failover.domain.phases import Outcome, Phase
from tests.support.saga import NAMESPACE, Application, Saga, policy_of

SUPERSEDED_BY = "stateful-failover.dev/superseded-by"
STATE = "stateful-failover.dev/state"

DIRECTLY = [
    Phase.TOLERATING,
    Phase.PLANNING,
    Phase.CAPTURING,
    Phase.PURGING,
    Phase.STARTING,
    Phase.VERIFYING,
    Phase.FINISHING,
]
GRACEFULLY = [*DIRECTLY[:3], *DIRECTLY[4:6], Phase.PURGING, Phase.FINISHING]
NEVER = [*DIRECTLY[:3], *DIRECTLY[4:]]


async def moved(saga: Saga, purge_mode: str) -> Application:
    """An application that was moved in this mode."""
    app = await saga.ill_application(purge_mode.lower())
    return await app.start(policy_of(app.name, purge_mode=purge_mode))


@pytest.mark.parametrize(
    ("purge_mode", "phases"),
    [("Directly", DIRECTLY), ("Gracefully", GRACEFULLY), ("Never", NEVER)],
)
async def test_a_move_goes_through_its_phases(
    saga: Saga, purge_mode: str, phases: list[Phase]
) -> None:
    """The timeline holds each phase of the mode once, in order, each with its end."""
    app = await moved(saga, purge_mode)
    ending = await app.ends()
    assert ending.outcome is Outcome.COMPLETED, ending
    assert ending.result is not None
    assert [step.phase for step in ending.result.steps] == phases
    assert all(step.ended_at is not None for step in ending.result.steps)
    assert ending.result.target == "west"
    assert ending.result.labels == app.state


async def test_directly_never_lets_two_copies_be(saga: Saga) -> None:
    """The new copy starts with the old one's state, only after the old one and its JobManager are gone."""
    app = await moved(saga, "Directly")
    await app.moved("west")
    old, new = await saga.recorder.copies(NAMESPACE, app.name)
    assert old.gone is not None
    assert old.gone < new.created
    assert new.labels == app.state
    there = await app.lives_on("west")
    assert there["status"]["jobStatus"]["upgradeSavepointPath"].endswith(f"{app.job_id}/chk-1")


async def test_gracefully_purges_only_beside_a_healthy_copy(saga: Saga) -> None:
    """The old copy is deleted once the new one was seen healthy, and not a moment before."""
    app = await moved(saga, "Gracefully")
    ending = await app.ends()
    assert ending.outcome is Outcome.COMPLETED, ending
    await app.lives_on("west")
    await app.is_tidy("east", "west", home="west")
    await app.kept_its_promises(two_copies=True)
    old, new = await saga.recorder.copies(NAMESPACE, app.name)
    assert old.doomed is not None
    assert new.healthy_since is not None
    assert new.created < new.healthy_since < old.doomed


async def test_never_leaves_the_original_and_marks_it(saga: Saga) -> None:
    """The original stays untouched but for a mark that says where the application lives now."""
    app = await moved(saga, "Never")
    ending = await app.ends()
    assert ending.outcome is Outcome.COMPLETED, ending
    await app.lives_on("west", also=["east"])
    await app.is_tidy("east", "west", home="west")
    await app.kept_its_promises(two_copies=True)
    original = (await app.copies())["east"]
    assert original["metadata"]["uid"] == app.uid
    assert original["metadata"]["annotations"][SUPERSEDED_BY] == "west/1"
    assert original["spec"] == (await app.copies())["west"]["spec"]


async def test_the_record_keeps_state_and_home_after_it_is_closed(saga: Saga) -> None:
    """Data is gone from both records; generation, home and state remain in their annotations."""
    app = await moved(saga, "Directly")
    await app.moved("west")
    for cluster in ("east", "west"):
        record = await app.record(cluster)
        assert record is not None
        annotations = record["metadata"]["annotations"]
        assert annotations["stateful-failover.dev/generation"] == "1"
        assert app.job_id in annotations[STATE]
    assert await app.record("north") is None


async def test_the_move_is_told_as_an_event_on_the_workload(saga: Saga) -> None:
    """An Event about the copy says how the failover ended."""
    app = await moved(saga, "Directly")
    await app.moved("west")
    reasons = {event["reason"]: event for event in await app.events("west")}
    event = reasons["FailoverCompleted"]
    assert event["type"] == "Normal"
    assert event["involvedObject"]["name"] == app.name


async def test_the_new_copy_can_be_moved_on(saga: Saga) -> None:
    """A second failover takes the application on from where the first one brought it."""
    app = await moved(saga, "Directly")
    await app.moved("west")
    there = await app.running("west")
    app.home, app.uid = "west", there["metadata"]["uid"]
    await app.fall_ill()
    await app.start()
    ending = await app.ends()
    assert ending.outcome is Outcome.COMPLETED, ending
    copies = await saga.recorder.copies(NAMESPACE, app.name)
    assert [copy.cluster for copy in copies] == ["east", "west", "east"]
    assert copies[2].labels[ALIAS_LABEL] == there["status"]["jobStatus"]["jobId"]
    assert ending.result is not None
    assert ending.result.generation == 2
    await app.is_tidy("east", "west", home="east")
    await saga.recorder.never_two(NAMESPACE, app.name)
