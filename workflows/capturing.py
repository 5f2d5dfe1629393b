"""Capturing: the state into the history and onto the clusters, before anything is removed.

In the ordinary case it is asked for while the toleration still runs: the activity waits for the very
end of it by Temporal's clock, then looks, decides and writes. No workflow task stands between the end of the
toleration and the capture then, and a worker that dies meanwhile is noticed before time is up.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.capturing import Capturing
    from failover.domain import telling
    from failover.domain.phases import Phase
    from failover.domain.plan import FailoverPlan, NotNeeded
    from failover.domain.request import State
    from failover.domain.steps import CaptureAnswer, CaptureRequest, Held, Observation, Seen, Staged
from workflows import options
from workflows.phases import (
    PLAN_OUTDATED,
    abort_next,
    back_to_planning,
    decide_while_planning,
    leave_target,
    not_needed,
    works_from_record,
)
from workflows.run import Decided, Next, Run, StepFailed, SupersededError, read_failure

TARGET_REFUSED = frozenset({"TargetRefused", "DependentConflict"})


async def capture(run: Run) -> Next:
    """Capture the state, write the record on both sides, prepare the target."""
    made = run.state.plan
    assert made is not None, "Capturing follows Planning"
    request = _request(run, made)
    untouched = _staging(run, made)
    summary = f"capture {made.application.short} on {made.source}, stage it on {made.target}"
    try:
        answered: CaptureAnswer = await run.step(
            Capturing.capture_and_stage,
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
    match answered.answer:
        case Staged() as staged:
            return _staged(run, made, staged)
        case Held() as held:
            run.set(**untouched)
            return _held(run, held)
        case NotNeeded(health=health):
            run.set(**untouched)
            return await not_needed(run, health)
        case Seen():
            raise AssertionError("nothing was to be waited for")


async def capture_when_due(
    run: Run, made: FailoverPlan, due: datetime, seen: Observation, *, crowded: bool
) -> Next | Observation | None:
    """Carry out a plan that was made while tolerating, at the end of the toleration.

    Answers with an observation where something was seen before, and with `None` where the plan cannot be
    carried out so. `crowded` lets it wait in the queue with those that end together with it.
    Raises `Decided` where a person has decided something meanwhile.
    """
    request = _request(run, made).model_copy(update={"due": due, "last": seen})
    run.set(foresight=made, crowded=crowded)
    run.show(Phase.TOLERATING.value, listed=False)
    try:
        answered = await _wait_for(
            run, request, options.capture(due - workflow.now(), crowded=crowded)
        )
    except StepFailed as failed:
        run.note(f"{failed.reason}: {failed.message}")
        if failed.reason == "Superseded":
            raise SupersededError(failed.message) from failed
        run.set(foresight=None)
        if failed.wrote:  # or may have: a worker that died may have begun what was cancelled then
            _staging(run, made)
            run.set(plan=made, considered=made.considered)
        return Phase.PLANNING if workflow.now() >= due else None
    run.set(foresight=None)
    match answered.answer:
        case Staged() as staged:
            _staging(run, made)
            run.set(plan=made, considered=made.considered)
            run.enter(Phase.CAPTURING, made.source, at=max(due, run.state.steps[-1].started_at))
            run.note(f"to {made.target}: " + "; ".join(made.steps))
            return _staged(run, made, staged)
        case Held() as held:
            run.set(plan=made, considered=made.considered)
            return _held(run, held)
        case NotNeeded(health=health):
            return await not_needed(run, health)
        case Seen(observation=observation):
            run.raise_if_decided()
            return observation


async def _wait_for(
    run: Run, request: CaptureRequest, run_as: options.ActivityOptions
) -> CaptureAnswer:
    """The capture's answer; a person's decision ends its waiting, not its work. Raises `StepFailed`."""
    made = request.plan
    capturing = workflow.start_activity_method(
        Capturing.capture_and_stage,
        request,
        summary=f"capture {made.application.short} on {made.source}, stage it on {made.target} {telling.WHEN_DUE}",
        **run_as,
    )

    await workflow.wait_condition(lambda: capturing.done() or run.inbox.asks)
    if not capturing.done():
        capturing.cancel()
    try:
        return await capturing
    except ActivityError as error:
        raise read_failure(error) from error


def _request(run: Run, made: FailoverPlan) -> CaptureRequest:
    state = run.state
    return CaptureRequest(
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
        admitted=_let_by_a_person(state, made),
        health_rule=run.request.health_rule,
        state=run.request.state,
    )


def _let_by_a_person(state: State, made: FailoverPlan) -> bool:
    """Whether a person wants this very move: forced, approved, or let go on when it was held."""
    return state.forced or state.admitted or state.approved == made.digest


def _staging(run: Run, made: FailoverPlan) -> dict[str, Any]:
    """Note that clusters may hold something of ours from now on; answers how it was before."""
    state = run.state
    untouched = {key: getattr(state, key) for key in ("staged", "target", "target_touched")}
    staging = tuple(dict.fromkeys((*state.staged, made.source, made.target)))
    run.set(staged=staging, target=made.target, target_touched=True)
    return untouched


def _held(run: Run, held: Held) -> Next:
    called = run.state.held == held.reason
    run.set(
        outcome_reason=held.reason,
        outcome_message=held.message,
        held=held.reason,
        held_until=held.until,
    )
    if held.reason == "BudgetExhausted" and not called:
        run.tell_waiting(Phase.HELD.value, held.reason, held.message)
    return Phase.HELD


def _staged(run: Run, made: FailoverPlan, staged: Staged) -> Next:
    run.set(
        generation=staged.generation,
        labels=staged.labels,
        instead=staged.instead or (run.state.instead and works_from_record(run.state)),
        spec_digest=staged.spec_digest,
        target_uid="",
        outcome_reason="",
        outcome_message="",
        held="",
    )
    try:
        run.raise_if_aborted()
    except Decided as decided:
        return abort_next(run, decided.resolution)
    resolution = run.inbox.take_resolution()
    if resolution is not None and resolution.policy is not None:
        run.go_on_under(resolution)
        return leave_target(run, "Replanned", "another policy was given meanwhile")
    if run.inbox.retargeted:
        return leave_target(run, "Retargeted", "another target was asked for")
    if made.purge_mode == "Directly" and not run.state.source_gone:
        return Phase.PURGING
    return Phase.STARTING
