"""One run of a failover: its state, how a step is carried out, how it waits and blocks.

Rules kept here:
- Attempts are counted by the workflow. A transient error is tried again 0.2 s later, then twice as long each time, at most
  10 s apart; after `blockedAfterSeconds`, with at least ten tries, the failover is Blocked. A
  definite error blocks at once.
- Blocked waits without limit, and goes on only by a person's decision.
- Whoever has to hear of a wait is called beside it (`workflows.calling`), and never waited for.
- Handlers change only the fields declared as messages in `Inbox`; everything else belongs to the
  one main task, so an `await` never interleaves with another writer of the state.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from temporalio import workflow
from temporalio.common import SearchAttributeUpdate
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.telling import Telling
    from failover.domain import telling
    from failover.domain.budget import use_of
    from failover.domain.health import HealthStatus
    from failover.domain.phases import BLOCKED, RETRYING, WAITING_PHASES, Action, Outcome, Phase
    from failover.domain.policy import Mode
    from failover.domain.request import (
        Approval,
        Block,
        FailoverRequest,
        Resolution,
        State,
        Status,
        StepEntry,
    )
    from failover.domain.resolving import Standing, allowed
    from failover.domain.steps import Claim, Look, Observation, PublishRequest
    from failover.domain.toleration import Clock
    from failover.temporal import SEARCH, application_keyword
from workflows import options
from workflows.calling import Caller
from workflows.options import ActivityOptions

T = TypeVar("T")

ATTEMPTS_MIN = 10
RETRY_FIRST = timedelta(seconds=0.2)
RETRY_MAX = timedelta(seconds=10)
SHOW_RETRYING_FROM = 3
QUICK = frozenset({Phase.PLANNING, Phase.CAPTURING, Phase.STARTING})
"""Phases of one short step. An update of search attributes costs more than the step itself, so they are
listed only where something keeps them (Retrying, Blocked, the wait that follows), and right after a wait."""
STEPS_MAX = 200
DECISIONS_MAX = 50


@dataclass(frozen=True)
class End:
    """The failover is over."""

    outcome: Outcome
    reason: str = ""
    message: str = ""


Next = Phase | End


class StepFailed(Exception):
    """An activity failed for a reason of ours."""

    def __init__(
        self, reason: str, message: str, *, transient: bool, accepted: bool, wrote: bool = True
    ) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message
        self.transient = transient
        self.accepted = accepted
        """Whether a delete was accepted, or may have been."""
        self.wrote = wrote
        """Whether the step has written anything, or may have."""


class Decided(Exception):
    """A person decided something other than to try the same step again."""

    def __init__(self, resolution: Resolution, reason: str = "") -> None:
        super().__init__(resolution.action)
        self.resolution = resolution
        self.reason = reason
        """Why the failover was Blocked, where it was."""

    @property
    def rewrites_record(self) -> bool:
        """Whether a Replan is wanted because a record is gone or torn: staging again writes it anew."""
        lost = self.reason in {"RecordMissing", "RecordDamaged"}
        return lost and self.resolution.action is Action.REPLAN


class SupersededError(Exception):
    """A newer generation owns the application: nothing more may be done here."""


@dataclass
class Inbox:
    """What messages have asked for and the main task has not taken up yet."""

    wakes: int = 0
    resolution: Resolution | None = None
    abort: Resolution | None = None
    approval: Approval | None = None
    denial: Approval | None = None
    retargeted: bool = False
    cancelled: bool = False

    @property
    def asks(self) -> bool:
        """Whether a person has asked for something that ends a wait."""
        return self.abort is not None or self.resolution is not None or self.retargeted

    def take_resolution(self) -> Resolution | None:
        """The decision that waits, taken out."""
        taken, self.resolution = self.resolution, None
        return taken

    def take_abort(self) -> Resolution | None:
        """The Abort that waits, taken out."""
        taken, self.abort = self.abort, None
        return taken

    def take_answer(self) -> tuple[Approval | None, Approval | None]:
        """The approval and the denial that wait, taken out."""
        taken = self.approval, self.denial
        self.approval = self.denial = None
        return taken


@dataclass
class Run:
    """The run's state and the ways to move it on."""

    request: FailoverRequest
    state: State
    inbox: Inbox = field(default_factory=Inbox)
    display: str = ""
    _listed: str = ""
    """The phase that search attributes show."""
    _shown: tuple[SearchAttributeUpdate[Any], ...] = ()
    _told: asyncio.Task[Any] | None = None
    calling: Caller = field(init=False)

    def __post_init__(self) -> None:
        self.calling = Caller(self._refresh)

    @classmethod
    def begin(cls, request: FailoverRequest) -> Run:
        """A run's first state: carried over, or fresh."""
        if request.carried is not None:
            return cls(request, request.carried)
        now = (
            workflow.info().workflow_start_time
        )  # not of its first task: workers may have been away
        state = State(
            started_at=now,
            clock=Clock(status=HealthStatus.UNHEALTHY, since=now),
            policy=request.policy,
            overrides=request.overrides,
            source_uid=request.source_uid,
            requested_target=request.target,
            forced=bool(request.force_reason),
        )
        return cls(request, state)

    def set(self, **changes: Any) -> None:
        """Replace fields of the state."""
        self.state = self.state.model_copy(update=changes)

    @property
    def standing(self) -> Standing:
        """Where it stands, for the resolve table."""
        return Standing(
            self.state.phase,
            self.state.block is not None,
            self.state.delete_accepted,
            verified=self.state.verified,
            held=self.state.held,
        )

    @property
    def claim(self) -> Claim:
        """The right to act on the clusters."""
        state = self.state
        return Claim(
            application=self.request.application,
            failover=workflow.info().workflow_id,
            generation=state.generation,
            claim=state.claim,
        )

    def new_claim(self, generation_seen: int) -> str:
        """A claim that no other run has, and that a reset neither loses nor shares.

        The id of the original run survives a reset; what the plan saw differs when it is made anew.
        """
        self.set(claim=f"{workflow.info().original_execution_run_id}.{generation_seen}")
        return self.state.claim

    def go_on_under(self, resolution: Resolution) -> None:
        """Take up the policy and the overrides that a decision carries; an approval is asked anew."""
        carried = {"policy": resolution.policy, "overrides": resolution.overrides}
        changed = {key: value for key, value in carried.items() if value is not None}
        if changed:
            self.set(**changed, approved="")

    def saw(self, seen: Observation) -> None:
        """Take an observation of the source into account."""
        on_unknown = self.state.policy.active.decision_conditions.on_unknown
        clock = self.state.clock.saw(seen.health, workflow.now(), on_unknown)
        starting_up = seen.starting_up
        if starting_up is None:
            starting_up = self.state.starting_up
        self.set(health=seen.health, clock=clock, starting_up=starting_up)
        self.note(f"{seen.health.status}: {seen.health.reason}: {seen.health.message}")

    # Phases and their display

    def enter(self, phase: Phase, cluster: str = "", *, at: datetime | None = None) -> None:
        """Begin a phase: close the last entry of the timeline, open a new one, show it."""
        now = at or workflow.now()
        steps = self.state.steps
        if steps and steps[-1].ended_at is None:
            steps = (*steps[:-1], steps[-1].model_copy(update={"ended_at": now}))
        steps = (*steps, StepEntry(phase=phase, started_at=now, cluster=cluster))[-STEPS_MAX:]
        self.set(phase=phase, steps=steps)
        reason = self.state.outcome_reason if phase is Phase.HELD else ""
        self.show(phase.value, reason, listed=phase not in QUICK or self._shows_a_wait)

    @property
    def _shows_a_wait(self) -> bool:
        """Whether search attributes may say what it has waited for; a run before this one has left its own."""
        return self._listed in WAITING_PHASES or (self._goes_on and not self._listed)

    @property
    def _goes_on(self) -> bool:
        """Whether this run goes on where another one has continued as new."""
        return self.request.carried is not None

    def note(self, text: str, *, attempts: int | None = None) -> None:
        """Write a remark on the current entry of the timeline."""
        if not self.state.steps:
            return
        last = self.state.steps[-1]
        changes: dict[str, Any] = {"note": text[:500]}
        if attempts is not None:
            changes["attempts"] = attempts
        self.set(steps=(*self.state.steps[:-1], last.model_copy(update=changes)))

    def close_timeline(self) -> None:
        """End the last entry of the timeline."""
        if self.state.steps and self.state.steps[-1].ended_at is None:
            last = self.state.steps[-1].model_copy(update={"ended_at": workflow.now()})
            self.set(steps=(*self.state.steps[:-1], last))

    def decided(self, text: str) -> None:
        """Keep what a person decided, in words."""
        self.set(decisions=(*self.state.decisions, text[:300])[-DECISIONS_MAX:])

    def show(self, display: str, reason: str = "", *, listed: bool = True) -> None:
        """Put phase and reason where people look: current details and, where `listed`, search attributes."""
        self.display = display
        if listed:
            self._list(display, reason)
        self._refresh()

    def _refresh(self) -> None:
        """Renew the current details. Temporal keeps the static ones for the first part of a run only."""
        details = telling.current_details(self.status())
        if self._goes_on:
            now = self.request.model_copy(update={"policy": self.state.policy})
            details = f"{details}\n\n---\n\n{telling.static_details(now)}"
        workflow.set_current_details(details)

    def _list(self, display: str, reason: str) -> None:
        self._listed = display
        state = self.state
        target = state.target or (state.plan.target if state.plan else "")
        now: tuple[SearchAttributeUpdate[Any], ...] = (
            SEARCH.phase.value_set(display),
            SEARCH.to.value_set(target) if target else SEARCH.to.value_unset(),
            SEARCH.reason.value_set(reason) if reason else SEARCH.reason.value_unset(),
            SEARCH.generation.value_set(state.generation),
        )
        if now != self._shown:
            first = () if self._shown else self._first_attributes()
            may_be_there = self._shown or self._goes_on
            changed = tuple(each for each in now if may_be_there or each.value is not None)
            upsert_search_attributes(
                [*first, *(each for each in changed if each not in self._shown)]
            )
            self._shown = now

    def _first_attributes(self) -> list[SearchAttributeUpdate[Any]]:
        request = self.request
        return [
            SEARCH.application.value_set(application_keyword(request.application)),
            SEARCH.source.value_set(request.source),
            SEARCH.trigger.value_set(request.trigger.kind),
            SEARCH.detected_at.value_set(self.state.started_at),
        ]

    def status(self) -> Status:
        """Everything a person would ask."""
        state, request = self.state, self.request
        limit = self.toleration
        now = workflow.now()
        on_unknown = state.policy.active.decision_conditions.on_unknown
        remaining = state.clock.remaining(limit, now, on_unknown)
        recovery = state.clock.recovery(limit, now)
        tolerating = state.phase is Phase.TOLERATING and state.looked
        block = state.block
        plan = state.plan or state.foresight
        return Status(
            application=request.application,
            phase=state.phase,
            display_phase=self.display or state.phase.value,
            outcome=state.outcome,
            reason=block.reason if block else state.outcome_reason,
            message=block.message if block else state.outcome_message,
            source=request.source,
            target=state.target or (plan.target if plan else ""),
            started_at=state.started_at,
            tolerated=state.clock.total(now, on_unknown) if tolerating else state.clock.accumulated,
            toleration=limit,
            toleration_ends_at=now + remaining if tolerating and remaining is not None else None,
            recovers_at=now + recovery if tolerating and recovery is not None else None,
            health=state.health,
            labels=state.labels or (plan.labels if plan else {}),
            point_of_no_return_passed=state.delete_accepted or telling.is_purging(state),
            copies=telling.copies(state, request.source),
            generation=state.generation,
            plan=plan,
            plan_digest=plan.digest if plan else "",
            considered=state.considered,
            budget=use_of(state.policy.active.budget, plan.counted, now) if plan else None,
            block=block,
            called=self.calling.told,
            allowed=allowed(self.standing),
            attempted=state.attempted,
            leftovers=state.leftovers,
            steps=state.steps,
            decisions=state.decisions,
            trigger=request.trigger,
            state=request.state,
        )

    def place_of(self, phase: Phase) -> str:
        """The cluster on which a phase acts, for the timeline."""
        state = self.state
        source = state.plan.source if state.plan else self.request.source
        if phase in {Phase.TOLERATING, Phase.CAPTURING, Phase.PURGING, Phase.RESTORING}:
            return source
        if phase in {Phase.STARTING, Phase.VERIFYING, Phase.WITHDRAWING}:
            return state.target
        return ""

    def continue_if_long(self, following: Phase) -> None:
        """Continue as new with the whole state, in this phase, once the history has grown long."""
        quiet = not (self.inbox.asks or self.calling.busy)
        if workflow.info().is_continue_as_new_suggested() and quiet:
            carried = self.state.model_copy(update={"phase": following, "call": self.calling.open})
            request = self.request.model_copy(update={"carried": carried})
            workflow.continue_as_new(request, memo=workflow.memo())  # it would be left behind

    # Steps

    async def step(
        self,
        activity: Callable[[Any, Any], Any],
        arg: Any,
        *,
        summary: str,
        run_as: ActivityOptions | None = None,
        raises: frozenset[str] = frozenset(),
        uncertain: str = "",
        purges: bool = False,
    ) -> Any:
        """Carry out one activity until it succeeds, a person decides, or it raises one of `raises`.

        `uncertain` is the reason of a Blocked after transient errors, where it is not the error's own;
        `purges` says that it deletes the source's copy, so that a lost answer counts as a delete.
        """
        attempts, first_at = 0, workflow.now()
        while True:
            attempts += 1
            try:
                result = await workflow.execute_activity_method(
                    activity, arg, summary=summary, **(run_as or options.effect())
                )
            except ActivityError as error:
                failure = read_failure(error)
            else:
                self._step_succeeded(attempts)
                return result
            if purges and failure.accepted:
                self.set(delete_accepted=True)
            self.note(f"{failure.reason}: {failure.message}", attempts=attempts)
            if failure.reason == "Superseded":
                raise SupersededError(failure.message)
            if failure.reason in raises:
                raise failure
            if failure.transient and not self._used_up(attempts, first_at):
                await self._before_next_attempt(attempts, failure)
                continue
            await self._block(failure, attempts, uncertain if failure.transient else "")
            attempts, first_at = 0, workflow.now()

    def _step_succeeded(self, attempts: int) -> None:
        if attempts > 1:
            self.note(f"done at attempt {attempts}", attempts=attempts)
        if self.display != self.state.phase.value:
            self.show(self.state.phase.value)

    def _used_up(self, attempts: int, first_at: datetime) -> bool:
        limit = self.request.limits.blocked_after_seconds
        return attempts >= ATTEMPTS_MIN and (workflow.now() - first_at).total_seconds() >= limit

    async def _before_next_attempt(self, attempts: int, failure: StepFailed) -> None:
        if attempts >= SHOW_RETRYING_FROM:
            self.show(RETRYING, failure.reason)
        limit = timedelta(seconds=self.request.limits.blocked_after_seconds / ATTEMPTS_MIN)
        delay = min(RETRY_FIRST * 2 ** min(attempts - 1, 10), RETRY_MAX, max(limit, RETRY_FIRST))
        await self.wait(
            lambda: self.inbox.abort is not None, delay, f"next attempt after {failure.reason}"
        )
        self.raise_if_aborted()

    async def _block(self, failure: StepFailed, attempts: int, uncertain: str) -> None:
        """Wait for a person. Returns for a Retry; raises `Decided` for anything else."""
        self.inbox.take_resolution()
        block = Block(
            phase=self.state.phase,
            reason=uncertain or failure.reason,
            message=failure.message
            if not uncertain
            else f"{failure.message} (last: {failure.reason})",
            since=workflow.now(),
            attempts=attempts,
            copy_runs=telling.copies(self.state, self.request.source),
        )
        self.set(block=block)
        self.show(BLOCKED, block.reason)
        self.tell_waiting(BLOCKED, block.reason, f"{block.message} {block.copy_runs}")
        self.call(BLOCKED, since=block.since)
        await workflow.wait_condition(
            lambda: self.inbox.resolution is not None or self.inbox.abort is not None
        )
        self.calling.end()
        blocked = (workflow.now() - block.since).total_seconds()
        self.set(block=None, blocked_seconds=self.state.blocked_seconds + blocked)
        self.show(self.state.phase.value)
        self.raise_if_aborted()
        resolution = self.inbox.take_resolution()
        if resolution is not None and (
            resolution.action is not Action.RETRY or resolution.remove_finalizer
        ):
            raise Decided(resolution, block.reason)
        self.continue_if_long(self.state.phase)

    def raise_if_aborted(self) -> None:
        """Take up an Abort, where one was asked for."""
        if (resolution := self.inbox.take_abort()) is not None:
            raise Decided(resolution)

    async def block(self, reason: str, message: str) -> None:
        """Wait for a person because of something that the workflow itself has found."""
        await self._block(StepFailed(reason, message, transient=False, accepted=False), 1, "")

    @property
    def may_write(self) -> bool:
        """Whether it may change anything on a cluster, or only observes."""
        return not (self.request.observe_only or self.mode == "Observe")

    @property
    def mode(self) -> Mode:
        """The mode that counts for this application's kind."""
        kind, own = self.request.application.group_kind, self.request.health_rule is not None
        return self.state.policy.mode_of(kind, own_rule=own)

    @property
    def toleration(self) -> timedelta:
        """How long it may be unhealthy before it is moved, by what was last seen."""
        return self.state.policy.active.tolerated(starting_up=self.state.starting_up)

    @property
    def recovery(self) -> timedelta | None:
        """What is left until it is recovered, zero once it is; `None` while it is not well."""
        return self.state.clock.recovery(self.toleration, workflow.now())

    @property
    def told_on(self) -> tuple[str, ...]:
        """The clusters on which an Event tells how it goes: none while it only observes."""
        if not self.may_write:
            return ()
        places = (self.request.source, self.state.target)
        return tuple(dict.fromkeys(each for each in places if each))

    def tell_waiting(self, waits: str, reason: str, message: str) -> None:
        """Put an Event on the workload that says why it waits, without waiting for it."""
        request = PublishRequest(
            application=self.request.application,
            clusters=self.told_on,
            warning=True,
            reason=f"Failover{waits}",
            message=f"{reason}: {message}",
        )
        self._told = asyncio.create_task(self._tell(request))

    def call(self, waiting: str, *, since: datetime | None = None) -> None:
        """Let a person be called for this wait, unless this run only observes."""
        if self.may_write:
            name, at = workflow.info().workflow_id, since or workflow.now()
            self.calling.begin(telling.call_of(self.status(), waiting, name, at))

    async def _tell(self, request: PublishRequest) -> None:
        try:
            await workflow.execute_activity_method(
                Telling.publish_result,
                request,
                summary="tell: an Event on the workload",
                **options.telling(),
            )
        except ActivityError:
            workflow.logger.warning(
                "an Event could not be published", extra={"reason": request.reason}
            )

    async def tell(self, request: PublishRequest) -> None:
        """Tell the world, and wait until it is told or given up."""
        await self._tell(request)

    # Waits

    async def news(
        self,
        activity: Callable[[Any, Look], Any],
        look: Look,
        limit: timedelta | None,
        *,
        summary: str,
        timer: str,
        heartbeat: timedelta = options.HEARTBEAT_WAIT,
    ) -> Observation | None:
        """What a wait sees next; `None` if the limit ended it or somebody asked to look.

        Raises `Decided` where a person has decided something meanwhile.
        """
        inbox = self.inbox
        wakes = inbox.wakes
        waiting = workflow.start_activity_method(
            activity, look, summary=summary, **options.wait(heartbeat=heartbeat)
        )

        def ended() -> bool:
            return waiting.done() or inbox.asks or inbox.wakes != wakes

        try:
            await self.wait(ended, limit, timer)
            seen = await self._result_of(waiting) if waiting.done() else None
        finally:
            stop_waiting(waiting)
        self.raise_if_decided()
        return seen

    def raise_if_decided(self) -> None:
        """Take up whatever a person has decided during a wait."""
        self.inbox.retargeted = False
        self.raise_if_aborted()
        if (resolution := self.inbox.take_resolution()) is not None:
            raise Decided(resolution)

    async def _result_of(self, waiting: workflow.ActivityHandle[Observation]) -> Observation | None:
        """The wait's answer; a wait that failed is begun again, after a person has looked if need be."""
        try:
            return await waiting
        except ActivityError as error:
            failure = read_failure(error)
        if failure.transient:
            await self.wait(
                lambda: self.inbox.asks, RETRY_MAX, f"watch again after {failure.reason}"
            )
        else:
            await self._block(failure, 1, "")
        return None

    async def wait(self, until: Callable[[], bool], limit: timedelta | None, summary: str) -> bool:
        """Wait until the condition holds; `False` if the limit ended the wait."""
        if limit is not None and limit <= timedelta(0):
            return until()
        try:
            await workflow.wait_condition(until, timeout=limit, timeout_summary=summary)
        except TimeoutError:
            return False
        return True


def upsert_search_attributes(updates: list[SearchAttributeUpdate[Any]]) -> None:
    """Write search attributes."""
    # the SDK's own signature leaves a type parameter out
    workflow.upsert_search_attributes(updates)  # pyright: ignore[reportUnknownMemberType]


def stop_waiting(waiting: workflow.ActivityHandle[Any]) -> None:
    """Cancel a wait whose answer nobody needs any more, and do not miss it."""
    if not waiting.done():
        waiting.cancel()
        waiting.add_done_callback(_look_away)


def _look_away(waiting: asyncio.Task[Any]) -> None:
    if not waiting.cancelled():
        waiting.exception()


def read_failure(error: ActivityError) -> StepFailed:
    """What an activity's failure says: its reason, and whether another try may help."""
    cause = error.cause
    if isinstance(cause, ApplicationError):
        first: Any = cause.details[0] if cause.details else None
        details = cast("dict[str, Any]", first) if isinstance(first, dict) else {}
        return StepFailed(
            cause.type or "Unexpected",
            cause.message,
            transient=bool(details.get("transient")),
            accepted=bool(details.get("accepted")),
            wrote=bool(details.get("wrote", True)),
        )
    if is_cancelled_exception(error):
        return StepFailed(
            "Cancelled", "the step was cancelled from Temporal", transient=True, accepted=True
        )
    return StepFailed(
        "StepTimedOut",
        f"{error.activity_type} gave no answer in time; the worker may be overloaded",
        transient=True,
        accepted=True,
    )
