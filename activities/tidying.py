"""Tidying up after a failover that was cut off when nothing was left to do but that.

A run that was terminated after its last change leaves labels on the copy and records open. The next
run of the application takes it over where something is left to be moved (`Adoption`). Where nothing
is, this closes it:

- Only while the application lives on one cluster, healthy: before that its labels may be needed, and
  the record may be.
- Only what the planner would not take over, judged anew from what is there now.
- The closed record gets a generation and a claim of this run, so that whoever of the old run still
  hangs somewhere finds himself superseded. The home comes last: while its record is open, the next run
  looks again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from temporalio import activity

from activities.adopting import adoption_of
from activities.attempts import effect, still_as_read
from activities.looking import Snapshot, look_everywhere
from activities.noticing import leave_notice, remove_notice
from activities.releasing import release
from activities.seeing import health_now
from activities.sweeping import sweep
from failover.domain.errors import Conflict, FailoverError
from failover.domain.health import HealthStatus
from failover.domain.identity import ApplicationRef
from failover.domain.manifest import Manifest, is_deleting, uid_of
from failover.domain.marks import mark_of, superseded_by
from failover.domain.notice import Notice
from failover.domain.record import Record, RecordDamaged, bare
from failover.domain.steps import Finished, PlanRequest
from failover.fleet import Cluster, Fleet
from failover.records import Found, read_head, read_record, write_record


@dataclass(frozen=True)
class Tidying:
    """Writes only where nobody has anything left to do."""

    fleet: Fleet

    @activity.defn
    @effect
    async def tidy_interrupted(self, request: PlanRequest) -> Finished:
        """Take the labels off a copy that lives on, and close the records of the move that was cut off."""
        snapshot = await look_everywhere(self.fleet, request.application)
        copy = _only_copy(snapshot, request.source)
        if copy is None or not await self._is_settled(request, snapshot, copy):
            return Finished()
        opened = [name for name, _ in snapshot.open_heads("")]
        others = [name for name in opened if name != request.source]
        told = await asyncio.gather(
            *(self._close(name, request, snapshot, copy) for name in others)
        )
        if request.source in opened:
            told.append(await self._close(request.source, request, snapshot, copy))
        return Finished(leftovers=tuple(each for found in told for each in found))

    async def _is_settled(self, request: PlanRequest, snapshot: Snapshot, copy: Manifest) -> bool:
        """Whether nothing is left to be moved or put back, and the copy is well."""
        try:
            if await adoption_of(self.fleet, request, snapshot) is not None:
                return False
            health = await health_now(self.fleet.cluster(request.source), copy)
        except FailoverError:
            return False  # the run that has to deal with it will say so
        return health.status is HealthStatus.HEALTHY

    async def _close(
        self, name: str, request: PlanRequest, snapshot: Snapshot, copy: Manifest
    ) -> tuple[str, ...]:
        """Close the record there; what is left over, as sentences that name the cluster."""
        try:
            return await self._tidy(self.fleet.cluster(name), request, snapshot, copy)
        except Conflict:
            raise  # somebody is at work there: look at all of it again
        except FailoverError as error:
            message = f"{name}: the record of an interrupted failover is still open there ({error.message})"
            return (message,)

    async def _tidy(
        self, cluster: Cluster, request: PlanRequest, snapshot: Snapshot, copy: Manifest
    ) -> tuple[str, ...]:
        application = request.application
        found = await _read(cluster, application)
        if found is None:
            return ()
        record, may_write = found.record, still_as_read(cluster, application, found.head)
        generation, home = snapshot.generation_seen + 1, request.source
        if cluster.name != home:
            dependents = record.move.dependents if record.move else ()
            left_over = await sweep(cluster, application, dependents, may_write)
            notice = Notice(application=application, home=home, generation=generation)
            left_over += await leave_notice(cluster, notice, may_write)
        else:
            if (mark := mark_of(copy)) is not None:
                await release(
                    cluster, application, uid_of(copy), mark.state, {mark.generation}, may_write
                )
            left_over = await remove_notice(cluster, application, generation, may_write)
        closed = Record(
            application=application,
            generation=generation,
            claim=f"{activity.info().workflow_run_id}.tidied",
            home=home,
            state=record.state,
            counted=record.counted,
            good=record.good,
            standing=record.standing,
        )
        await write_record(cluster, closed, found.head)
        return left_over


def _only_copy(snapshot: Snapshot, home: str) -> Manifest | None:
    """The application, if this cluster has it and no other one that was seen."""
    others = [
        each
        for name, each in snapshot.objects.items()
        if each is not None and name != home and superseded_by(each) is None
    ]
    there = snapshot.objects.get(home)
    return None if others or there is None or is_deleting(there) else there


async def _read(cluster: Cluster, application: ApplicationRef) -> Found | None:
    try:
        return await read_record(cluster, application)
    except RecordDamaged:
        head = await read_head(cluster, application)
        if head is None:
            return None
        return Found(bare(application, head), head)
