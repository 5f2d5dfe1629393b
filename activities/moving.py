"""Start and restore: the steps that bring copies into being."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from temporalio import activity

from activities.attempts import effect
from activities.lanes import Lanes
from activities.seeing import find_application
from activities.together import Together
from failover.domain.errors import (
    AlreadyExists,
    Conflict,
    DefiniteError,
    FailoverError,
)
from failover.domain.manifest import (
    Manifest,
    is_deleting,
    labels_of,
    uid_of,
)
from failover.domain.marks import GENERATION, Mark, mark_of, with_mark
from failover.domain.overrides.patching import escape
from failover.domain.planning import occupied_message
from failover.domain.record import Move
from failover.domain.steps import (
    Claim,
    RestoreRequest,
    Started,
    StartRequest,
)
from failover.fleet import Cluster, Fleet
from failover.records import (
    RecordMissing,
    check_claim,
    read_any,
)

SOURCE_LOOK_SECONDS = 1.0


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
    lanes: Lanes

    @activity.defn
    @effect
    async def start_on_target(self, request: StartRequest) -> Started:
        """Create the copy exactly as staged; our own copy there already means done."""
        try:
            return await self._start(request)
        finally:
            self.lanes.leave(request.claim.failover)

    async def _start(self, request: StartRequest) -> Started:
        cluster = self.fleet.cluster(request.cluster)
        async with Together() as reads:
            read = reads.begin(read_any(self.fleet, (request.cluster,), request.claim))
            reads.begin(self._check_source(request))
        move = read.result().move
        assert move is not None, "read_any answers with an open record only"
        if move.withdrawn or move.target != request.cluster:
            message = (
                f"the record of {request.claim.application} on {request.cluster} says that this cluster was given up for it; "
                "nothing starts there any more. Replan to have a target chosen by the record"
            )
            raise RecordMissing(message)
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
        await check_claim(cluster, request.claim)
        return await create_copy(cluster, request.claim, original, move, SourceOccupied)


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
    await check_claim(cluster, claim)
    await cluster.patch(app.group_kind, app.namespace, app.name, operations)
