"""The phases up to the point of no return: tolerate, plan, wait for approval or admission, capture.

Each function carries out one phase and answers which one is next, or how the failover ends.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.deciding import Deciding
    from activities.moving import Moving
    from activities.observing import Observing
    from failover.domain.health import Health, HealthStatus
    from failover.domain.phases import Action, Outcome, Phase
    from failover.domain.plan import Adoption, FailoverPlan, NoCandidateNow, NotNeeded, Refusal
    from failover.domain.request import Attempted, Resolution, State
    from failover.domain.steps import (
        CaptureAnswer,
        CaptureRequest,
        Held,
        Look,
        Observation,
        PlanAnswer,
        PlanRequest,
    )
from workflows.run import Decided, End, Next, Run, StepFailed

LOOK_AGAIN_MIN = timedelta(seconds=10)
LOOK_AGAIN_MAX = timedelta(seconds=60)
RECAPTURES_MAX = 10

PLAN_OUTDATED = frozenset({"SourceChanged", "PlanOutdated"})
TARGET_REFUSED = frozenset({"TargetRefused", "DependentConflict"})


async def tolerate(run: Run) -> Next:
    """Wait out the toleration; end early when the application is well again, or not the one we meant."""
    if run.state.forced:
        _remember_incident(run, run.request.source_uid)
        run.set(looked=True)
        return Phase.PLANNING
    if run.state.source_uid:
        _remember_incident(run, run.state.source_uid)
    seen = await _look(run)
    while True:
        if seen.open_record and (not run.state.adoption_checked or not seen.found):
            return Phase.PLANNING
        if (end := _judge_first(run, seen)) is not None:
            return end
        policy = run.state.policy.active
        remaining = run.state.clock.remaining(
            policy.toleration, workflow.now(), policy.decision_conditions.on_unknown
        )
        if remaining is not None and remaining <= timedelta(0):
            return Phase.PLANNING
        run.show(Phase.TOLERATING.value)
        try:
            seen = await _next_observation(run, seen, remaining) or seen
        except Decided as decided:
            return _early_decision(run, decided.resolution)


async def _look(run: Run) -> Observation:
    request = run.request
    look = Look(
        application=request.application,
        cluster=request.source,
        uid=run.state.source_uid,
        health_rule=request.health_rule,
    )
    seen: Observation = await run.step(
        Observing.observe, look, summary=f"look at {request.application.short} on {request.source}"
    )
    if not run.state.source_uid:
        _remember_incident(run, seen.uid)
    _saw(run, seen)
    run.set(looked=True)
    return seen


def _remember_incident(run: Run, uid: str) -> None:
    """Which object fell ill where: triggers compare it with what they see."""
    run.set(source_uid=uid)
    incident = f"{run.request.source}/{uid}"
    if workflow.memo_value("incident", "") != incident:
        workflow.upsert_memo({"incident": incident})


def _saw(run: Run, seen: Observation) -> None:
    on_unknown = run.state.policy.active.decision_conditions.on_unknown
    run.set(
        health=seen.health,
        clock=run.state.clock.saw(seen.health, workflow.now(), on_unknown),
    )
    run.note(f"{seen.health.status}: {seen.health.reason}: {seen.health.message}")


def _judge_first(run: Run, seen: Observation) -> End | None:
    request = run.request
    if not seen.found and seen.health.status is not HealthStatus.UNKNOWN:
        message = (
            f"{request.application} is not on {request.source} any more; nothing is to be moved"
        )
        return End(Outcome.REFUSED, "StaleIncident", message)
    if seen.replaced:
        message = (
            f"{request.application} on {request.source} is another object than the one reported "
            f"(uid {seen.uid}, not {run.state.source_uid}); if it is unhealthy, a new failover will start"
        )
        return End(Outcome.REFUSED, "StaleIncident", message)
    if seen.health.status is HealthStatus.HEALTHY:
        return End(Outcome.RECOVERED, seen.health.reason, seen.health.message)
    return None


async def _next_observation(
    run: Run, seen: Observation, remaining: timedelta | None
) -> Observation | None:
    """What is seen next, or `None` when the toleration is used up or somebody asked to look."""
    request, wakes = run.request, run.inbox.wakes
    look = Look(
        application=request.application,
        cluster=request.source,
        uid=run.state.source_uid or seen.uid,
        last=seen,
        health_rule=request.health_rule,
    )
    found = await run.news(
        Observing.wait_out_toleration,
        look,
        remaining,
        summary=f"watch {request.application.short} on {request.source}",
        timer=f"toleration of {request.application.short}",
        rouse=True,
    )
    if found is not None:
        _saw(run, found)
        return found
    return await _look(run) if run.inbox.wakes != wakes else None


def _early_decision(run: Run, resolution: Resolution) -> Next:
    """A decision while nothing was written yet."""
    if resolution.action is Action.ABORT:
        return abort_next(run, resolution)
    if resolution.policy is not None:
        run.set(policy=resolution.policy)
    return Phase.TOLERATING


def works_from_record(state: State) -> bool:
    """Whether the source's copy is no longer the truth: the record is, then."""
    return state.source_gone or state.delete_accepted or state.adopted


async def plan(run: Run) -> Next:
    """Look at everything, in quorum reads, and decide."""
    state, request = run.state, run.request
    asked = PlanRequest(
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
        only_adopt=_only_adopts(run),
        forced=state.forced,
        ignore_health=state.forced or bool(state.attempted) or state.source_gone,
    )
    try:
        answered: PlanAnswer = await run.step(
            Deciding.plan_failover, asked, summary=f"plan where {request.application.short} goes"
        )
    except Decided as decided:
        return decide_while_planning(run, decided.resolution)
    match answered.answer:
        case FailoverPlan() as made:
            return _planned(run, made)
        case Adoption() as adoption:
            return _adopted(run, adoption)
        case NotNeeded(health=health):
            return _not_needed(run, health)
        case NoCandidateNow() as none:
            run.set(considered=none.considered)
            return _no_candidate(run, none.message)
        case Refusal() as refused:
            run.set(considered=refused.considered)
            if run.state.delete_accepted or run.state.attempted:
                return give_up(run, refused.reason, refused.message)
            return End(Outcome.REFUSED, refused.reason, refused.message)


def _only_adopts(run: Run) -> bool:
    """An open record cut the toleration short: what is not adopted has to be tolerated first."""
    state = run.state
    policy = state.policy.active
    used_up = state.clock.remaining(
        policy.toleration, workflow.now(), policy.decision_conditions.on_unknown
    )
    return not (state.forced or state.adoption_checked or state.staged or used_up == timedelta(0))


def _planned(run: Run, made: FailoverPlan) -> Next:
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
        return End(
            Outcome.WOULD_HAVE_MOVED,
            "Observed",
            f"would have moved to {made.target}: " + "; ".join(made.steps),
        )
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


def _not_needed(run: Run, health: Health) -> Next:
    _saw(run, Observation(found=True, health=health))
    run.set(adoption_checked=True)
    if health.status is HealthStatus.HEALTHY:
        if run.state.staged:
            run.set(
                outcome=Outcome.RECOVERED,
                outcome_reason=health.reason,
                outcome_message=health.message,
            )
            return Phase.WITHDRAWING if run.state.target_touched else Phase.FINISHING
        return End(Outcome.RECOVERED, health.reason, health.message)
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
            if resolution.policy is not None:
                run.set(policy=resolution.policy, approved="")
    return Phase.PLANNING


async def await_approval(run: Run) -> Next:
    """Wait for a person's answer to this very plan."""
    inbox = run.inbox
    inbox.take_answer()
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
    """Not admitted: look again when woken, and every ten seconds."""
    return await _look_again(run, LOOK_AGAIN_MIN, "not admitted; looked at again")


async def wait_for_cluster(run: Run) -> Next:
    """No candidate: look again when woken, and after a while that grows to a minute."""
    waited = sum(1 for step in run.state.steps if step.phase is Phase.WAITING_FOR_CLUSTER)
    delay = min(LOOK_AGAIN_MIN * 1.25 ** min(waited, 20), LOOK_AGAIN_MAX)
    return await _look_again(run, delay, "no candidate; looked at again")


async def _look_again(run: Run, delay: timedelta, summary: str) -> Next:
    inbox = run.inbox
    wakes = inbox.wakes
    await run.wait(
        lambda: inbox.asks or inbox.wakes != wakes,
        delay,
        summary,
    )
    return _leave_waiting(run)


def _leave_waiting(run: Run) -> Next:
    inbox = run.inbox
    inbox.retargeted = False
    try:
        run.raise_if_aborted()
    except Decided as decided:
        return abort_next(run, decided.resolution)
    resolution = inbox.take_resolution()
    if resolution is not None and resolution.policy is not None:
        run.set(policy=resolution.policy, approved="")
    return Phase.PLANNING


async def capture(run: Run) -> Next:
    """Capture the state, write the record on both sides, prepare the target."""
    state = run.state
    made = state.plan
    assert made is not None, "Capturing follows Planning"
    request = CaptureRequest(
        plan=made,
        failover=workflow.info().workflow_id,
        run=workflow.info().run_id,
        claim=state.claim or run.new_claim(made.generation_seen),
        policy=state.policy,
        overrides=state.overrides,
        skipped_rules=state.skipped_rules,
        from_record=works_from_record(state),
        attempted=tuple(each.cluster for each in state.attempted),
        check_pauses=not state.delete_accepted and not state.adopted,
    )
    untouched = {key: getattr(state, key) for key in ("staged", "target", "target_touched")}
    staging = tuple(dict.fromkeys((*state.staged, made.source, made.target)))
    run.set(staged=staging, target=made.target, target_touched=True)
    summary = f"capture {made.application.short} on {made.source}, stage it on {made.target}"
    try:
        answered: CaptureAnswer = await run.step(
            Moving.capture_and_stage,
            request,
            summary=summary,
            raises=PLAN_OUTDATED | TARGET_REFUSED,
        )
    except StepFailed as failed:
        run.note(f"{failed.reason}: {failed.message}")
        if failed.reason in TARGET_REFUSED:
            return leave_target(run, failed.reason, failed.message)
        return await back_to_planning(run, failed)
    except Decided as decided:
        return decide_while_planning(run, decided.resolution)
    if isinstance(answered.answer, Held):
        reason, message = answered.answer.reason, answered.answer.message
        run.set(**untouched, outcome_reason=reason, outcome_message=message)
        return Phase.HELD
    staged = answered.answer
    run.set(
        generation=staged.generation,
        labels=staged.labels,
        spec_digest=staged.spec_digest,
        target_uid="",
        outcome_reason="",
        outcome_message="",
    )
    try:
        run.raise_if_aborted()
    except Decided as decided:
        return abort_next(run, decided.resolution)
    if run.inbox.retargeted:
        return leave_target(run, "Retargeted", "another target was asked for")
    if made.purge_mode == "Directly" and not run.state.source_gone:
        return Phase.PURGING
    return Phase.STARTING


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
