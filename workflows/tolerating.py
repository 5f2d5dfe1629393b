"""Toleration: the deadline is one of Temporal's clock; what is seen meanwhile ends it early or stops its clock.

What is well again is watched on until it is recovered (`failover.domain.toleration`), with the clock standing.

A while before the end the plan is made ahead, and the capture is asked for with the moment at which it is
due. Where there is no time for that, or no such plan, a timer is the deadline, and Planning follows.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.deciding import Deciding
    from activities.observing import Observing
    from failover.domain import telling
    from failover.domain.health import HealthStatus
    from failover.domain.phases import Action, Outcome, Phase
    from failover.domain.plan import FailoverPlan
    from failover.domain.request import Resolution
    from failover.domain.steps import Look, Observation, PlanAnswer
from workflows import options
from workflows.capturing import capture_when_due
from workflows.concluding import conclude
from workflows.phases import abort_next, plan_request
from workflows.run import Decided, End, Next, Run

AHEAD_FROM = timedelta(seconds=1)
"""With less than this left, nothing is planned ahead."""
AHEAD_LEAST = timedelta(seconds=3)
AHEAD_SHARE, AHEAD_SPREAD_MAX = 0.75, timedelta(minutes=5)
"""A plan is made three seconds ahead, and by chance up to three quarters of what is left earlier, so that where
many tolerations end together their plans are not made together. The capture is asked for three seconds ahead;
in a crowd with the plan, so that it lies in the queue by then."""
AHEAD_TAKES_MAX = timedelta(seconds=10)
CLOCKS_DIFFER_MAX = timedelta(seconds=1)
"""A wait that ends itself is believed to have come to its end by then, and a timer ends it after it."""


async def tolerate(run: Run) -> Next:
    """Wait out the toleration; end early when the application has recovered, or is not the one we meant."""
    if run.state.forced:
        _remember_incident(run, run.request.source_uid)
        run.set(looked=True)
        return Phase.PLANNING
    if run.state.source_uid:
        _remember_incident(run, run.state.source_uid)
    try:
        seen = await _look(run)
    except Decided as decided:
        return _early_decision(run, decided.resolution)
    ahead = True
    while True:
        run.continue_if_long(Phase.TOLERATING)
        if seen.open_record and (not run.state.adoption_checked or not seen.found):
            run.set(open_record=True)
            return Phase.PLANNING
        if (end := _judge_first(run, seen)) is not None:
            return await conclude(run, end)
        remaining = _remaining(run)
        if remaining is not None and remaining <= timedelta(0):
            return Phase.PLANNING
        run.show(Phase.TOLERATING.value)
        try:
            if (recovery := run.recovery) is not None:
                seen = await _see_recovered(run, seen, recovery)
                ahead = True
                continue
            if ahead and remaining is not None and _may_plan_ahead(run, remaining):
                found = await _act_when_due(run, seen, remaining)
                if isinstance(found, Phase | End):
                    return found
                ahead = found is not None
            else:
                found = await _next_observation(run, seen, remaining)
                ahead = True
            seen = found or seen
        except Decided as decided:
            return _early_decision(run, decided.resolution)


def _remaining(run: Run) -> timedelta | None:
    on_unknown = run.state.policy.active.decision_conditions.on_unknown
    return run.state.clock.remaining(run.toleration, workflow.now(), on_unknown)


async def _look(run: Run) -> Observation:
    request = run.request
    look = Look(
        application=request.application,
        cluster=request.source,
        uid=run.state.source_uid,
        health_rule=request.health_rule,
        whose_fault=True,
    )
    seen: Observation = await run.step(
        Observing.observe, look, summary=f"look at {request.application.short} on {request.source}"
    )
    if not run.state.source_uid:
        _remember_incident(run, seen.uid)
    run.saw(seen)
    run.set(looked=True)
    return seen


def _remember_incident(run: Run, uid: str) -> None:
    """Which object fell ill where: triggers compare it with what they see."""
    run.set(source_uid=uid)
    incident = f"{run.request.source}/{uid}"
    if workflow.memo_value("incident", "") != incident:
        workflow.upsert_memo({"incident": incident})


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
    if run.recovery == timedelta(0):
        return End(Outcome.RECOVERED, seen.health.reason, seen.health.message)
    return None


async def _next_observation(
    run: Run,
    seen: Observation,
    limit: timedelta | None,
    then: str = "it ends then",
    until: datetime | None = None,
) -> Observation | None:
    """What is seen next, or `None` when the limit is reached or nothing came of a look.

    With `until` the wait ends itself before the limit does: one that is cancelled learns of it with its next
    heartbeat only, and its answer would be one more thing to do in the middle of the move.
    """
    request, wakes = run.request, run.inbox.wakes
    look = Look(
        application=request.application,
        cluster=request.source,
        uid=run.state.source_uid or seen.uid,
        last=seen,
        until=until,
        health_rule=request.health_rule,
        whose_fault=True,
    )
    found = await run.news(
        Observing.wait_out_toleration,
        look,
        limit,
        summary=f"watch {request.application.short} on {request.source}",
        timer=f"toleration of {request.application.short}: {then}",
        heartbeat=options.HEARTBEAT_LONG_WAIT,
    )
    if found is not None:
        run.saw(found)
        return found
    return await _look(run) if run.inbox.wakes != wakes else None


async def _see_recovered(run: Run, seen: Observation, recovery: timedelta) -> Observation:
    """What is seen next of one that is well again; when it is to be recovered by then, a look decides."""
    return await _next_observation(run, seen, recovery, "recovered then") or await _look(run)


def _early_decision(run: Run, resolution: Resolution) -> Next:
    """A decision while nothing was written yet."""
    if resolution.action is Action.ABORT:
        return abort_next(run, resolution)
    run.go_on_under(resolution)
    return Phase.TOLERATING


def _may_plan_ahead(run: Run, remaining: timedelta) -> bool:
    acts = run.mode == "Automatic" and not run.request.observe_only
    return acts and remaining > AHEAD_FROM


async def _act_when_due(
    run: Run, seen: Observation, remaining: timedelta
) -> Next | Observation | None:
    """Wait, plan ahead, and carry that out at the end of the toleration.

    Answers with what was seen before that, and with `None` where there is nothing to be carried out.
    """
    due = workflow.now() + remaining
    spread = min(remaining * AHEAD_SHARE, AHEAD_SPREAD_MAX) * workflow.random().random()
    found = await _watch_until(run, seen, due - AHEAD_LEAST - spread, "planned ahead then")
    if found is not None:
        return found
    if (answered := await _plan_ahead(run, due)) is None:
        return None
    made = answered.answer
    if not isinstance(made, FailoverPlan):
        return None
    if not answered.crowded:
        found = await _watch_until(run, seen, due - AHEAD_LEAST, "captured at its end")
        if found is not None:
            return found
    moved = await capture_when_due(run, made, due, seen, crowded=answered.crowded)
    if isinstance(moved, Observation):
        run.saw(moved)
    return moved


async def _watch_until(
    run: Run, seen: Observation, moment: datetime, then: str
) -> Observation | None:
    """Watch on until this moment; what was seen before it, and `None` when it has come."""
    left = moment - workflow.now()
    if left <= timedelta(0):
        return None
    found = await _next_observation(run, seen, left + CLOCKS_DIFFER_MAX, then, moment)
    return found or (seen if workflow.now() < moment - CLOCKS_DIFFER_MAX else None)


async def _plan_ahead(run: Run, due: datetime) -> PlanAnswer | None:
    """The plan as it would be made now, if there is one; why there is none is found out when it is time."""
    try:
        answered: PlanAnswer = await workflow.execute_activity_method(
            Deciding.plan_failover,
            plan_request(run).model_copy(update={"due": due}),
            summary=f"{telling.PLAN_AHEAD} where {run.request.application.short} goes",
            **options.effect(limit=AHEAD_TAKES_MAX),
        )
    except ActivityError:
        return None
    return answered
