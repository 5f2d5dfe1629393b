"""Every step fails for good; then a person decides, each way that the table of decisions allows.

The faults are real: the API server refuses (admission), does not answer (killed), a finalizer holds
a deletion, a copy never gets healthy, a status lacks what a rule wants.
"""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import WorkflowUpdateFailedError

from devstack.flink import ALIAS_LABEL, HOLD
from failover.domain.phases import Action, Outcome
from failover.domain.request import Status
from tests.support.admission import FOR_REAL
from tests.support.faults import Fault
from tests.support.recorder import Copy
from tests.support.saga import (
    NAMESPACE,
    Application,
    Case,
    Saga,
    never_healthy_on,
    play,
    policy_of,
    report,
)
from tests.support.waiting import eventually

Played = dict[str, BaseException | None]

FINALIZER = "tests.example.org/hold"
SAVEPOINT = "{ .jobStatus.upgradeSavepointPath }"
SOON = {"healthyWithinSeconds": 1}
GONE_SOON = {"goneWithinSeconds": 1}


async def cannot(app: Application, *actions: Action) -> None:
    """Assert that these decisions are refused where it stands."""
    for action in actions:
        with pytest.raises(WorkflowUpdateFailedError):
            await app.resolve(action, note="try")
    status = await app.status()
    assert not set(actions) & set(status.allowed), status.allowed


async def copies_of(app: Application) -> list[Copy]:
    """All copies that ever were."""
    return await app.saga.recorder.copies(NAMESPACE, app.name)


# Planning: the status lacks what the policy preserves


async def planning(saga: Saga, name: str) -> Application:
    """Blocked in Planning: the captured path is not in the status."""
    app = await saga.ill_application(f"planning-{name}")
    await app.start(policy_of(app.name, path=SAVEPOINT))
    status = await app.blocks("MissingKey")
    assert status.phase == "Planning"
    assert not status.point_of_no_return_passed
    assert "untouched" in status.copies
    await app.was_never_written()
    return app


async def planning_retry(saga: Saga) -> None:
    """Once the status has it, a Retry goes on."""
    app = await planning(saga, "retry")
    patch = {"status": {"jobStatus": {"upgradeSavepointPath": "savepoint-1"}}}
    await saga.world.api("east").merge(f"{app.path}/status", patch)
    await app.resolve(Action.RETRY)
    app.job_id = "savepoint-1"
    await app.moved("west")


async def started_cold(app: Application) -> None:
    """It moves without the rule that was skipped."""
    await app.resolve(Action.SKIP, rule=ALIAS_LABEL, cold_start=True, note="state is lost")
    ending = await app.ends()
    assert ending.outcome is Outcome.COMPLETED, ending
    await app.lives_on("west")
    await app.saga.recorder.never_two(NAMESPACE, app.name)
    assert ALIAS_LABEL not in (await copies_of(app))[-1].labels


async def planning_skip(saga: Saga) -> None:
    """Skipping needs the rule's name and a confirmed cold start; then the copy starts without state."""
    app = await planning(saga, "skip")
    await cannot_skip_plainly(app)
    await started_cold(app)


async def cannot_skip_plainly(app: Application) -> None:
    """A Skip without saying what is lost is refused."""
    with pytest.raises(WorkflowUpdateFailedError):
        await app.resolve(Action.SKIP, note="whatever")


async def declares_gone(app: Application) -> None:
    """DeclareGone is a person's word: it needs their note and their name."""
    for lacking in ({"actor": "tests"}, {"actor": "", "note": NOTE}):
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await app.resolve(Action.SKIP, declare_gone=True, **lacking)
        assert "declareGone" in str(refused.value.cause)
    assert (await app.status()).display_phase == "Blocked"
    await app.resolve(Action.SKIP, declare_gone=True, note=NOTE)
    assert any(
        f"Skip by tests in Blocked: {NOTE}" in each for each in (await app.status()).decisions
    )


NOTE = "the machine is off"


async def planning_replan(saga: Saga) -> None:
    """A Replan with a policy that fits goes on under that one."""
    app = await planning(saga, "replan")
    await app.resolve(Action.REPLAN, policy=policy_of(app.name, clusters=["east", "north"]))
    await app.moved("north")


async def planning_abort(saga: Saga) -> None:
    """An Abort leaves everything as it was."""
    app = await planning(saga, "abort")
    await app.resolve(Action.ABORT)
    await app.untouched()
    await app.was_never_written()


# Capturing: a cluster refuses the record


async def capturing(saga: Saga, name: str) -> Application:
    """Blocked in Capturing: west refuses the record."""
    app = await saga.ill_application(f"capturing-{name}")
    refusing = await app.refuse("west", "CREATE", record=True, when=FOR_REAL)
    try:
        await app.start()
        status = await app.blocks("Forbidden")
        assert status.phase == "Capturing"
        assert not status.point_of_no_return_passed
        await cannot_skip_plainly(app)
    finally:
        await refusing.lift()
    assert set(await app.copies()) == {"east"}
    return app


async def capturing_retry(saga: Saga) -> None:
    """Once west takes it, a Retry goes on."""
    app = await capturing(saga, "retry")
    await app.resolve(Action.RETRY)
    await app.moved("west")


async def capturing_skip(saga: Saga) -> None:
    """A Skip of the rule plans and captures anew, without it; west takes that."""
    await started_cold(await capturing(saga, "skip"))


async def capturing_replan(saga: Saga) -> None:
    """A Replan may take another target; nothing is left on the first."""
    app = await capturing(saga, "replan")
    await app.resolve(Action.REPLAN, policy=policy_of(app.name, clusters=["east", "north"]))
    await app.moved("north")


async def capturing_abort(saga: Saga) -> None:
    """An Abort leaves the original untouched and the records closed."""
    app = await capturing(saga, "abort")
    await app.resolve(Action.ABORT)
    await app.untouched()


# Purging, before a delete was accepted


async def purging(saga: Saga, name: str) -> Application:
    """Blocked in Purging: east refuses the delete."""
    app = await saga.ill_application(f"purging-{name}")
    refusing = await app.refuse("east", "DELETE")
    try:
        await app.start()
        status = await app.blocks("Forbidden")
        assert status.phase == "Purging"
        assert not status.point_of_no_return_passed
        await cannot(app, Action.SKIP)
    finally:
        await refusing.lift()
    return app


async def purging_retry(saga: Saga) -> None:
    """Once east lets it go, a Retry goes on."""
    app = await purging(saga, "retry")
    await app.resolve(Action.RETRY)
    await app.moved("west")


async def purging_replan(saga: Saga) -> None:
    """A Replan may take another target, as nothing has happened yet."""
    app = await purging(saga, "replan")
    await app.resolve(Action.REPLAN, policy=policy_of(app.name, clusters=["east", "north"]))
    await app.moved("north")


async def purging_abort(saga: Saga) -> None:
    """An Abort leaves the original untouched."""
    app = await purging(saga, "abort")
    await app.resolve(Action.ABORT)
    await app.untouched()


# Purging, after the delete was accepted


async def not_gone(saga: Saga, name: str, **policy: Any) -> tuple[Application, Status]:
    """Blocked{NotGone}: a finalizer holds the deletion."""
    app = await saga.ill_application(f"not-gone-{name}")
    await app.set_finalizers("east", FINALIZER)
    await app.start(policy_of(app.name, fencing=GONE_SOON, **policy))
    status = await app.blocks("NotGone")
    assert status.phase == "Purging"
    assert status.point_of_no_return_passed
    assert status.block is not None
    assert FINALIZER in status.block.message
    assert set(await app.copies()) == {"east"}
    return app, status


async def not_gone_retry(saga: Saga) -> None:
    """Once the finalizer is off, a Retry goes on."""
    app, _ = await not_gone(saga, "retry")
    await app.set_finalizers("east")
    await app.resolve(Action.RETRY)
    await app.moved("west")


async def not_gone_finalizer(saga: Saga) -> None:
    """A Retry that names the finalizer takes it off."""
    app, _ = await not_gone(saga, "finalizer")
    await app.resolve(Action.RETRY, remove_finalizer=FINALIZER)
    await app.moved("west")


async def not_gone_skip(saga: Saga) -> None:
    """DeclareGone with actor and note goes on although the object is still there; its rest is listed."""
    app, _ = await not_gone(saga, "skip")
    await cannot_skip_plainly(app)
    await declares_gone(app)
    await app.running("west")
    ending = await app.ends()
    assert (ending.outcome, ending.reason) == (Outcome.COMPLETED, "LeftoversRemain"), ending
    assert "still being deleted" in ending.message
    await app.lives_on("west", also=["east"])
    await app.is_tidy("east", "west", home="west")
    await saga.recorder.state_kept(NAMESPACE, app.name, ALIAS_LABEL, app.job_id)
    await app.set_finalizers("east")


async def not_gone_replan(saga: Saga) -> None:
    """A Replan changes the target only: the purge goes on first."""
    app, _ = await not_gone(saga, "replan")
    await app.resolve(Action.REPLAN, policy=policy_of(app.name, clusters=["east", "north"]))
    await app.set_finalizers("east")
    await until_over_or_retry(app)
    await app.moved("north")


async def not_gone_abort(saga: Saga) -> None:
    """An Abort puts the original back once it is gone, never beside it."""
    app, _ = await not_gone(saga, "abort")
    await app.resolve(Action.ABORT)
    await app.set_finalizers("east")
    await until_over_or_retry(app)
    await app.restored()
    assert [each.cluster for each in await copies_of(app)] == ["east", "east"]


async def until_over_or_retry(app: Application) -> None:
    """The purge may have blocked once more before the finalizer was off: then it is retried."""

    async def moves_on() -> bool:
        status = await app.status()
        if status.block is not None and status.block.reason == "NotGone":
            await app.resolve(Action.RETRY)
        return status.phase != "Purging"

    await eventually(moves_on, f"{app.name} goes on")


# Verifying: the grace period is over


async def grace_over(saga: Saga, name: str) -> Application:
    """Blocked{GracePeriodOver}: with Gracefully, and the only candidate not healthy in time."""
    app = await saga.ill_application(f"grace-{name}")
    policy = policy_of(
        app.name, purge_mode="Gracefully", clusters=["east", "west"], gracePeriodSeconds=1
    )
    await app.start(policy, overrides=never_healthy_on(app.name, "west"))
    status = await app.blocks("GracePeriodOver")
    assert status.phase == "Verifying"
    assert not status.point_of_no_return_passed
    assert set(await app.copies()) == {"east", "west"}
    return app


async def grace_retry(saga: Saga) -> None:
    """A Retry gives it the time once more; it gets healthy, and the original goes."""
    app = await grace_over(saga, "retry")
    await app.annotate("west", {HOLD: None})
    await app.running("west")
    await app.resolve(Action.RETRY)
    await ends_on_west(app)


async def grace_skip(saga: Saga) -> None:
    """A Skip accepts the copy as healthy."""
    app = await grace_over(saga, "skip")
    await app.resolve(Action.SKIP, note="it will do")
    ending = await app.ends()
    assert ending.outcome is Outcome.COMPLETED, ending
    assert set(await app.copies()) == {"west"}
    await app.is_tidy("east", "west", home="west")


async def grace_replan(saga: Saga) -> None:
    """A Replan withdraws it and goes elsewhere; the original stays until then."""
    app = await grace_over(saga, "replan")
    policy = policy_of(app.name, purge_mode="Gracefully", clusters=["east", "north"])
    await app.resolve(Action.REPLAN, policy=policy)
    ending = await app.ends()
    assert ending.outcome is Outcome.COMPLETED, ending
    await app.lives_on("north")
    await app.is_tidy("east", "north", home="north")
    await app.kept_its_promises(two_copies=True)


async def grace_abort(saga: Saga) -> None:
    """An Abort withdraws the copy; the original was never touched."""
    app = await grace_over(saga, "abort")
    await app.resolve(Action.ABORT)
    await app.untouched()


async def ends_on_west(app: Application) -> None:
    """Assert that a graceful move is complete."""
    ending = await app.ends()
    assert ending.outcome is Outcome.COMPLETED, ending
    await app.lives_on("west")
    await app.is_tidy("east", "west", home="west")
    await app.kept_its_promises(two_copies=True)


async def verifying_abort(saga: Saga) -> None:
    """An Abort of a running Verifying with Directly withdraws the copy and puts the original back."""
    app = await saga.ill_application("verifying-abort")
    await app.start(overrides=never_healthy_on(app.name, "west"))
    await app.shows("Verifying")
    await eventually(lambda: app.copy("west"), "the copy is on west")
    await app.resolve(Action.ABORT)
    await app.restored()


# Withdrawing: a finalizer holds the copy that is taken back


async def withdrawing(saga: Saga, name: str) -> Application:
    """Blocked in Withdrawing: the copy on west does not go."""
    app = await saga.ill_application(f"withdrawing-{name}")
    policy = policy_of(app.name, fencing=GONE_SOON, verification={"healthyWithinSeconds": 3})
    await app.start(policy, overrides=never_healthy_on(app.name, "west"))
    await eventually(lambda: app.copy("west"), "the copy is on west")
    await app.set_finalizers("west", FINALIZER)
    status = await app.blocks("NotGone")
    assert status.phase == "Withdrawing"
    await cannot(app, Action.REPLAN, Action.ABORT)
    assert set(await app.copies()) == {"west"}, "nothing starts beside it"
    return app


async def withdrawing_retry(saga: Saga) -> None:
    """Once it goes, a Retry takes the next candidate."""
    app = await withdrawing(saga, "retry")
    await app.set_finalizers("west")
    await app.resolve(Action.RETRY)
    await app.moved("north")


async def withdrawing_finalizer(saga: Saga) -> None:
    """A Retry that names the finalizer takes it off."""
    app = await withdrawing(saga, "finalizer")
    await app.resolve(Action.RETRY, remove_finalizer=FINALIZER)
    await app.moved("north")


async def withdrawing_skip(saga: Saga) -> None:
    """DeclareGone goes on to the next candidate although the object is still there."""
    app = await withdrawing(saga, "skip")
    await cannot_skip_plainly(app)
    await declares_gone(app)
    await app.running("north")
    ending = await app.ends()
    assert (ending.outcome, ending.reason) == (Outcome.COMPLETED, "LeftoversRemain"), ending
    assert "still being deleted" in ending.message
    await app.lives_on("north", also=["west"])
    await app.is_tidy("east", "north", home="north")
    await app.set_finalizers("west")


# Purging, Starting, Withdrawing: somebody deletes the record under the claim of which it acts


async def record_gone(app: Application, held: Fault, cluster: str, phase: str) -> Status:
    """Blocked{RecordMissing}: the record is deleted on this cluster, right before the step that is held."""
    await app.suffers(held)
    before = set(await app.copies())
    await app.lose_record(cluster)
    held.release()
    status = await app.blocks("RecordMissing")
    assert status.phase == phase
    assert set(await app.copies()) == before, "without its record it changes nothing"
    for told in (
        str(app.ref),
        "in failover-system",
        cluster,
        "somebody deleted it",
        "See what runs",
    ):
        assert told in status.message, status.message
    return status


async def record_gone_from_source(saga: Saga, name: str) -> Application:
    """Before the delete, on east."""
    app = await saga.ill_application(f"record-gone-{name}")
    held = app.plant("purge_source", "hold")
    await app.start()
    status = await record_gone(app, held, "east", "Purging")
    assert not status.point_of_no_return_passed
    await cannot(app, Action.SKIP)
    return app


async def record_gone_replan(saga: Saga) -> None:
    """A Replan writes it anew, and the move goes on."""
    app = await record_gone_from_source(saga, "replan")
    await app.resolve(Action.REPLAN)
    await app.moved("west")


async def record_gone_abort(saga: Saga) -> None:
    """An Abort leaves the original untouched, and closes the record of the target."""
    app = await record_gone_from_source(saga, "abort")
    await app.resolve(Action.ABORT)
    await app.untouched()


async def record_gone_from_target(saga: Saga) -> None:
    """After the purge, on west: nothing starts there until a Replan has written it anew from the source's."""
    app = await saga.ill_application("record-gone-target")
    held = app.plant("start_on_target", "hold")
    await app.start()
    status = await record_gone(app, held, "west", "Starting")
    assert "NO copy runs" in status.copies
    await app.resolve(Action.REPLAN)
    await app.moved("west")


async def record_gone_from_withdrawn(saga: Saga) -> None:
    """A copy that cannot be taken back without it: a person deletes it, declares it gone, and the next one is taken."""
    app = await saga.ill_application("record-gone-withdrawn")
    held = app.plant("withdraw_target", "hold")
    await app.start(
        policy_of(app.name, verification=SOON), overrides=never_healthy_on(app.name, "west")
    )
    await record_gone(app, held, "west", "Withdrawing")
    await cannot(app, Action.REPLAN, Action.ABORT)
    await saga.world.api("west").delete(app.path)
    await app.resolve(Action.SKIP, declare_gone=True, note=NOTE)
    await app.moved("north")


# Restoring: the source refuses to take the original back


async def restoring(saga: Saga, name: str) -> Application:
    """Blocked in Restoring: east refuses the creation."""
    app = await saga.ill_application(f"restoring-{name}")
    refusing = await app.refuse("east", "CREATE", when=FOR_REAL)
    try:
        policy = policy_of(app.name, clusters=["east", "west"], verification=SOON)
        await app.start(policy, overrides=never_healthy_on(app.name, "west"))
        status = await app.blocks("Forbidden")
        assert status.phase == "Restoring"
        assert "NO copy runs" in status.copies
        await cannot(app, Action.SKIP, Action.ABORT)
    finally:
        await refusing.lift()
    return app


async def restoring_retry(saga: Saga) -> None:
    """Once east takes it, a Retry puts the original back."""
    app = await restoring(saga, "retry")
    await app.resolve(Action.RETRY)
    await app.restored()


async def restoring_replan(saga: Saga) -> None:
    """A Replan with a wider policy goes forward instead."""
    app = await restoring(saga, "replan")
    await app.resolve(Action.REPLAN, policy=policy_of(app.name, clusters=["north"]))
    await app.moved("north")


async def restoring_occupied(saga: Saga) -> None:
    """Somebody's own object stands where the original was: it is not touched, and a Retry waits for its end."""
    app = await saga.ill_application("restoring-occupied")
    policy = policy_of(app.name, clusters=["east", "west"], verification=SOON)
    held = app.plant("restore_source", "hold")
    await app.start(policy, overrides=never_healthy_on(app.name, "west"))
    await app.suffers(held)
    original, app.uid = app.uid, ""
    await app.create({}, {"image": "flink:theirs"}, up=False)
    theirs, app.uid = app.uid, original
    held.release()
    status = await app.blocks("SourceOccupied")
    assert status.phase == "Restoring"
    there = await app.copy("east")
    assert there is not None
    assert (there["metadata"]["uid"], there["spec"]["image"]) == (theirs, "flink:theirs")
    await saga.world.api("east").delete(app.path)
    await app.resolve(Action.RETRY)
    await app.restored()


# Finishing: the labels cannot be taken off, the record cannot be closed


async def releasing(saga: Saga, name: str) -> Application:
    """Blocked in Finishing: west refuses the change of the copy."""
    app = await saga.ill_application(f"releasing-{name}")
    gone = f"!has(object.metadata.labels) || !('{ALIAS_LABEL}' in object.metadata.labels)"
    refusing = await app.refuse("west", "UPDATE", when=gone)
    try:
        await app.start()
        status = await app.blocks("Forbidden")
        assert status.phase == "Finishing"
        assert "healthy copy runs on west" in status.copies
        await cannot(app, Action.REPLAN, Action.ABORT)
    finally:
        await refusing.lift()
    return app


async def releasing_retry(saga: Saga) -> None:
    """Once west takes it, a Retry finishes."""
    app = await releasing(saga, "retry")
    await app.resolve(Action.RETRY)
    await app.moved("west")


async def releasing_skip(saga: Saga) -> None:
    """A Skip leaves the label on, and says so."""
    app = await releasing(saga, "skip")
    await app.resolve(Action.SKIP, note="never mind")
    ending = await app.ends()
    assert (ending.outcome, ending.reason) == (Outcome.COMPLETED, "LeftoversRemain")
    assert "labels" in ending.message
    there = (await app.copies())["west"]
    assert there["metadata"]["labels"][ALIAS_LABEL] == app.job_id
    await app.is_tidy("east", "west", home="west")


async def finishing(saga: Saga, name: str) -> Application:
    """Blocked in Finishing: west refuses to have the record closed."""
    app = await saga.ill_application(f"finishing-{name}")
    empty = "!has(object.data) || size(object.data) == 0"
    refusing = await app.refuse("west", "UPDATE", record=True, when=empty)
    try:
        await app.start()
        status = await app.blocks("Forbidden")
        assert status.phase == "Finishing"
        await cannot(app, Action.REPLAN, Action.ABORT)
    finally:
        await refusing.lift()
    return app


async def finishing_retry(saga: Saga) -> None:
    """Once west takes it, a Retry closes the record."""
    app = await finishing(saga, "retry")
    await app.resolve(Action.RETRY)
    await app.moved("west")


async def finishing_skip(saga: Saga) -> None:
    """A Skip leaves the record open, and says so; the next failover is not misled by it."""
    app = await finishing(saga, "skip")
    await app.resolve(Action.SKIP, note="later")
    ending = await app.ends()
    assert (ending.outcome, ending.reason) == (Outcome.COMPLETED, "LeftoversRemain")
    there = await app.lives_on("west")
    app.home, app.uid = "west", there["metadata"]["uid"]
    app.job_id = there["status"]["jobStatus"]["jobId"]
    await app.fall_ill()
    await app.start()
    ending = await app.ends()
    assert ending.outcome is Outcome.COMPLETED, ending
    await app.lives_on("east")
    assert (await copies_of(app))[-1].labels[ALIAS_LABEL] == app.job_id
    await app.is_tidy("east", "west", home="east")


CASES: dict[str, Case] = {
    case.__name__: case
    for case in (
        planning_retry, planning_skip, planning_replan, planning_abort,
        capturing_retry, capturing_skip, capturing_replan, capturing_abort,
        purging_retry, purging_replan, purging_abort,
        not_gone_retry, not_gone_finalizer, not_gone_skip, not_gone_replan, not_gone_abort,
        grace_retry, grace_skip, grace_replan, grace_abort, verifying_abort,
        withdrawing_retry, withdrawing_finalizer, withdrawing_skip,
        record_gone_replan, record_gone_abort, record_gone_from_target, record_gone_from_withdrawn,
        restoring_retry, restoring_replan, restoring_occupied,
        releasing_retry, releasing_skip, finishing_retry, finishing_skip,
    )
}  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(saga: Saga) -> Played:
    """All cases, played side by side."""
    return await play(saga, CASES)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("case", CASES)
async def test_a_person_resolves_what_failed_for_good(played: Played, case: str) -> None:
    """The failover is Blocked with its reason, and goes on as the decision says."""
    report(played, case)
