"""The phases between the end of toleration and the capture: plan, wait for approval or admission.

Each function carries out one phase and answers which one is next, or how the failover ends.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.deciding import Deciding
    from activities.observing import Observing
    from failover.domain.health import Health, HealthStatus
    from failover.domain.phases import Action, Outcome, Phase
    from failover.domain.plan import Adoption, FailoverPlan, NoCandidateNow, NotNeeded, Refusal
    from failover.domain.request import Attempted, Resolution, State
    from failover.domain.steps import (
        Look,
        Observation,
        PlanAnswer,
        PlanRequest,
    )
from workflows import options
from workflows.concluding import conclude
from workflows.run import Decided, End, Next, Run, StepFailed

LOOK_AGAIN_MIN = timedelta(seconds=10)
LOOK_AGAIN_MAX = timedelta(seconds=60)
HELD_LEAST = timedelta(seconds=1)
RECAPTURES_MAX = 10

PLAN_OUTDATED = frozenset({"SourceChanged", "PlanOutdated"})


def works_from_record(state: State) -> bool:
    """Whether the source's copy is no longer the truth: the record is, then."""
    return state.source_gone or state.delete_accepted or state.adopted


async def plan(run: Run) -> Next:
    """Look at everything, in quorum reads, and decide."""
    asked = plan_request(run).model_copy(update={"only_adopt": _only_adopts(run)})
    try:
        answered: PlanAnswer = await run.step(
            Deciding.plan_failover,
            asked,
            summary=f"plan where {run.request.application.short} goes",
        )
    except Decided as decided:
        return decide_while_planning(run, decided.resolution)
    match answered.answer:
        case FailoverPlan() as made:
            return await _planned(run, made)
        case Adoption() as adoption if run.may_write:
            return _adopted(run, adoption)
        case Adoption() as adoption:
            message = (
                f"would have taken over an interrupted failover (generation {adoption.generation_seen}) "
                f"from {adoption.source} to {adoption.target}"
            )
            return await conclude(run, End(Outcome.WOULD_HAVE_MOVED, "Observed", message))
        case NotNeeded(health=health):
            return await not_needed(run, health)
        case NoCandidateNow() as none:
            run.set(considered=none.considered)
            return _no_candidate(run, none.message)
        case Refusal() as refused:
            run.set(considered=refused.considered)
            if run.state.delete_accepted or run.state.attempted:
                return give_up(run, refused.reason, refused.message)
            return await conclude(run, End(Outcome.REFUSED, refused.reason, refused.message))


def plan_request(run: Run) -> PlanRequest:
    """What the planner has to know now."""
    state, request = run.state, run.request
    return PlanRequest(
        application=request.application,
        failover=workflow.info().workflow_id,
        source=request.source,
        source_uid=state.source_uid,
        policy=state.policy,
        overrides=state.overrides,
        requested_target=state.requested_target,
        tried=tuple(each.cluster for each in state.attempted),
        skipped_rules=state.skipped_rules,
        claim=state.claim if works_from_record(state) else "",
        health_rule=request.health_rule,
        forced=state.forced,
        ignore_health=state.forced or bool(state.attempted) or state.source_gone,
        observes=not run.may_write,
        state=request.state,
    )


def _only_adopts(run: Run) -> bool:
    """An open record cut the toleration short: what is not adopted has to be tolerated first."""
    state = run.state
    on_unknown = state.policy.active.decision_conditions.on_unknown
    used_up = state.clock.remaining(run.toleration, workflow.now(), on_unknown)
    return not (state.forced or state.adoption_checked or state.staged or used_up == timedelta(0))


async def _planned(run: Run, made: FailoverPlan) -> Next:
    run.set(
        plan=made,
        considered=made.considered,
        labels=run.state.labels or {},
        health=made.health or run.state.health,
    )
    run.note(f"to {made.target}: " + "; ".join(made.steps))
    mode = made.mode or run.state.policy.active.mode or "Automatic"
    # Past the point of no return a policy that would only observe comes too late: no copy is there.
    observes = run.request.observe_only or mode == "Observe"
    if observes and not run.state.delete_accepted:
        message = f"would have moved to {made.target}: " + "; ".join(made.steps)
        return await conclude(run, End(Outcome.WOULD_HAVE_MOVED, "Observed", message))
    if mode == "Confirm" and run.state.approved != made.digest:
        return Phase.AWAITING_APPROVAL
    return Phase.CAPTURING


def _adopted(run: Run, adoption: Adoption) -> Next:
    """Take over an interrupted move: what it had attempted is ours to finish."""
    leftovers = tuple(Attempted(cluster=each, reason="Adopted") for each in adoption.attempted)
    run.set(
        attempted=run.state.attempted + leftovers,
        labels=adoption.labels,
        source_gone=adoption.source_gone,
        delete_accepted=adoption.source_gone or adoption.delete_accepted,
        target=adoption.target,
        plan=FailoverPlan(
            application=run.request.application,
            source=adoption.source,
            source_uid=adoption.source_uid,
            target=adoption.target,
            purge_mode=adoption.purge_mode,
            labels=adoption.labels,
            generation_seen=adoption.generation_seen,
        ),
        adopted=True,
    )
    run.note(f"an interrupted failover (generation {adoption.generation_seen}) is taken over")
    return Phase.CAPTURING


async def not_needed(run: Run, health: Health) -> Next:
    """It is well again, or nobody can tell: over once it is recovered, or back to tolerating."""
    run.saw(Observation(found=True, health=health))
    run.set(adoption_checked=True, held="")
    if run.recovery == timedelta(0):
        return await conclude(run, End(Outcome.RECOVERED, health.reason, health.message))
    run.set(looked=False)
    return Phase.TOLERATING


def _no_candidate(run: Run, message: str) -> Next:
    if run.state.delete_accepted or run.state.attempted:
        return give_up(run, "NoCandidate", message)
    run.set(outcome_reason="NoCandidate", outcome_message=message)
    return Phase.WAITING_FOR_CLUSTER


def give_up(run: Run, reason: str, message: str) -> Next:
    """No target is left: the original is put back, or stays where it is."""
    run.set(outcome=Outcome.ROLLED_BACK, outcome_reason=reason, outcome_message=message)
    return Phase.RESTORING if run.state.delete_accepted else Phase.FINISHING


def abort_next(run: Run, resolution: Resolution) -> Next:
    """What an Abort leads to from here: nothing is ever left half done."""
    state = run.state
    actor = resolution.actor or "somebody"
    message = f"aborted by {actor}" + (f": {resolution.note}" if resolution.note else "")
    run.set(outcome=Outcome.ABORTED, outcome_reason="Aborted", outcome_message=message)
    if state.delete_accepted:
        run.set(outcome=Outcome.ROLLED_BACK)
        return Phase.WITHDRAWING if state.target_touched else Phase.RESTORING
    if state.target_touched:
        return Phase.WITHDRAWING
    if state.staged:
        return Phase.FINISHING
    return End(Outcome.ABORTED, "Aborted", message)


def decide_while_planning(run: Run, resolution: Resolution) -> Next:
    """A decision about a blocked Planning or Capturing."""
    match resolution.action:
        case Action.ABORT:
            return abort_next(run, resolution)
        case Action.SKIP:
            run.set(skipped_rules=(*run.state.skipped_rules, resolution.rule))
        case Action.REPLAN | Action.RETRY:
            run.go_on_under(resolution)
    return Phase.PLANNING


async def await_approval(run: Run) -> Next:
    """Wait for a person's answer to this very plan."""
    inbox = run.inbox
    inbox.take_answer()
    run.call(Phase.AWAITING_APPROVAL.value)
    wakes = inbox.wakes
    await workflow.wait_condition(
        lambda: bool(inbox.approval or inbox.denial or inbox.asks or inbox.wakes != wakes)
    )
    approval, denial = inbox.take_answer()
    if denial is not None:
        note = f"denied: {denial.note}" if denial.note else "denied"
        return abort_next(run, Resolution(action=Action.ABORT, actor=denial.actor, note=note))
    if approval is not None:
        run.set(approved=approval.digest)
    return _leave_waiting(run)


async def hold(run: Run) -> Next:
    """Not admitted: plan again when the answer may be another one.

    That is when the budget has room again, at a decision, and when somebody wakes it, as whoever ends a pause
    does. A watcher wakes it too, for as long as it is ill: what a budget holds is planned anew only if it is not
    ill any more. Once a minute all of it is looked at.
    """
    run.call(Phase.HELD.value)
    until = held_until(run.state.held_until, workflow.now())
    wakes = run.inbox.wakes
    while await _disturbed(run, wakes, until - workflow.now(), "not admitted; looked at again"):
        wakes = run.inbox.wakes
        if run.inbox.asks or run.state.held_until is None or not await _is_ill_still(run):
            break
    return _leave_waiting(run)


def held_until(room_at: datetime | None, now: datetime) -> datetime:
    """When what is held is looked at again, given when its budget has room."""
    at = min(room_at or now + LOOK_AGAIN_MAX, now + LOOK_AGAIN_MAX)
    return max(at, now + HELD_LEAST)


async def _is_ill_still(run: Run) -> bool:
    """One look at the application; where nothing comes of it, planning says what is the matter."""
    look = Look(
        application=run.request.application,
        cluster=run.request.source,
        uid=run.state.source_uid,
        health_rule=run.request.health_rule,
    )
    try:
        seen: Observation = await workflow.execute_activity_method(
            Observing.observe,
            look,
            summary=f"look at {look.application.short} on {look.cluster}, which is held",
            **options.effect(),
        )
    except ActivityError:
        return False
    ill = seen.health.status is HealthStatus.UNHEALTHY
    return ill and seen.found and not (seen.replaced or seen.open_record)


async def wait_for_cluster(run: Run) -> Next:
    """No candidate: look again when woken, and after a while that grows to a minute."""
    run.call(Phase.WAITING_FOR_CLUSTER.value)
    waited = sum(1 for step in run.state.steps if step.phase is Phase.WAITING_FOR_CLUSTER)
    delay = min(LOOK_AGAIN_MIN * 1.25 ** min(waited, 20), LOOK_AGAIN_MAX)
    return await _look_again(run, delay, "no candidate; looked at again")


async def _look_again(run: Run, delay: timedelta, summary: str) -> Next:
    await _disturbed(run, run.inbox.wakes, delay, summary)
    return _leave_waiting(run)


async def _disturbed(run: Run, wakes: int, limit: timedelta, summary: str) -> bool:
    """Wait; whether a decision, or a wake after these, ended it before the limit."""
    inbox = run.inbox
    return await run.wait(lambda: inbox.asks or inbox.wakes != wakes, limit, summary)


def _leave_waiting(run: Run) -> Next:
    inbox = run.inbox
    inbox.retargeted = False
    try:
        run.raise_if_aborted()
    except Decided as decided:
        return abort_next(run, decided.resolution)
    resolution = inbox.take_resolution()
    if resolution is not None:
        run.go_on_under(resolution)
        run.set(admitted=run.state.admitted or resolution.action is Action.SKIP)
    return Phase.PLANNING


def leave_target(run: Run, reason: str, message: str) -> Next:
    """Give this target up for another one: first take back what stands there."""
    run.inbox.retargeted = False
    left = Attempted(cluster=run.state.target, reason=reason, message=message)
    run.set(attempted=(*run.state.attempted, left), replan_wanted=False)
    return Phase.WITHDRAWING


async def back_to_planning(run: Run, failed: StepFailed) -> Next:
    """The source changed under the plan: plan again, but not for ever."""
    run.set(recaptures=run.state.recaptures + 1)
    if run.state.recaptures > RECAPTURES_MAX:
        try:
            await run.block(
                "KeepsChanging",
                f"the source has changed {RECAPTURES_MAX} times while it was captured: {failed.message}",
            )
        except Decided as decided:
            return decide_while_planning(run, decided.resolution)
        run.set(recaptures=0)
    return Phase.PLANNING
