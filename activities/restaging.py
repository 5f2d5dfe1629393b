"""Staging a move that is under way already: for another target, or taken over from another run.

The record is the truth then, and the source need not answer any more.
"""

from __future__ import annotations

import asyncio

from activities.dependents import create_dependents, create_namespace, namespace_is_there
from activities.staging import stage_where_possible
from failover.domain.errors import TransientError
from failover.domain.identity import ApplicationRef
from failover.domain.manifest import namespace_of
from failover.domain.planning import rendered
from failover.domain.record import RecordDamaged
from failover.domain.steps import CaptureRequest, Staged
from failover.fleet import Fleet, facts_of
from failover.records import GONE, Found, RecordMissing, Superseded, read_record


async def stage_again(fleet: Fleet, request: CaptureRequest) -> Staged:
    """Write the newest record on every cluster that answers, for the plan's target, and prepare that.

    Raises `RecordMissing` where no cluster holds it, `Superseded` where another run has gone on.
    """
    plan = request.plan
    found = await _open_records(fleet, plan.application)
    if not found:
        message = f"no cluster holds the open record of {plan.application} any more: {GONE}"
        raise RecordMissing(message)
    newest = max(found.values(), key=_progress)
    move = newest.record.move
    assert move is not None, "_open_records gives open ones only"
    ours = newest.record.claim == request.claim
    if not ours and newest.record.generation > plan.generation_seen:
        raise Superseded(
            f"generation {newest.record.generation} owns {plan.application} now; the plan saw {plan.generation_seen}"
        )
    facts = facts_of(fleet, plan.target)
    moved = move.model_copy(
        update={
            "failover": request.failover,
            "run": request.run,
            "target": plan.target,
            "withdrawn": False,
            "lineage": move.lineage if ours else (*move.lineage, newest.record.generation),
            "attempted": tuple(dict.fromkeys((*move.attempted, *request.attempted))),
            "rendered": rendered(move.original, request.overrides, move.labels, facts),
        }
    )
    names = dict.fromkeys((*(name for name in found), plan.source, plan.target))
    clusters = [fleet.cluster(name) for name in names]
    seen = newest.record.generation - 1 if ours else plan.generation_seen
    generation, staged = await stage_where_possible(
        clusters, plan.application, request.claim, seen, moved, required=plan.target
    )
    target, namespace = fleet.cluster(plan.target), namespace_of(moved.rendered)
    if not await namespace_is_there(target, namespace):
        await create_namespace(target, namespace)
    await create_dependents(target, request.policy, moved.dependents)
    return Staged(generation=generation, labels=moved.labels, staged=staged)


async def _open_records(fleet: Fleet, application: ApplicationRef) -> dict[str, Found]:
    async def read(name: str) -> tuple[str, Found | None]:
        try:
            return name, await read_record(fleet.cluster(name), application)
        except (TransientError, RecordDamaged):
            return name, None

    answers = await asyncio.gather(*(read(each.name) for each in fleet.facts))
    return {name: found for name, found in answers if found is not None and found.record.is_open}


def _progress(found: Found) -> tuple[int, int]:
    """How far the move of an open record had come; a cluster that was away may hold an earlier stand."""
    move = found.record.move
    return found.record.generation, len(move.attempted) if move else 0
