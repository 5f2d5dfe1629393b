"""Taking copies away, and seeing them gone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from temporalio import activity

from activities.attempts import current_attempt, effect, seconds_before_this_attempt
from activities.capturing import SourceChanged
from activities.gone import Closing, check_same_cluster, remove_finalizer
from activities.moving import SourceReappeared, is_of
from activities.seeing import find_application
from activities.sweeping import sweep
from activities.together import Together
from failover.domain.errors import Conflict, DefiniteError, NotFound, TransientError
from failover.domain.identity import GroupKind
from failover.domain.manifest import (
    Manifest,
    is_deleting,
    name_of,
    namespace_of,
    resource_version_of,
    spec_digest,
    uid_of,
)
from failover.domain.planning import captured
from failover.domain.record import Record
from failover.domain.steps import Purged, PurgeRequest, WithdrawRequest
from failover.fleet import Cluster, Fleet
from failover.records import (
    Found,
    RecordMissing,
    check_claim,
    raise_if_over,
    read_record,
    verify_claim,
    write_record,
)

DELETE_TRIES = 5
SETTLE_LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Purging:
    """Deletes, each with uid and resourceVersion, under the claim of the run."""

    fleet: Fleet

    @activity.defn
    @effect
    async def purge_source(self, request: PurgeRequest) -> Purged:
        """Delete the source's copy, and return once it and all it owned are confirmed gone."""
        cluster = self.fleet.cluster(request.cluster)
        attempt = current_attempt()
        attempt.delete_accepted = activity.info().attempt > 1  # a lost worker counts as accepted
        application = request.claim.application
        deleted = False
        async with Closing(cluster, application, request.uid, ()) as closing:
            async with Together() as reads:  # in one round, right before the delete
                reads.begin(check_same_cluster(cluster, request.cluster_uid))
                seen = reads.begin(find_application(cluster, application))
                read = reads.begin(_our_record(cluster, request))
                reads.begin(closing.learn())
            manifest, found = seen.result(), read.result()
            raise_if_over(found, request.claim, cluster.name)
            ours = manifest is not None and uid_of(manifest) == request.uid
            closing.know(found.record.move.closure if found.record.move else ())
            if manifest is None or not ours:
                attempt.delete_accepted = True
            elif is_deleting(manifest):
                attempt.delete_accepted = True
                await self._maybe_remove_finalizer(
                    cluster, manifest, request.remove_finalizer, closing
                )
            else:
                attempt.delete_accepted = False
                await self._delete(cluster, request, manifest)
                deleted = True
            there = await closing.wait(request.gone_within_seconds - seconds_before_this_attempt())
        await self._settle(cluster, request, there)
        return Purged(deleted=deleted, closure=closing.count)

    async def _delete(self, cluster: Cluster, request: PurgeRequest, manifest: Manifest) -> None:
        """Delete what was captured, the claim having been read just now; after a conflict it is read again."""
        for _ in range(DELETE_TRIES):
            self._check_unchanged(request, manifest)
            try:
                await _delete_exactly(cluster, request, manifest)
            except NotFound:
                return
            except Conflict:
                again = await find_application(cluster, request.claim.application)
                if again is None or uid_of(again) != request.uid:
                    return
                manifest = again
                await check_claim(cluster, request.claim)
            else:
                return
        raise Conflict(
            f"{request.claim.application} on {cluster.name} changes faster than it can be deleted"
        )

    def _check_unchanged(self, request: PurgeRequest, manifest: Manifest) -> None:
        """An edit, or new state, since the capture sends the run back: what was captured is not what would be lost."""
        if request.spec_digest and spec_digest(manifest) != request.spec_digest:
            raise SourceChanged(
                f"{request.claim.application} on {request.cluster} was edited after its capture"
            )
        if not request.compare_state:
            return
        wanted = [
            rule for rule in request.policy.active.rules if rule.alias_label_name in request.labels
        ]
        skipped = {rule.alias_label_name for rule in request.policy.active.rules} - {
            rule.alias_label_name for rule in wanted
        }
        if captured(request.policy, manifest, skipped) != request.labels:
            raise SourceChanged(
                f"the state of {request.claim.application} on {request.cluster} changed after its capture"
            )

    async def _maybe_remove_finalizer(
        self, cluster: Cluster, manifest: Manifest, finalizer: str, closing: Closing
    ) -> None:
        if finalizer:
            await remove_finalizer(cluster, manifest, finalizer, closing)

    async def _settle(
        self, cluster: Cluster, request: PurgeRequest, there: Manifest | None
    ) -> None:
        """Gone, as just seen, and still gone after the settling time."""
        loop = asyncio.get_running_loop()
        until = loop.time() + request.settle_seconds
        while True:
            if there is not None:
                message = (
                    f"{request.claim.application} was purged from {cluster.name}, and somebody has created it there again "
                    f"(uid {uid_of(there)}). Find out who (failover doctor), stop it and delete the object, then retry"
                )
                raise SourceReappeared(message)
            left = until - loop.time()
            if left <= 0:
                return
            await asyncio.sleep(min(left, SETTLE_LOOK_SECONDS))
            there = await find_application(cluster, request.claim.application)

    @activity.defn
    @effect
    async def withdraw_target(self, request: WithdrawRequest) -> Purged:
        """Take our copy off a target, see it gone, remove what we created for it.

        The record stays open there: should the source have burnt, it is the only one left.
        """
        cluster = self.fleet.cluster(request.cluster)
        application = request.claim.application
        try:
            found = await _our_record(cluster, request)
        except RecordMissing:
            if request.claim.generation:
                raise
            return Purged(deleted=False)  # the capture never came as far as this cluster
        move = found.record.move
        if move is None:
            return Purged(deleted=False)  # closed before
        manifest = await find_application(cluster, application)
        deleted = False
        closure = 0
        if manifest is not None and is_of(manifest, request.claim, move):
            async with Closing(cluster, application, uid_of(manifest), ()) as closing:
                await closing.learn()
                if is_deleting(manifest):
                    await self._maybe_remove_finalizer(
                        cluster, manifest, request.remove_finalizer, closing
                    )
                else:
                    await check_claim(cluster, request.claim)
                    await _delete_now(cluster, application.group_kind, manifest)
                    deleted = True
                await closing.wait(request.gone_within_seconds - seconds_before_this_attempt())
                closure = closing.count
        await sweep(  # what stays is told in the end, when every cluster is looked at once more
            cluster, application, move.dependents, lambda: check_claim(cluster, request.claim)
        )
        if not move.withdrawn:
            await check_claim(cluster, request.claim)
            given_up = found.record.model_copy(
                update={"move": move.model_copy(update={"withdrawn": True})}
            )
            await write_record(cluster, given_up, found.head)
        return Purged(deleted=deleted, closure=closure)


async def _our_record(cluster: Cluster, request: PurgeRequest | WithdrawRequest) -> Found:
    found = await read_record(cluster, request.claim.application)
    verify_claim(found.head if found else None, request.claim, cluster.name)
    assert found is not None, "verify_claim refuses a missing record"
    return found


async def close_record(cluster: Cluster, found: Found, *, home: str) -> None:
    """Empty the record of its move; all else stays, the last good state among it."""
    record = found.record
    closed = Record(
        application=record.application,
        generation=record.generation,
        claim=record.claim,
        home=home,
        state=record.state,
        counted=record.counted,
        good=record.good,
        standing=record.standing,
    )
    if closed == record:
        return
    await write_record(cluster, closed, found.head)


async def _delete_exactly(cluster: Cluster, request: PurgeRequest, manifest: Manifest) -> None:
    """One delete, and the truth about it: without a definite answer it counts as accepted."""
    attempt = current_attempt()
    app = request.claim.application
    attempt.delete_accepted = True
    try:
        await cluster.delete(
            app.group_kind,
            app.namespace,
            app.name,
            uid=uid_of(manifest),
            resource_version=resource_version_of(manifest),
        )
    except TransientError as error:
        attempt.delete_accepted = not isinstance(error, Conflict)
        raise
    except NotFound:
        raise
    except DefiniteError:
        attempt.delete_accepted = False
        raise


async def _delete_now(cluster: Cluster, kind: GroupKind, manifest: Manifest) -> None:
    try:
        await cluster.delete(kind, namespace_of(manifest), name_of(manifest), uid=uid_of(manifest))
    except NotFound:
        return  # gone already; the wait confirms it
