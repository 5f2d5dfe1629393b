"""`FailoverWorkflow`: one failover of one application, durable from the first look to the last.

    Tolerating → Planning → [AwaitingApproval] → [Held] → Capturing → (by purge mode) → Finishing

One run per incident under the id of the application, so that Temporal itself keeps it to one at a
time. The workflow only orders, waits and undoes: every rule is applied in an activity, whose answer
is in the history. Complete in itself, so anybody may start it, `temporal workflow start` included.

Cancellation asks for an Abort: the main task is shielded, and tidies up before the run is closed.
"""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from failover.domain import telling
    from failover.domain.accounting import account_of
    from failover.domain.identity import failover_id
    from failover.domain.phases import Action, Outcome, Phase
    from failover.domain.plan import FailoverPlan
    from failover.domain.request import (
        Approval,
        FailoverRequest,
        FailoverResult,
        Reply,
        Resolution,
        Retarget,
        Status,
    )
    from failover.domain.resolving import Decision, Standing, refusal
    from failover.domain.steps import PublishRequest
    from failover.domain.terms import changes, terms_refusal
    from failover.temporal import ACCOUNT_MEMO, SEARCH
from workflows import capturing, moving, phases, tolerating
from workflows.run import Decided, End, Next, Run, SupersededError, upsert_search_attributes

PHASES = {
    Phase.TOLERATING: tolerating.tolerate,
    Phase.PLANNING: phases.plan,
    Phase.AWAITING_APPROVAL: phases.await_approval,
    Phase.HELD: phases.hold,
    Phase.WAITING_FOR_CLUSTER: phases.wait_for_cluster,
    Phase.CAPTURING: capturing.capture,
    Phase.PURGING: moving.purge,
    Phase.STARTING: moving.start,
    Phase.VERIFYING: moving.verify,
    Phase.WITHDRAWING: moving.withdraw,
    Phase.RESTORING: moving.restore,
    Phase.FINISHING: moving.finish,
}

RETARGETABLE = frozenset(
    set(Phase)
    - {Phase.STARTING, Phase.VERIFYING, Phase.WITHDRAWING, Phase.RESTORING, Phase.FINISHING}
)


@workflow.defn(name="Failover")
class FailoverWorkflow:
    """Moves one application off a cluster on which it is unhealthy."""

    @workflow.init
    def __init__(self, request: FailoverRequest) -> None:
        self._run = Run.begin(request)

    @workflow.run
    async def run(self, request: FailoverRequest) -> FailoverResult:
        """Tolerate, plan, capture, move, verify, finish; answer how it ended."""
        expected = failover_id(request.application)
        if workflow.info().workflow_id != expected:
            message = f"this run's id is {workflow.info().workflow_id}, but {request.application} has the id {expected}"
            raise ApplicationError(message, type=Outcome.ID_MISMATCH.value, non_retryable=True)
        if request.policy.application is None:
            message = (
                f"{request.policy} has no spec.failover.application, so it moves nothing; write one"
            )
            raise ApplicationError(message, type="NoApplicationFailover", non_retryable=True)
        main = asyncio.create_task(self._main())
        try:
            end = await asyncio.shield(main)
        except asyncio.CancelledError:
            self._run.inbox.cancelled = True
            self._ask_abort(Resolution(action=Action.ABORT, actor="a cancellation in Temporal"))
            end = await main
        return self._close(end)

    async def _main(self) -> End:
        run = self._run
        run.calling.resume(run.state.call)
        run.set(call=None)
        following: Next = run.state.phase
        while not isinstance(following, End):
            run.continue_if_long(following)
            run.enter(following, run.place_of(following))
            run.calling.entered(following)
            following = await self._phase(following)
        run.close_timeline()
        run.calling.end()
        await self._publish(following)
        await run.calling.settle()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return following

    async def _phase(self, phase: Phase) -> Next:
        run = self._run
        try:
            return await PHASES[phase](run)
        except SupersededError as superseded:
            return End(Outcome.SUPERSEDED, "Superseded", str(superseded))
        except Decided as decided:  # an Abort taken up between two steps
            if refusal(run.standing, Decision(decided.resolution.action)) is not None:
                return phase
            return phases.abort_next(run, decided.resolution)

    async def _publish(self, end: End) -> None:
        run = self._run
        run.set(outcome=end.outcome, outcome_reason=end.reason, outcome_message=end.message)
        run.show(end.outcome.value, listed=False)
        plan = run.state.plan if end.outcome is Outcome.WOULD_HAVE_MOVED else None
        foreseen = plan.target if plan is not None else ""
        upsert_search_attributes(
            [SEARCH.phase.value_set(end.outcome.value), SEARCH.outcome.value_set(end.outcome.value)]
            + ([SEARCH.reason.value_set(end.reason)] if end.reason else [])
            + ([SEARCH.to.value_set(foreseen)] if foreseen else [])
        )
        account = account_of(run.request, run.state, end.outcome, workflow.now())
        workflow.upsert_memo({ACCOUNT_MEMO: account})
        quiet = end.outcome in {Outcome.COMPLETED, Outcome.RECOVERED, Outcome.WOULD_HAVE_MOVED}
        await run.tell(
            PublishRequest(
                application=run.request.application,
                clusters=run.told_on,
                warning=not quiet,
                reason=f"Failover{end.outcome.value}",
                message=f"{end.reason}: {end.message}" if end.reason else end.message,
                outcome=end.outcome.value,
                phase_seconds=telling.phase_seconds(run.state.steps),
            )
        )

    def _close(self, end: End) -> FailoverResult:
        """How the run ends for Temporal: completed, failed, or cancelled."""
        run = self._run
        state = run.state
        result = FailoverResult(
            application=run.request.application,
            outcome=end.outcome,
            reason=end.reason,
            message=end.message,
            source=run.request.source,
            target=state.target,
            labels=state.labels,
            generation=state.generation,
            plan=state.plan,
            leftovers=state.leftovers,
            steps=state.steps,
            decisions=state.decisions,
        )
        text = f"{end.reason}: {end.message}" if end.reason else end.message
        if end.outcome is Outcome.ABORTED and run.inbox.cancelled:
            raise asyncio.CancelledError(text)
        if end.outcome is Outcome.ROLLED_BACK:
            raise ApplicationError(text, result, type=end.outcome.value, non_retryable=True)
        if end.outcome is Outcome.REFUSED:
            raise ApplicationError(
                text, result, type=end.reason or end.outcome.value, non_retryable=True
            )
        return result

    # Messages

    @workflow.signal(description="Look again now. Carries no facts: what is seen decides.")
    def wake(self) -> None:
        """Look again now."""
        self._run.inbox.wakes += 1

    @workflow.query(description="Everything a person would ask about this failover.")
    def status(self) -> Status:
        """Where it stands."""
        return self._run.status()

    @workflow.update(
        description='Decide about a blocked failover: {"action": "Retry|Skip|Replan|Abort", "actor": "you", "note": "why"}'
    )
    def resolve(self, resolution: Resolution) -> Reply:
        """Take up a person's decision."""
        run = self._run
        run.decided(
            f"{resolution.action} by {resolution.actor or 'somebody'} in {run.display}: {resolution.note}"
        )
        different = "; ".join(changes(run.state.policy, run.state.overrides, resolution))
        if different:
            run.decided(f"from then on: {different}")
        if resolution.action is Action.ABORT:
            self._ask_abort(resolution)
        else:
            run.inbox.resolution = resolution
        return self._reply(
            f"{resolution.action} is taken up" + (f": {different}" if different else "")
        )

    @resolve.validator
    def _may_resolve(self, resolution: Resolution) -> None:
        run = self._run
        decision = Decision(
            resolution.action,
            resolution.note,
            resolution.rule,
            cold_start=resolution.cold_start,
            declare_gone=resolution.declare_gone,
            remove_finalizer=resolution.remove_finalizer,
        )
        if (why := refusal(run.standing, decision)) is not None:
            raise ValueError(f"{resolution.action} makes no sense now: {why}")
        if (why := terms_refusal(resolution)) is not None:
            raise ValueError(why)
        if decision.declare_gone and not resolution.actor:
            raise ValueError(
                "declareGone needs an actor: who says that no process of the old copy runs?"
            )

    @workflow.update(description='Approve the plan: {"digest": "as in status", "actor": "you"}')
    def approve(self, approval: Approval) -> Reply:
        """Let the plan go ahead."""
        self._run.decided(
            f"approved by {approval.actor or 'somebody'}: {approval.digest} {approval.note}"
        )
        self._run.inbox.approval = approval
        return self._reply("approved")

    @workflow.update(
        description='Deny the plan, which ends the failover: {"digest": "as in status", "actor": "you"}'
    )
    def deny(self, approval: Approval) -> Reply:
        """End the failover."""
        self._run.decided(f"denied by {approval.actor or 'somebody'}: {approval.note}")
        self._run.inbox.denial = approval
        return self._reply("denied")

    @approve.validator
    def _may_approve(self, approval: Approval) -> None:
        self._check_digest(approval)

    @deny.validator
    def _may_deny(self, approval: Approval) -> None:
        self._check_digest(approval)

    def _check_digest(self, approval: Approval) -> None:
        state = self._run.state
        if state.phase is not Phase.AWAITING_APPROVAL or state.plan is None:
            raise ValueError(f"no plan waits for approval: the failover is {self._run.display}")
        if approval.digest != state.plan.digest:
            raise ValueError(
                f"the plan has changed: its digest is {state.plan.digest}, not {approval.digest}; look at it again"
            )

    @workflow.update(
        description='Another target, before a copy has started: {"cluster": "west", "actor": "you"}'
    )
    def retarget(self, wish: Retarget) -> Reply:
        """Plan again, with this target."""
        run = self._run
        run.decided(f"retargeted to {wish.cluster} by {wish.actor or 'somebody'}: {wish.note}")
        run.set(requested_target=wish.cluster, approved="")
        run.inbox.retargeted = True
        if run.state.block is not None:
            run.inbox.resolution = Resolution(
                action=Action.REPLAN, actor=wish.actor, note=wish.note
            )
        return self._reply(f"the target will be {wish.cluster}, if it can be")

    @retarget.validator
    def _may_retarget(self, wish: Retarget) -> None:
        state = self._run.state
        if state.phase not in RETARGETABLE:
            raise ValueError(
                f"a copy has started or may have: the failover is {state.phase}; abort or replan it instead"
            )
        source = (
            state.plan.source if isinstance(state.plan, FailoverPlan) else self._run.request.source
        )
        if wish.cluster == source:
            raise ValueError(
                f"{wish.cluster} is where the application is ill; name another cluster"
            )

    def _ask_abort(self, resolution: Resolution) -> None:
        standing: Standing = self._run.standing
        if refusal(standing, Decision(Action.ABORT)) is None:
            self._run.inbox.abort = resolution

    def _reply(self, message: str) -> Reply:
        return Reply(phase=self._run.display, message=message)
