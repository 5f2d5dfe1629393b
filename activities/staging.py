"""Writing the record of a move on the clusters, by compare-and-swap, under one generation and claim."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from activities.attempts import current_attempt
from failover.domain.budget import CountedMove, merged
from failover.domain.errors import FailoverError, NotFound, TransientError
from failover.domain.identity import ApplicationRef
from failover.domain.record import Move, Record, RecordDamaged, bare
from failover.domain.states import StateGeneration, newest_good
from failover.fleet import Cluster
from failover.records import Found, Superseded, read_head, read_record, write_record


async def stage(
    targets: Iterable[tuple[Cluster, Found | None]],
    application: ApplicationRef,
    claim: str,
    generation_seen: int,
    move: Move,
    counted: tuple[CountedMove, ...],
    good: StateGeneration | None,
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
        counted=counted,
        good=good,
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
            return await read_for_staging(cluster, application)
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
        counted=merged(*(found.record.counted for _, found in answered if found is not None)),
        good=newest_good(found.record.good for _, found in answered if found is not None),
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


async def read_for_staging(cluster: Cluster, application: ApplicationRef) -> Found | None:
    """The record as it is there, to be written over; of a torn one what is whole."""
    try:
        return await read_record(cluster, application)
    except RecordDamaged:
        # a torn record of an earlier run: its annotations are whole, and its data is written anew
        head = await read_head(cluster, application)
        if head is None:
            return None
        return Found(bare(application, head), head)


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
    current_attempt().wrote = True
    await write_record(cluster, record, found.head if found else None)
