"""The standing record: the last good state of an application, on its home and on one other cluster.

By no claim, so only over closed records exactly as they were read: whoever stages a move at the same time
wins, and a move that is open is not touched. The other cluster gets the application's manifest too. It goes
from cluster to cluster and never through Temporal.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from activities.looking import Snapshot, look_everywhere
from failover.domain.application import KeepAnswer, KeepRequest, KeptState
from failover.domain.errors import Conflict, FailoverError, TransientError
from failover.domain.identity import ApplicationRef
from failover.domain.manifest import Manifest
from failover.domain.planning import original_of
from failover.domain.record import (
    CHUNK_BYTES,
    Record,
    generation_of,
    home_of,
    is_open,
    packed_manifest,
)
from failover.domain.selection import candidates
from failover.domain.states import values_of
from failover.fleet import Cluster, Fleet
from failover.records import read_record, write_record


@dataclass(frozen=True)
class _Good:
    """What is to be written, and what was seen just before."""

    request: KeepRequest
    generation: int
    """The highest of its moves on any cluster that answered."""
    told: str
    """Where it lives by the newest record: records of one generation say the same."""
    manifest: Manifest


async def keep(fleet: Fleet, request: KeepRequest) -> KeepAnswer:
    """Write it on the home, and on the first other cluster that takes it."""
    snapshot = await look_everywhere(fleet, request.application)
    manifest = snapshot.objects.get(request.home)
    if (why := _why_not(request, snapshot, manifest)) or manifest is None:
        return KeepAnswer(why=why)
    newest = max(snapshot.heads.values(), key=generation_of, default=None)
    told = home_of(newest) if newest is not None else ""
    good = _Good(request, snapshot.generation_seen, told or request.home, manifest)
    try:
        await _write(fleet.cluster(request.home), good, with_manifest=False)
    except TransientError as error:
        return KeepAnswer(why=f"{request.home}: {error.message}")
    others = candidates(request.policy, fleet.facts, source=request.home, tried=frozenset())
    refusals: list[str] = []
    for name in others:
        try:
            await _write(fleet.cluster(name), good, with_manifest=True)
        except FailoverError as error:
            refusals.append(f"{name}: {error.message}")
        else:
            kept = KeptState(number=request.good.number, home=request.home, elsewhere=name)
            return KeepAnswer(kept=kept)
    if refusals:
        return KeepAnswer(why="; ".join(refusals))
    kept = KeptState(number=request.good.number, home=request.home)
    return KeepAnswer(kept=kept, why="the policy knows no other cluster")


def _why_not(request: KeepRequest, snapshot: Snapshot, manifest: Manifest | None) -> str:
    """Why nothing is written; empty where it may be."""
    if manifest is None:
        return f"{request.application} is not to be seen on {request.home} now"
    if any(is_open(head) for head in snapshot.heads.values()):
        return f"a move of {request.application} is under way"
    if snapshot.generation_seen > request.generation:
        return f"generation {snapshot.generation_seen} is on the clusters"
    if values_of(request.policy.active.rules, manifest) != request.good.labels:
        return "its state has changed"
    if snapshot.good is not None and snapshot.good.number > request.good.number:
        return f"state generation {snapshot.good.number} is on the clusters"
    return ""


async def _write(cluster: Cluster, good: _Good, *, with_manifest: bool) -> None:
    """Write it there, unless a move is open. Raises `Conflict`, and what the cluster raises."""
    request = good.request
    found = await read_record(cluster, request.application)
    if found is not None and found.record.is_open:
        raise Conflict(f"a move of {request.application} is open on {cluster.name}")
    before = found.record if found is not None else None
    record = before or Record(
        application=request.application, generation=good.generation, home=good.told
    )
    standing = original_of(good.manifest, request.policy) if with_manifest else None
    if standing is not None and len(packed_manifest(standing)) > CHUNK_BYTES:
        standing = None  # the values are worth keeping without it
    wanted = record.model_copy(update={"good": request.good, "standing": standing})
    if wanted == before:
        return
    await write_record(cluster, wanted, found.head if found is not None else None)


async def forget(fleet: Fleet, application: ApplicationRef) -> None:
    """Take it out of the records again, where they answer: nobody looks after it any more, so it grows old."""
    for each in fleet.facts:
        with suppress(
            FailoverError
        ):  # it is then told with its age, in the plan of whoever moves it
            await _forget_on(fleet.cluster(each.name), application)


async def _forget_on(cluster: Cluster, application: ApplicationRef) -> None:
    found = await read_record(cluster, application)
    if found is None or found.record.is_open or found.record.good is None:
        return
    emptied = found.record.model_copy(update={"good": None, "standing": None})
    await write_record(cluster, emptied, found.head)
