"""Taking away the dependents that we created on a cluster and that nobody needs there any more.

Rules kept here:
- Only what carries our creation mark goes, and only if nobody else has written to it since.
- What anything in its namespace refers to stays, and so does what another move that is under way has
  in its record: its copy may start, or be put back, at any moment.
- In doubt it stays: where kinds cannot be listed, a record is torn, or a delete is refused. That is
  told, as is a volume claim, which is never taken away since its data was not moved.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from failover.domain.dependents import dependents_of
from failover.domain.errors import DefiniteError, NotFound, UnknownKind
from failover.domain.identity import ApplicationRef, GroupKind, ObjectRef
from failover.domain.manifest import Manifest, resource_version_of, uid_of
from failover.domain.referrers import (
    REFERRING_KINDS,
    is_ours_alone,
    is_removable,
    unreferred,
)
from failover.fleet import Cluster
from failover.records import moves_under_way

Guard = Callable[[], Awaitable[object]]
"""Called right before each delete: raises unless this run may still write there."""


async def sweep(
    cluster: Cluster, application: ApplicationRef, dependents: Iterable[Manifest], may_write: Guard
) -> tuple[str, ...]:
    """Take away what is ours and not needed; what stays in doubt, as sentences that name the cluster."""
    ours = await _ours(cluster, dependents)
    if not ours:
        return ()
    try:
        unneeded = await _unneeded(cluster, application, ours)
    except DefiniteError as error:
        return (_stays(cluster, ours, f"it cannot be told whether it is needed: {error.message}"),)
    told: list[str] = []
    for ref in sorted(unneeded, key=str):
        if not is_removable(ref):
            told.append(_stays(cluster, (ref,), "delete it if its data is not needed"))
            continue
        await may_write()
        try:
            await _delete(cluster, ref, ours[ref])
        except NotFound:
            continue
        except DefiniteError as error:
            told.append(_stays(cluster, (ref,), error.message))
    return tuple(told)


async def _ours(cluster: Cluster, dependents: Iterable[Manifest]) -> dict[ObjectRef, Manifest]:
    refs = [ObjectRef.of(each) for each in dependents]
    found = await asyncio.gather(
        *(cluster.find(each.group_kind, each.namespace, each.name) for each in refs)
    )
    there = {ref: each for ref, each in zip(refs, found, strict=True) if each is not None}
    return {ref: each for ref, each in there.items() if is_ours_alone(each)}


async def _unneeded(
    cluster: Cluster, application: ApplicationRef, ours: Iterable[ObjectRef]
) -> frozenset[ObjectRef]:
    """Of these, the ones that nothing refers to. The objects are listed last: a move writes its record first."""
    namespace = application.namespace
    moves = await moves_under_way(cluster, namespace, but=application)
    held = [ObjectRef.of(each) for move in moves for each in move.dependents]
    held += [ref for move in moves for ref in dependents_of(move.original)]
    lists = await asyncio.gather(*(_all_of(cluster, kind, namespace) for kind in REFERRING_KINDS))
    return unreferred(ours, (each for found in lists for each in found), held)


async def _all_of(cluster: Cluster, kind: GroupKind, namespace: str) -> list[Manifest]:
    try:
        return await cluster.list(kind, namespace)
    except UnknownKind:
        return []  # a kind that the cluster does not serve has no objects there


async def _delete(cluster: Cluster, ref: ObjectRef, there: Manifest) -> None:
    await cluster.delete(
        ref.group_kind,
        ref.namespace,
        ref.name,
        uid=uid_of(there),
        resource_version=resource_version_of(there),
    )


def _stays(cluster: Cluster, refs: Iterable[ObjectRef], why: str) -> str:
    names = ", ".join(sorted(str(each) for each in refs))
    return f"{cluster.name}: {names}, created there by a failover, stays: {why}"
