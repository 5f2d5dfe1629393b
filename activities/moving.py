"""Capture, start, restore: the steps that bring copies into being."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from temporalio import activity

from activities.attempts import current_attempt, effect, may_write
from activities.dependents import create_dependents, movable, needs_on
from activities.seeing import closure_now, find_application
from activities.together import together
from activities.trying import dry_run
from failover.domain.errors import (
    AlreadyExists,
    Conflict,
    DefiniteError,
    FailoverError,
    NotFound,
    TransientError,
)
from failover.domain.identity import ApplicationRef
from failover.domain.manifest import (
    Manifest,
    digest,
    is_deleting,
    labels_of,
    namespace_of,
    spec_digest,
    uid_of,
)
from failover.domain.marks import GENERATION, Mark, mark_of, with_mark
from failover.domain.overrides.patching import escape
from failover.domain.planning import captured, occupied_message, original_of, rendered
from failover.domain.record import Move, Record, RecordDamaged, claim_of, generation_of
from failover.domain.steps import (
    CaptureAnswer,
    CaptureRequest,
    Claim,
    Held,
    RestoreRequest,
    Staged,
    Started,
    StartRequest,
)
from failover.domain.topology import ClusterFacts
from failover.fleet import Cluster, Fleet
from failover.pauses import Pauses
from failover.records import (
    Found,
    RecordMissing,
    Superseded,
    read_any,
    read_head,
    read_record,
    write_record,
)

SOURCE_LOOK_SECONDS = 1.0


class SourceChanged(DefiniteError):
    """The source's object is another one, or was edited, since the plan was made."""


class PlanOutdated(DefiniteError):
    """What was approved is not what would be moved now."""


class TargetRefused(DefiniteError):
    """The target would not take the copy as it is now."""


class TargetOccupied(DefiniteError):
    """An object of that name is on the target, and it is not ours."""


class SourceReappeared(DefiniteError):
    """Somebody has created the application again where it was purged."""


class SourceOccupied(DefiniteError):
    """Somebody else has created an object where the original has to be put back."""


@dataclass(frozen=True)
class Moving:
    """Writes on clusters, each time under the claim of the run."""

    fleet: Fleet
    pauses: Pauses

    @activity.defn
    @effect
    async def capture_and_stage(self, request: CaptureRequest) -> CaptureAnswer:
        """Capture the state and write the record on source and target; then prepare the target."""
        plan = request.plan
        if request.from_record:
            held_again = await self._held(request)
            return CaptureAnswer(answer=held_again or await self._stage_again(request))
        source, target = self.fleet.cluster(plan.source), self.fleet.cluster(plan.target)
        held, manifest = await asyncio.gather(
            self._held(request), self._source_object(source, request), return_exceptions=True
        )
        if isinstance(held, BaseException):
            raise held
        if held is not None:
            return CaptureAnswer(answer=held)
        if isinstance(manifest, BaseException):
            raise manifest
        labels = captured(request.policy, manifest, request.skipped_rules)
        needs, closure, *founds = await asyncio.gather(
            needs_on(source, request.policy, manifest),
            closure_now(source, manifest),
            _read_for_staging(source, plan.application),
            _read_for_staging(target, plan.application),
        )
        original = original_of(manifest, request.policy)
        move = Move(
            failover=request.failover,
            run=request.run,
            purge_mode=plan.purge_mode,
            source=plan.source,
            source_uid=uid_of(manifest),
            source_cluster_uid=plan.source_cluster_uid,
            target=plan.target,
            attempted=request.attempted,
            labels=labels,
            original=original,
            rendered=self._render(original, request, labels),
            dependents=movable(needs, request.failover),
            closure=closure,
        )
        as_planned = digest(move.rendered) == plan.manifest_digest
        if request.policy.active.mode == "Confirm" and not as_planned:
            raise PlanOutdated(f"{plan.application} or its state has changed since the approval")
        generation = await stage(
            ((source, founds[0]), (target, founds[1])),
            plan.application,
            request.claim,
            plan.generation_seen,
            move,
        )
        await create_dependents(target, request.policy, namespace_of(manifest), move.dependents)
        if not (as_planned and plan.dry_run):
            await self._try(target, request, move)
        return CaptureAnswer(
            answer=Staged(
                generation=generation,
                labels=labels,
                spec_digest=spec_digest(manifest),
                staged=(plan.source, plan.target),
            )
        )

    async def _held(self, request: CaptureRequest) -> Held | None:
        """The pause that covers this move, if any."""
        if not request.check_pauses:
            return None
        plan = request.plan
        pause = await self.pauses.covering(plan.application, (plan.source, plan.target))
        return Held(reason="Paused", message=str(pause)) if pause is not None else None

    async def _try(self, target: Cluster, request: CaptureRequest, move: Move) -> None:
        """What was captured differs from what was planned: the target is asked again."""
        try:
            await dry_run(target, move.rendered, request.failover, move.labels)
        except DefiniteError as error:
            raise TargetRefused(error.message) from error

    async def _source_object(self, source: Cluster, request: CaptureRequest) -> Manifest:
        plan = request.plan
        manifest = await find_application(source, plan.application)
        if manifest is None or uid_of(manifest) != plan.source_uid:
            state = "gone" if manifest is None else "another object now"
            raise SourceChanged(
                f"{plan.application} on {plan.source} is {state}; the plan was made for uid {plan.source_uid}"
            )
        return manifest

    def _render(
        self, original: Manifest, request: CaptureRequest, labels: dict[str, str]
    ) -> Manifest:
        return rendered(original, request.overrides, labels, self._facts(request.plan.target))

    def _facts(self, name: str) -> ClusterFacts:
        return next(each for each in self.fleet.facts if each.name == name)

    async def _stage_again(self, request: CaptureRequest) -> Staged:
        """Stage a move that is under way already: for another target, or taken over from another run."""
        plan = request.plan
        found = await self._open_records(plan.application)
        if not found:
            message = f"no cluster holds an open record of {plan.application}; abort, or replan to begin anew"
            raise RecordMissing(message)
        newest = max(found.values(), key=_progress)
        move = newest.record.move
        assert move is not None, "_open_records gives open ones only"
        ours = newest.record.claim == request.claim
        if not ours and newest.record.generation > plan.generation_seen:
            raise Superseded(
                f"generation {newest.record.generation} owns {plan.application} now; the plan saw {plan.generation_seen}"
            )
        moved = move.model_copy(
            update={
                "failover": request.failover,
                "run": request.run,
                "target": plan.target,
                "withdrawn": False,
                "lineage": move.lineage if ours else (*move.lineage, newest.record.generation),
                "attempted": tuple(dict.fromkeys((*move.attempted, *request.attempted))),
                "rendered": self._render(move.original, request, move.labels),
            }
        )
        names = dict.fromkeys((*(name for name in found), plan.source, plan.target))
        clusters = [self.fleet.cluster(name) for name in names]
        seen = newest.record.generation - 1 if ours else plan.generation_seen
        generation, staged = await stage_where_possible(
            clusters, plan.application, request.claim, seen, moved, required=plan.target
        )
        target = self.fleet.cluster(plan.target)
        await create_dependents(
            target, request.policy, namespace_of(moved.rendered), moved.dependents
        )
        return Staged(generation=generation, labels=moved.labels, staged=staged)

    async def _open_records(self, application: ApplicationRef) -> dict[str, Found]:
        async def read(name: str) -> tuple[str, Found | None]:
            try:
                return name, await read_record(self.fleet.cluster(name), application)
            except (TransientError, RecordDamaged):
                return name, None

        answers = await asyncio.gather(*(read(each.name) for each in self.fleet.facts))
        return {
            name: found for name, found in answers if found is not None and found.record.is_open
        }

    @activity.defn
    @effect
    async def start_on_target(self, request: StartRequest) -> Started:
        """Create the copy exactly as staged; our own copy there already means done."""
        cluster = self.fleet.cluster(request.cluster)
        record, _ = await together(
            read_any(self.fleet, (request.cluster,), request.claim), self._check_source(request)
        )
        move = record.move
        assert move is not None, "read_any answers with an open record only"
        if move.withdrawn or move.target != request.cluster:
            message = f"{request.cluster} was given up for {request.claim.application}; nothing starts there any more"
            raise RecordMissing(message)
        current_attempt().check()  # the claim was read with the record, just now and here
        return await create_copy(cluster, request.claim, move.rendered, move, TargetOccupied)

    async def _check_source(self, request: StartRequest) -> None:
        """Nothing may have come back where the original was purged; a source that is silent may have burnt."""
        if not request.purged_from:
            return
        app = request.claim.application
        try:
            async with asyncio.timeout(SOURCE_LOOK_SECONDS):
                there = await find_application(self.fleet.cluster(request.purged_from), app)
        except (FailoverError, TimeoutError):
            return  # it was seen gone before; what cannot be seen now must not keep the copy from starting
        if there is not None and not is_deleting(there):
            message = (
                f"{app} was purged from {request.purged_from}, and somebody has created it there again (uid "
                f"{uid_of(there)}); nothing is started beside it. Find out who (failover doctor), stop it and delete the "
                "object, then retry"
            )
            raise SourceReappeared(message)

    @activity.defn
    @effect
    async def restore_source(self, request: RestoreRequest) -> Started:
        """Put the original back, with its state on it, unless it never went away."""
        cluster = self.fleet.cluster(request.cluster)
        application = request.claim.application
        names = dict.fromkeys((request.cluster, *(each.name for each in self.fleet.facts)))
        record = await read_any(self.fleet, names, request.claim)
        move = record.move
        assert move is not None, "read_any answers with an open record only"
        there = await find_application(cluster, application)
        if there is not None and uid_of(there) == request.uid:
            return Started(uid=request.uid, created=False)
        original = move.original
        if move.labels:
            metadata = {**original["metadata"], "labels": {**labels_of(original), **move.labels}}
            original = {**original, "metadata": metadata}
        await may_write(cluster, request.claim)
        return await create_copy(cluster, request.claim, original, move, SourceOccupied)


def _progress(found: Found) -> tuple[int, int]:
    """How far the move of an open record had come; a cluster that was away may hold an earlier stand."""
    move = found.record.move
    return found.record.generation, len(move.attempted) if move else 0


async def create_copy(
    cluster: Cluster,
    claim: Claim,
    manifest: Manifest,
    move: Move,
    occupied: type[DefiniteError],
) -> Started:
    """Create the object with our mark, the claim having been read right before.

    It being there with our mark means done; anything else is in the way.
    """
    mark = Mark(failover=claim.failover, generation=claim.generation, state=move.labels)
    try:
        created = await cluster.create(with_mark(manifest, mark))
        return Started(uid=uid_of(created), created=True)
    except AlreadyExists:
        there = await find_application(cluster, claim.application)
    if there is None:
        raise Conflict(
            f"{claim.application} on {cluster.name} was there and is not any more; looked at again"
        )
    if is_of(there, claim, move):
        await _take_over(cluster, there, claim)
        return Started(uid=uid_of(there), created=False)
    raise occupied(occupied_message(cluster.name, there))


def is_of(manifest: Manifest, claim: Claim, move: Move) -> bool:
    """Whether this copy was created by this move, by us or by a run that we took over from."""
    mark = mark_of(manifest)
    if mark is None or mark.failover != claim.failover:
        return False
    return mark.generation in {claim.generation, *move.lineage}


async def _take_over(cluster: Cluster, there: Manifest, claim: Claim) -> None:
    """Put our generation on a copy of the run that we took over from."""
    mark = mark_of(there)
    if mark is None or mark.generation == claim.generation:
        return
    path = f"/metadata/annotations/{escape(GENERATION)}"
    operations = [
        {"op": "test", "path": "/metadata/uid", "value": uid_of(there)},
        {"op": "test", "path": path, "value": str(mark.generation)},
        {"op": "replace", "path": path, "value": str(claim.generation)},
    ]
    app = claim.application
    await may_write(cluster, claim)
    await cluster.patch(app.group_kind, app.namespace, app.name, operations)


async def stage(
    targets: Iterable[tuple[Cluster, Found | None]],
    application: ApplicationRef,
    claim: str,
    generation_seen: int,
    move: Move,
) -> int:
    """Write the record over what was found on these clusters, side by side; all or an error."""
    targets = tuple(targets)
    generation = _next_generation(
        [found for _, found in targets], application, claim, generation_seen
    )
    record = Record(
        application=application,
        generation=generation,
        claim=claim,
        home=move.source,
        state=move.labels,
        move=move,
    )
    await asyncio.gather(*(_write_unless_same(each, record, found) for each, found in targets))
    return generation


async def stage_where_possible(
    clusters: Iterable[Cluster],
    application: ApplicationRef,
    claim: str,
    generation_seen: int,
    move: Move,
    *,
    required: str,
) -> tuple[int, tuple[str, ...]]:
    """Write the record on every one of these that answers; the required one has to."""
    clusters = tuple(clusters)

    async def read(cluster: Cluster) -> Found | FailoverError | None:
        try:
            return await _read_for_staging(cluster, application)
        except TransientError as error:
            if cluster.name == required:
                raise
            return error

    founds = await asyncio.gather(*(read(each) for each in clusters))
    answered = [
        (cluster, found)
        for cluster, found in zip(clusters, founds, strict=True)
        if not isinstance(found, FailoverError)
    ]
    generation = _next_generation(
        [found for _, found in answered], application, claim, generation_seen
    )
    record = Record(
        application=application,
        generation=generation,
        claim=claim,
        home=move.source,
        state=move.labels,
        move=move,
    )
    staged = await asyncio.gather(
        *(_write_if_it_answers(cluster, record, found, required) for cluster, found in answered)
    )
    return generation, tuple(name for name in staged if name)


async def _write_if_it_answers(
    cluster: Cluster, record: Record, found: Found | None, required: str
) -> str:
    try:
        await _write_unless_same(cluster, record, found)
    except (TransientError, NotFound):
        if cluster.name == required:
            raise
        return ""
    return cluster.name


async def _read_for_staging(cluster: Cluster, application: ApplicationRef) -> Found | None:
    try:
        return await read_record(cluster, application)
    except RecordDamaged:
        # a torn record of an earlier run: its annotations are whole, and its data is written anew
        head = await read_head(cluster, application)
        if head is None:
            return None
        bare = Record(application=application, generation=generation_of(head), claim=claim_of(head))
        return Found(bare, head)


def _next_generation(
    founds: Iterable[Found | None], application: ApplicationRef, claim: str, generation_seen: int
) -> int:
    """Ours if we were here before; else one more than the highest that anybody has seen."""
    present = [found.record for found in founds if found is not None]
    mine = [record.generation for record in present if record.claim == claim]
    if mine:
        return max(mine)
    newest = max((record.generation for record in present), default=0)
    if newest > generation_seen:
        message = f"generation {newest} of {application} appeared after the plan, which saw {generation_seen}: another run is at work"
        raise Superseded(message)
    return generation_seen + 1


async def _write_unless_same(cluster: Cluster, record: Record, found: Found | None) -> None:
    if found is not None and found.record == record:
        return
    current_attempt().check()
    await write_record(cluster, record, found.head if found else None)
