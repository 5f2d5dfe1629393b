"""The phases that move the application: purge, start, verify, withdraw, restore, finish."""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.finishing import Finishing
    from activities.moving import Moving
    from activities.observing import Observing
    from activities.purging import Purging
    from failover.domain.headway import Headway, told_after
    from failover.domain.health import HealthStatus
    from failover.domain.phases import Action, Outcome, Phase
    from failover.domain.request import Attempted, Resolution
    from failover.domain.steps import (
        Finished,
        FinishRequest,
        Look,
        Observation,
        PurgeRequest,
        ReleaseRequest,
        RestoreRequest,
        Started,
        StartRequest,
        WithdrawRequest,
    )
from workflows import options
from workflows.phases import PLAN_OUTDATED, abort_next, back_to_planning, leave_target
from workflows.run import Decided, End, Next, Run, StepFailed

RESTORED_HEALTHY_WITHIN = timedelta(seconds=60)
GONE_MARGIN = timedelta(seconds=60)

LIMIT_WORDS = {
    "NoProgress": "give up without progress",
    "TookTooLong": "give up if not healthy",
    "GraceShareOver": "this candidate's share of the grace period",
    "GracePeriodOver": "end of the grace period",
}
"""What the timer of a limit is called in the Temporal UI."""

DEFINITE_ON_TARGET = frozenset(
    {"Forbidden", "Invalid", "AlreadyExists", "TargetOccupied", "UnknownKind", "NotFound", "CredentialsRejected", "DependentConflict"}
)  # fmt: skip
"""The target's definite refusals: the copy is certainly not there, another candidate may take it."""


async def purge(run: Run) -> Next:
    """Delete the source's copy and see it gone. The point of no return."""
    made = run.state.plan
    assert made is not None, "Purging follows Planning"
    run.set(purge_begun=True)
    remove_finalizer = ""
    while True:
        state, policy = run.state, run.state.policy.active
        request = PurgeRequest(
            claim=run.claim,
            cluster=made.source,
            cluster_uid=made.source_cluster_uid,
            uid=made.source_uid,
            spec_digest=state.spec_digest if made.purge_mode == "Directly" else "",
            labels=state.labels,
            policy=state.policy,
            compare_state=made.purge_mode == "Directly"
            and not (state.delete_accepted or state.instead),
            gone_within_seconds=policy.fencing.gone_within.total_seconds(),
            settle_seconds=made.settle_seconds,
            remove_finalizer=remove_finalizer,
        )
        limit = policy.fencing.gone_within + timedelta(seconds=made.settle_seconds) + GONE_MARGIN
        try:
            await run.step(
                Purging.purge_source,
                request,
                summary=f"purge {made.application.short} on {made.source}, see it gone",
                run_as=options.effect(limit=limit),
                raises=PLAN_OUTDATED,
                purges=True,
            )
        except StepFailed as failed:
            return await back_to_planning(run, failed)
        except Decided as decided:
            resolution = decided.resolution
            if decided.rewrites_record:
                run.go_on_under(resolution)
                return Phase.PLANNING
            if resolution.action is Action.RETRY:
                remove_finalizer = resolution.remove_finalizer
                continue
            if (next_phase := _decide_while_purging(run, resolution)) is not None:
                return next_phase
            continue
        return _purged(run)


def _decide_while_purging(run: Run, resolution: Resolution) -> Next | None:
    """The next phase; `None` where the purge has to go on first."""
    match resolution.action:
        case Action.ABORT:
            following = abort_next(run, resolution)
            return None if run.state.delete_accepted else following
        case Action.SKIP:
            return _purged(run)
        case Action.REPLAN | Action.RETRY:
            run.go_on_under(resolution)
            if run.state.delete_accepted:
                run.set(replan_wanted=True)
                return None
            return Phase.PLANNING


def _purged(run: Run) -> Next:
    run.set(source_gone=True, delete_accepted=True)
    inbox = run.inbox
    if run.state.outcome is Outcome.ROLLED_BACK:
        return Phase.WITHDRAWING if run.state.target_touched else Phase.RESTORING
    if run.state.verified:
        return Phase.FINISHING
    if (resolution := inbox.take_abort()) is not None:
        return abort_next(run, resolution)
    if run.state.replan_wanted or inbox.retargeted:
        return leave_target(run, "Retargeted", "another target was asked for")
    return Phase.STARTING


async def start(run: Run) -> Next:
    """Create the copy on the target, with its state on it."""
    state = run.state
    if state.replan_wanted or (state.requested_target and state.requested_target != state.target):
        return leave_target(
            run, "Retargeted", f"{state.requested_target or 'another target'} was asked for"
        )
    if state.starting_since is None:
        run.set(starting_since=workflow.now())
    made = state.plan
    assert made is not None, "Starting follows Planning"
    request = StartRequest(
        claim=run.claim,
        cluster=state.target,
        purged_from=made.source if state.source_gone else "",
        labels=state.labels,
    )
    short = run.request.application.short
    try:
        started: Started = await run.step(
            Moving.start_on_target,
            request,
            summary=f"start {short} on {state.target}",
            raises=DEFINITE_ON_TARGET,
            uncertain="TargetUncertain",
        )
    except StepFailed as failed:
        return leave_target(run, failed.reason, failed.message)
    except Decided as decided:
        return _decide_about_target(run, decided)
    run.set(target_uid=started.uid)
    return Phase.VERIFYING


def _decide_about_target(run: Run, decided: Decided) -> Next:
    resolution = decided.resolution
    if decided.rewrites_record:
        run.go_on_under(resolution)
        return Phase.PLANNING
    if resolution.action is Action.ABORT:
        return abort_next(run, resolution)
    run.go_on_under(resolution)
    return leave_target(run, "Replanned", resolution.note or "a person asked for another plan")


async def verify(run: Run) -> Next:
    """Wait until the new copy is healthy, as long as it makes progress."""
    try:
        failure = await _until_healthy(run)
        while failure is not None:
            if failure.reason == "GracePeriodOver":
                await run.block(failure.reason, failure.message)
                run.set(starting_since=workflow.now())
                failure = await _until_healthy(run)
                continue
            return leave_target(run, failure.reason, failure.message)
    except Decided as decided:
        if decided.resolution.action is not Action.SKIP:
            return _decide_about_target(run, decided)
        run.note("accepted as healthy by a person")
    run.set(verified=True)
    made = run.state.plan
    assert made is not None, "Verifying follows Planning"
    if made.purge_mode == "Gracefully" and not run.state.source_gone:
        return Phase.PURGING
    run.set(outcome=Outcome.COMPLETED)
    return Phase.FINISHING


async def _until_healthy(run: Run) -> Attempted | None:
    """`None` once it is healthy; otherwise why this target is given up."""
    state, app = run.state, run.request.application
    policy = state.policy.active
    began = workflow.now()
    headway = Headway(since=began)
    while True:
        now = workflow.now()
        limits = {
            "NoProgress": headway.since + policy.verification.healthy_within,
            "TookTooLong": headway.not_before(
                began + policy.verification.longest, policy.verification.healthy_within
            ),
        }
        limits |= _grace_limits(run, now)
        reason, deadline = min(limits.items(), key=lambda item: item[1])
        look = Look(
            application=app,
            cluster=state.target,
            uid=state.target_uid,
            last=headway.seen,
            reached=headway.reached,
            progress_after_seconds=told_after(policy.verification.healthy_within).total_seconds(),
            health_rule=run.request.health_rule,
        )
        wakes = run.inbox.wakes
        found = await run.news(
            Observing.await_healthy,
            look,
            deadline - now,
            summary=f"see {app.short} healthy on {state.target}",
            timer=f"{LIMIT_WORDS[reason]} on {state.target}",
            heartbeat=options.HEARTBEAT_LONG_WAIT if state.crowded else options.HEARTBEAT_WAIT,
        )
        if found is None and (run.inbox.wakes != wakes or workflow.now() < deadline):
            continue
        over = found is None
        if found is None:  # one look decides: the wait may have been blind, or its worker dead
            last: Observation = await run.step(
                Observing.observe, look, summary=f"look at {app.short} on {state.target} at last"
            )
            found = last
            over = headway.is_over_for(reason, last)
        headway, seen = headway.saw(found, workflow.now()), found
        run.set(health=seen.health)
        run.note(f"{seen.health.status}: {seen.health.reason}: {seen.health.message}")
        run.show(Phase.VERIFYING.value)
        if seen.health.status is HealthStatus.HEALTHY and seen.found and not seen.replaced:
            return None
        if (not seen.found and seen.health.status is not HealthStatus.UNKNOWN) or seen.replaced:
            message = f"the new copy of {app} has vanished from {state.target}: somebody else deleted or replaced it"
            return Attempted(cluster=state.target, reason="CopyVanished", message=message)
        if over:
            health = seen.health
            message = (
                f"{app} on {state.target} is not healthy after {workflow.now() - began}; last seen: "
                f"{health.status} {health.reason}: {health.message}"
            )
            return Attempted(cluster=state.target, reason=reason, message=message)


def _grace_limits(run: Run, now: datetime) -> dict[str, datetime]:
    """With a grace period: its end, and this candidate's equal share of what is left of it."""
    state = run.state
    grace = state.policy.active.grace_period
    gracefully = state.plan is not None and state.plan.purge_mode == "Gracefully"
    if grace is None or state.starting_since is None or not gracefully:
        return {}
    end = state.starting_since + grace
    others = sum(1 for each in state.considered if each.standing == "Eligible")
    if not others:
        return {"GracePeriodOver": end}
    began = state.steps[-1].started_at if state.steps else now
    return {
        "GraceShareOver": began + max(end - began, timedelta(0)) / (1 + others),
        "GracePeriodOver": end,
    }


async def withdraw(run: Run) -> Next:
    """Take back the target that is given up, and see it gone."""
    remove_finalizer = ""
    while True:
        state = run.state
        request = WithdrawRequest(
            claim=run.claim,
            cluster=state.target,
            gone_within_seconds=state.policy.active.fencing.gone_within.total_seconds(),
            remove_finalizer=remove_finalizer,
        )
        try:
            await run.step(
                Purging.withdraw_target,
                request,
                summary=f"withdraw {run.request.application.short} from {state.target}, see it gone",
                run_as=options.effect(limit=state.policy.active.fencing.gone_within + GONE_MARGIN),
            )
        except Decided as decided:
            if decided.resolution.action is Action.SKIP:
                break
            remove_finalizer = decided.resolution.remove_finalizer
            continue
        break
    state = run.state
    attempted = tuple(
        each.model_copy(update={"withdrawn": True}) if each.cluster == state.target else each
        for each in state.attempted
    )
    run.set(attempted=attempted, target_touched=False, target_uid="", verified=False)
    if state.outcome is not None:
        return Phase.RESTORING if state.delete_accepted else Phase.FINISHING
    return Phase.PLANNING


async def restore(run: Run) -> Next:
    """Put the original back where it was, with its state."""
    made = run.state.plan
    assert made is not None, "Restoring follows Planning"
    app = made.application
    request = RestoreRequest(
        claim=run.claim, cluster=made.source, uid=made.source_uid, labels=run.state.labels
    )
    run.set(outcome=Outcome.ROLLED_BACK)
    try:
        restored: Started = await run.step(
            Moving.restore_source, request, summary=f"put {app.short} back on {made.source}"
        )
    except Decided as decided:
        run.go_on_under(decided.resolution)
        run.set(outcome=None, attempted=(), outcome_reason="", outcome_message="")
        return Phase.PLANNING
    run.set(restored_uid=restored.uid, target=made.source, target_uid=restored.uid)
    await _see_restored_healthy(run)
    return Phase.FINISHING


async def _see_restored_healthy(run: Run) -> None:
    """Give the restored original a minute to get healthy, so that its labels can be taken off."""
    app, state = run.request.application, run.state
    deadline = workflow.now() + RESTORED_HEALTHY_WITHIN
    seen: Observation | None = None
    while (left := deadline - workflow.now()) > timedelta(0):
        look = Look(
            application=app,
            cluster=state.target,
            uid=state.restored_uid,
            last=seen,
            health_rule=run.request.health_rule,
        )
        try:
            found = await run.news(
                Observing.await_healthy,
                look,
                left,
                summary=f"see {app.short} healthy on {state.target}",
                timer=f"healthy again on {state.target}",
            )
        except Decided:
            return
        if found is None:
            continue
        seen = found
        run.set(health=seen.health)
        if seen.health.status is HealthStatus.HEALTHY:
            run.set(verified=True)
            return


async def finish(run: Run) -> Next:
    """Take the labels off a healthy copy, tidy up, close the record."""
    state, made = run.state, run.state.plan
    assert made is not None, "Finishing follows Planning"
    run.inbox.take_abort()
    moved = state.outcome is Outcome.COMPLETED
    if state.outcome is None:
        run.set(outcome=Outcome.COMPLETED)
        moved = True
    home = state.target if moved else made.source
    if state.verified and state.labels and state.target_uid:
        release = ReleaseRequest(
            claim=run.claim, cluster=state.target, uid=state.target_uid, labels=state.labels
        )
        try:
            await run.step(
                Finishing.release_labels,
                release,
                summary=f"release labels of {made.application.short} on {state.target}",
            )
        except Decided:
            run.set(
                leftovers=(
                    *run.state.leftovers,
                    f"alias labels may still be on {made.application} on {state.target}",
                )
            )
    request = FinishRequest(
        claim=run.claim,
        home=home,
        source=made.source,
        source_uid=made.source_uid,
        purge_mode=made.purge_mode,
        mark_superseded=moved and made.purge_mode == "Never",
        clusters=tuple(
            dict.fromkeys(
                (*state.staged, *(each.cluster for each in state.attempted), *made.leftover_targets)
            )
        ),
        labels=state.labels,
    )
    try:
        done: Finished = await run.step(
            Finishing.finish,
            request,
            summary=f"finish the move of {made.application.short}",
            run_as=options.effect(limit=timedelta(minutes=5)),
        )
    except Decided:
        run.set(
            leftovers=(
                *run.state.leftovers,
                "the records were not closed, since a person skipped it",
            )
        )
    else:
        run.set(leftovers=(*run.state.leftovers, *done.leftovers))
    run.set(target=home)
    final = run.state
    reason = final.outcome_reason or ("LeftoversRemain" if final.leftovers else "")
    default = f"{made.application} lives on {home}" + (
        f"; left over: {'; '.join(final.leftovers)}" if final.leftovers else ""
    )
    return End(final.outcome or Outcome.COMPLETED, reason, final.outcome_message or default)
