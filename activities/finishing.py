"""The end of a move: labels off, nothing left over, the record closed.

A cluster that the application has left keeps none of the dependents that we created there: neither its
source, if an earlier move had brought them, nor a target that was begun and given up. It keeps a notice
of where the application lives.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from temporalio import activity

from activities.attempts import effect, seconds_before_this_attempt, still_as_read
from activities.lanes import Lanes
from activities.moving import SourceReappeared
from activities.noticing import leave_notice, remove_notice
from activities.purging import close_record
from activities.releasing import release
from activities.seeing import find_application
from activities.sweeping import sweep
from failover.domain.errors import TransientError
from failover.domain.manifest import annotations_of, is_deleting, uid_of
from failover.domain.marks import SUPERSEDED_BY
from failover.domain.notice import Notice
from failover.domain.overrides.patching import escape
from failover.domain.steps import Finished, FinishRequest, ReleaseRequest
from failover.fleet import Cluster, Fleet
from failover.records import (
    Found,
    RecordMissing,
    Superseded,
    check_claim,
    read_record,
    verify_claim,
)

TRY_AGAIN_SECONDS = 2.0


@dataclass(frozen=True)
class Finishing:
    """Tidies up under the claim of the run."""

    fleet: Fleet
    lanes: Lanes

    @activity.defn
    @effect
    async def release_labels(self, request: ReleaseRequest) -> None:
        """Take exactly our labels off our copy; a mismatch means released already, or newer: success."""
        cluster, claim = self.fleet.cluster(request.cluster), request.claim
        await release(
            cluster,
            claim.application,
            request.uid,
            request.labels,
            {claim.generation},
            lambda: check_claim(cluster, claim),
        )

    @activity.defn
    @effect
    async def finish(self, request: FinishRequest) -> Finished:
        """Look at every cluster that had a copy, tidy up there, close the record. What does not answer is listed."""
        try:
            return await self._finish(request)
        finally:
            self.lanes.leave(request.claim.failover)

    async def _finish(self, request: FinishRequest) -> Finished:
        loop = asyncio.get_running_loop()
        until = loop.time() + request.leftovers_after_seconds - seconds_before_this_attempt()
        todo, leftovers = list(request.clusters), list[str]()
        while True:
            found = await asyncio.gather(*(self._finish_on(name, request) for name in todo))
            leftovers += [
                each for told in found if not isinstance(told, TransientError) for each in told
            ]
            failed = [
                (name, error)
                for name, error in zip(todo, found, strict=True)
                if isinstance(error, TransientError)
            ]
            todo = [name for name, _ in failed]
            if not todo or loop.time() >= until:
                unclosed = [
                    f"{name}: the record is still open there ({error.message})"
                    for name, error in failed
                ]
                return Finished(leftovers=(*leftovers, *unclosed))
            await asyncio.sleep(TRY_AGAIN_SECONDS)

    async def _finish_on(
        self, name: str, request: FinishRequest
    ) -> TransientError | tuple[str, ...]:
        """What is left over there, if anything; the error of a cluster that does not answer."""
        try:
            return await self._tidy(self.fleet.cluster(name), request)
        except TransientError as error:
            return error

    async def _tidy(self, cluster: Cluster, request: FinishRequest) -> tuple[str, ...]:
        app = request.claim.application
        found = await read_record(cluster, app)
        if not self._is_ours(found, request, cluster.name):
            return await self._close_older(cluster, found, request)
        assert found is not None, "_is_ours refuses a missing record"
        manifest = await find_application(cluster, app)
        left_in_place = request.purge_mode == "Never" and cluster.name == request.source
        left_over = list[str]()
        if manifest is not None and cluster.name != request.home and not left_in_place:
            if not is_deleting(manifest):
                message = (
                    f"{app} lives on {request.home} now, but it is on {cluster.name} again (uid {uid_of(manifest)}): find out who "
                    "created it (failover doctor), stop that and delete the object, then retry"
                )
                raise SourceReappeared(message)
            # only a person who declared it gone lets it come to this
            left_over.append(
                f"{cluster.name}: the old copy was declared gone, and is still being deleted there"
            )
        if request.mark_superseded and left_in_place and manifest is not None:
            await self._mark_superseded(cluster, request)
        if cluster.name != request.home and not left_in_place and found.record.move is not None:
            left_over += await sweep(
                cluster,
                app,
                found.record.move.dependents,
                lambda: check_claim(cluster, request.claim),
            )
        if not left_in_place:
            left_over += await self._notify(cluster, found.record.generation, request)
        await close_record(cluster, found, home=request.home)
        return tuple(left_over)

    async def _notify(
        self, cluster: Cluster, generation: int, request: FinishRequest
    ) -> tuple[str, ...]:
        """Say where the application lives, wherever that is elsewhere."""
        app, home = request.claim.application, request.home

        async def allowed() -> None:
            await check_claim(cluster, request.claim)

        if cluster.name == home:
            return await remove_notice(cluster, app, generation, allowed)
        came = activity.info().scheduled_time if home != request.source else None
        notice = Notice(application=app, home=home, generation=generation, since=came)
        return await leave_notice(cluster, notice, allowed)

    def _is_ours(self, found: Found | None, request: FinishRequest, cluster: str) -> bool:
        """A record that is gone or newer needs nothing more from us, except where we live."""
        try:
            verify_claim(found.head if found else None, request.claim, cluster)
        except RecordMissing:
            return False
        except Superseded:
            if cluster == request.home:
                raise
            return False
        return True

    async def _close_older(
        self, cluster: Cluster, found: Found | None, request: FinishRequest
    ) -> tuple[str, ...]:
        """An earlier move was cut off, and its record is open still where we have nothing to do."""
        app, generation = request.claim.application, request.claim.generation
        if found is None or found.record.move is None or cluster.name == request.home:
            return ()
        if found.record.generation >= generation:
            return ()  # newer than we: whoever that is closes it
        unchanged = still_as_read(cluster, app, found.head)
        left_over = await sweep(cluster, app, found.record.move.dependents, unchanged)
        notice = Notice(application=app, home=request.home, generation=generation)
        left_over += await leave_notice(cluster, notice, unchanged)
        await close_record(cluster, found, home=request.home)
        return left_over

    async def _mark_superseded(self, cluster: Cluster, request: FinishRequest) -> None:
        app = request.claim.application
        manifest = await find_application(cluster, app)
        if manifest is None or uid_of(manifest) != request.source_uid:
            return
        annotations = annotations_of(manifest)
        value = f"{request.home}/{request.claim.generation}"
        if annotations.get(SUPERSEDED_BY) == value:
            return
        operations: list[dict[str, object]] = [
            {"op": "test", "path": "/metadata/uid", "value": request.source_uid}
        ]
        if not annotations:
            operations.append({"op": "add", "path": "/metadata/annotations", "value": {}})
        operations.append(
            {
                "op": "add",
                "path": f"/metadata/annotations/{escape(SUPERSEDED_BY)}",
                "value": value,
            }
        )
        await check_claim(cluster, request.claim)
        await cluster.patch(app.group_kind, app.namespace, app.name, operations)
