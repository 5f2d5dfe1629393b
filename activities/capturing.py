"""Capture: the last look at the source, its state, and the record of the move on both clusters.

Everything that the capture hangs on is read from quorums, side by side, in one round; the record is
written in a second one. For a plan that was made while tolerating it waits until that is due, and judges
the plan again by the same look, so that nothing that has changed since is acted upon. Until then a
cancellation ends it, and its answer says that nothing was done; from then on it works to its end.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from temporalio import activity

from activities.attempts import due_at, effect, to_the_end
from activities.dependents import (
    Needs,
    create_dependents,
    create_namespace,
    find_all,
    movable,
    namespace_is_there,
    needs_on,
)
from activities.lanes import Lanes
from activities.observing import seen_before
from activities.restaging import stage_again
from activities.seeing import family_of, find_application, owned_now
from activities.staging import read_for_staging, stage
from activities.together import Together
from activities.trying import dry_run
from failover.domain.budget import CountedMove, admission, counting, cut_off, merged, without
from failover.domain.closure import OwnedRef, closure, closure_kinds
from failover.domain.errors import DefiniteError
from failover.domain.handing_on import handed_on
from failover.domain.health import judge
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, digest, namespace_of, spec_digest, uid_of
from failover.domain.plan import NotNeeded
from failover.domain.planning import (
    not_needed,
    occupied_message,
    original_of,
    puts_back,
    refusal_of,
    rendered,
)
from failover.domain.record import Move, Record
from failover.domain.rules import looked_at_when_ill
from failover.domain.states import StateGeneration, newest_good
from failover.domain.steps import CaptureAnswer, CaptureRequest, Held, Look, Seen, Staged
from failover.domain.telling import addressed
from failover.expressions.asking import judge_by
from failover.fleet import Cluster, Fleet, facts_of
from failover.pauses import Pauses
from failover.records import Found

LOOK_AHEAD_SECONDS = 0.02
"""The last look begins so long before the toleration ends, which is about what it takes."""


class SourceChanged(DefiniteError):
    """The source's object is another one, or was edited, since the plan was made."""


class PlanOutdated(DefiniteError):
    """What was planned or approved is not what would be done now."""


class TargetRefused(DefiniteError):
    """The target would not take the copy as it is now."""


@dataclass(frozen=True)
class Capturing:
    """Writes the record, then what the copy needs on the target."""

    fleet: Fleet
    pauses: Pauses
    lanes: Lanes

    @activity.defn
    @effect
    async def capture_and_stage(self, request: CaptureRequest) -> CaptureAnswer:
        """Capture the state and write the record on source and target; then prepare the target."""
        if request.from_record:
            held_again = await self._held(request)
            return CaptureAnswer(answer=held_again or await stage_again(self.fleet, request))
        due = due_at(request.due)
        if request.due is not None and not await self._has_begun(request):
            try:
                look_at = due - LOOK_AHEAD_SECONDS
                seen = await seen_before(self.fleet, _look_of(request), look_at)
                if seen is None:
                    await self.lanes.enter(request.failover)
            except asyncio.CancelledError:
                seen = request.last  # nothing has been done, and that is what has to be known
            if seen is not None:
                return CaptureAnswer(answer=Seen(observation=seen))
        else:
            await self.lanes.enter(request.failover)
        return await to_the_end(self._capture(request, due))

    async def _has_begun(self, request: CaptureRequest) -> bool:
        """Whether an earlier attempt, whose worker was lost, has decided and begun to write."""
        if activity.info().attempt == 1:
            return False
        clusters = (self.fleet.cluster(each) for each in (request.plan.source, request.plan.target))
        founds = await asyncio.gather(
            *(read_for_staging(each, request.plan.application) for each in clusters)
        )
        return any(found is not None and _is_ours(found.record, request) for found in founds)

    async def _capture(self, request: CaptureRequest, due: float) -> CaptureAnswer:
        staged = False
        try:
            answer = await self._decide(request, due)
            staged = isinstance(answer, Staged)
            return CaptureAnswer(answer=answer)
        finally:
            if not staged:
                self.lanes.leave(request.failover)

    async def _decide(self, request: CaptureRequest, due: float) -> Staged | Held | NotNeeded:
        held, sight = await asyncio.gather(
            self._held(request), look(self.fleet, request), return_exceptions=True
        )
        if isinstance(held, BaseException):
            raise held
        if held is not None:
            return held
        if isinstance(sight, BaseException):
            raise sight
        if request.due is not None and (well := reconsidered(request, sight)) is not None:
            return well
        if (held := not_admitted(request, sight, _moment(request))) is not None:
            return held
        await asyncio.sleep(due - asyncio.get_running_loop().time())  # nothing is written before
        return await self._stage(request, sight)

    async def _held(self, request: CaptureRequest) -> Held | None:
        """The pause that covers this move, if any."""
        if not request.check_pauses:
            return None
        plan = request.plan
        pause = await self.pauses.covering(plan.application, (plan.source, plan.target))
        return Held(reason="Paused", message=str(pause)) if pause is not None else None

    async def _stage(self, request: CaptureRequest, sight: Sight) -> Staged:
        plan, manifest = request.plan, sight.manifest
        source, target = self.fleet.cluster(plan.source), self.fleet.cluster(plan.target)
        good = good_before(request, sight)
        handed = handed_on(request.policy, manifest, request.skipped_rules, good, request.state)
        labels = handed.labels
        needs = await needs_on(source, request.policy, manifest, known=sight.needs)
        move = self._move(request, sight, labels, needs)
        as_planned = digest(move.rendered) == plan.manifest_digest
        if request.policy.active.mode == "Confirm" and not as_planned:
            raise PlanOutdated(f"{plan.application} or its state has changed since the approval")
        generation = await stage(
            ((source, sight.on_source), (target, sight.on_target)),
            plan.application,
            request.claim,
            plan.generation_seen,
            move,
            counting(counted_before(request, sight), request.claim, _moment(request)),
            good,
        )
        if not sight.namespace_is_there:
            await create_namespace(target, namespace_of(manifest))
        await create_dependents(target, request.policy, move.dependents)
        if not (as_planned and plan.dry_run):
            await _try(target, request, move)
        return Staged(
            generation=generation,
            labels=labels,
            instead=handed.instead,
            spec_digest=spec_digest(manifest),
            staged=(plan.source, plan.target),
        )

    def _move(
        self, request: CaptureRequest, sight: Sight, labels: dict[str, str], needs: Needs
    ) -> Move:
        plan = request.plan
        original = original_of(sight.manifest, request.policy)
        target = facts_of(self.fleet, plan.target)
        return Move(
            failover=request.failover,
            run=request.run,
            purge_mode=plan.purge_mode,
            source=plan.source,
            source_uid=uid_of(sight.manifest),
            source_cluster_uid=plan.source_cluster_uid,
            target=plan.target,
            attempted=request.attempted,
            labels=labels,
            original=original,
            rendered=rendered(original, request.overrides, labels, target),
            dependents=movable(needs, request.failover),
            closure=sight.closure,
        )


def _moment(request: CaptureRequest) -> datetime:
    """When this capture is carried out, by Temporal's clock."""
    began = activity.info().started_time
    return began if request.due is None else max(began, request.due)


async def _try(target: Cluster, request: CaptureRequest, move: Move) -> None:
    """What was captured differs from what was planned: the target is asked again."""
    try:
        await dry_run(target, move.rendered, request.failover, move.labels)
    except DefiniteError as error:
        raise TargetRefused(error.message) from error


@dataclass(frozen=True)
class Sight:
    """What source and target show at one moment."""

    manifest: Manifest
    owned: list[Manifest] | None
    """What its health is checked against; `None` where nothing is, or it was not looked at."""
    deeper: list[Manifest]
    """What tells whose fault it is, if it is ill; a part of what the closure was made of."""
    closure: tuple[OwnedRef, ...]
    needs: Needs
    """The planned dependents, as they are on the source."""
    on_source: Found | None
    on_target: Found | None
    """The records."""
    occupant: Manifest | None
    """An object of that name on the target."""
    namespace_is_there: bool

    @property
    def records(self) -> tuple[Record, ...]:
        """What both clusters have written of the application."""
        founds = (self.on_source, self.on_target)
        return tuple(found.record for found in founds if found is not None)


async def look(fleet: Fleet, request: CaptureRequest) -> Sight:
    """All reads of a capture, side by side. Raises `SourceChanged`, and the first error of a read."""
    plan = request.plan
    app, kind = plan.application, plan.application.group_kind
    source, target = fleet.cluster(plan.source), fleet.cluster(plan.target)
    async with Together() as reads:
        seen = reads.begin(find_application(source, app))
        owned = reads.begin(
            owned_now(source, kind, app.namespace, plan.source_uid, request.health_rule)
        )
        family = reads.begin(family_of(source, app.namespace, plan.source_uid, closure_kinds(kind)))
        needs = reads.begin(find_all(source, [each.ref for each in plan.dependents]))
        on_source = reads.begin(read_for_staging(source, app))
        on_target = reads.begin(read_for_staging(target, app))
        occupant = reads.begin(find_application(target, app))
        # a dry run that passed has shown that it is there
        namespace = None if plan.dry_run else reads.begin(namespace_is_there(target, app.namespace))
    manifest = seen.result()
    if manifest is None or uid_of(manifest) != plan.source_uid:
        state = "gone" if manifest is None else "another object now"
        message = f"{app} on {plan.source} is {state}; the plan was made for uid {plan.source_uid}"
        raise SourceChanged(message)
    deeper = {each for way in looked_at_when_ill(kind, request.health_rule) for each in way}
    return Sight(
        manifest=manifest,
        owned=owned.result(),
        deeper=[each for each in family.result() if GroupKind.of(each) in deeper],
        closure=closure(plan.source_uid, family.result()),
        needs=needs.result(),
        on_source=on_source.result(),
        on_target=on_target.result(),
        occupant=occupant.result(),
        namespace_is_there=namespace is None or namespace.result(),
    )


def reconsidered(request: CaptureRequest, sight: Sight) -> NotNeeded | None:
    """Whether the plan that was made while tolerating still holds; `NotNeeded` if it is well again.

    Raises `PlanOutdated` where anything else has changed that a plan hangs on.
    """
    plan, policy = request.plan, request.policy
    records = sight.records
    if any(_is_ours(record, request) for record in records):
        return None  # an earlier attempt has decided, and has begun to write
    if any(record.is_open for record in records):
        raise PlanOutdated(f"another failover of {plan.application} has left its record open")
    if sight.occupant is not None:
        raise PlanOutdated(occupied_message(plan.target, sight.occupant))
    if (refusal := refusal_of(policy, sight.manifest, plan.source)) is not None:
        raise PlanOutdated(refusal.message)
    settle = policy.active.settle(owned=puts_back(sight.manifest)).total_seconds()
    if settle != plan.settle_seconds:
        raise PlanOutdated(f"{plan.application} on {plan.source} has another owner now")
    own = judge_by(request.health_rule)
    health = judge(sight.manifest, sight.owned, own, deeper=sight.deeper)
    return not_needed(policy, health)


def not_admitted(request: CaptureRequest, sight: Sight, now: datetime) -> Held | None:
    """Why the application's budget does not allow this move yet; `None` where it does, or need not."""
    if request.admitted or not request.check_pauses:
        return None
    budget, counted = request.policy.active.budget, counted_before(request, sight)
    found = admission(budget, counted, claim=request.claim, now=now)
    if found is None:
        return None
    where = addressed(request.plan.application)
    hint = f"To move it all the same: failover skip {where} --reason 'why'"
    return Held(reason=found.reason, message=f"{found.message}. {hint}", until=found.until)


def counted_before(request: CaptureRequest, sight: Sight) -> tuple[CountedMove, ...]:
    """The moves that count, as the plan and both records know them; not one that this one begins anew."""
    stands = ((each.generation, each.claim, each.is_open) for each in sight.records)
    known = merged(request.plan.counted, *(each.counted for each in sight.records))
    return without(known, cut_off(stands, request.claim))


def good_before(request: CaptureRequest, sight: Sight) -> StateGeneration | None:
    """The last good state, as the plan and both records know it."""
    return newest_good((request.plan.good, *(each.good for each in sight.records)))


def _is_ours(record: Record, request: CaptureRequest) -> bool:
    return record.is_open and record.claim == request.claim


def _look_of(request: CaptureRequest) -> Look:
    plan = request.plan
    return Look(
        application=plan.application,
        cluster=plan.source,
        uid=plan.source_uid,
        last=request.last,
        health_rule=request.health_rule,
        whose_fault=True,
    )
