"""Adoption: an interrupted failover whose effects must be taken over, not repeated.

Its record, left open on the clusters, says what it was at; what the clusters show says how far it came.
"""

from __future__ import annotations

from activities.looking import Snapshot
from activities.moving import SourceReappeared
from failover.domain.errors import TransientError
from failover.domain.manifest import Manifest, is_deleting, labels_of, name_of, uid_of
from failover.domain.marks import mark_of
from failover.domain.plan import Adoption
from failover.domain.record import Move, Record, RecordDamaged, generation_of, home_of
from failover.domain.steps import PlanRequest
from failover.fleet import Fleet
from failover.records import read_record


async def adoption_of(fleet: Fleet, request: PlanRequest, snapshot: Snapshot) -> Adoption | None:
    """An interrupted failover whose effects must be taken over, not repeated."""
    for record, move in await _open_moves(fleet, request, snapshot):
        if _is_over(request, snapshot, record, move):
            return None  # only its record was left open
        source_gone = _is_gone(snapshot, move)
        copy_present = _is_copy(snapshot.objects.get(move.target), record, move)
        going = not source_gone and is_deleting(snapshot.objects.get(move.source) or {})
        if not source_gone and not going and not copy_present:
            return None  # nothing of it has happened to the application: a fresh plan is as good
        _raise_if_reappeared(snapshot, move)
        if copy_present and move.purge_mode == "Directly":
            source_gone = True  # no copy is ever started before that is confirmed
        return Adoption(
            generation_seen=snapshot.generation_seen,
            source=move.source,
            source_uid=move.source_uid,
            source_gone=source_gone,
            delete_accepted=source_gone or going,
            target=move.target,
            copy_present=copy_present,
            labels=move.labels,
            purge_mode=move.purge_mode,
            attempted=move.attempted,
        )
    return None


async def _open_moves(
    fleet: Fleet, request: PlanRequest, snapshot: Snapshot
) -> list[tuple[Record, Move]]:
    """Moves under way that are not ours, the newest first.

    A cluster that was away when the move went on to another target has an earlier stand of it: the
    one whose copy is there comes first, then the one with more targets behind it.
    """
    moves: list[tuple[Record, Move]] = []
    for name, _head in snapshot.open_heads(request.claim):
        try:
            found = await read_record(fleet.cluster(name), request.application)
        except (TransientError, RecordDamaged):
            continue
        if found is not None and found.record.move is not None:
            moves.append((found.record, found.record.move))

    def stand(each: tuple[Record, Move]) -> tuple[int, bool, int]:
        record, move = each
        there = _is_copy(snapshot.objects.get(move.target), record, move)
        return record.generation, there, len(move.attempted)

    return sorted(moves, key=stand, reverse=True)


def _is_copy(manifest: Manifest | None, record: Record, move: Move) -> bool:
    """Whether this object was created by this move."""
    mark = mark_of(manifest) if manifest is not None else None
    return mark is not None and mark.generation in {record.generation, *move.lineage}


def _is_over(request: PlanRequest, snapshot: Snapshot, record: Record, move: Move) -> bool:
    """Whether the move has ended, and somebody was kept from closing this record of it.

    It has if a cluster knows of a newer move, or of another home since; if the original was put back;
    or if the new copy has been healthy, so that its labels are off, and has fallen ill by now.
    """
    if any(
        generation_of(head) > record.generation
        or (generation_of(head) == record.generation and home_of(head) not in {"", move.source})
        for head in snapshot.heads.values()
    ):
        return True
    if _is_copy(snapshot.objects.get(move.source), record, move):
        return True
    copy = snapshot.objects.get(move.target)
    released = bool(move.labels) and not move.labels.items() & labels_of(copy or {}).items()
    return request.source == move.target and released and _is_copy(copy, record, move)


def _raise_if_reappeared(snapshot: Snapshot, move: Move) -> None:
    """A copy of somebody else's where the original was: nothing may start beside it."""
    there = snapshot.objects.get(move.source)
    if there is not None and uid_of(there) != move.source_uid:
        message = (
            f"an interrupted failover had purged {name_of(there)} from {move.source}, and somebody has created it there again "
            f"(uid {uid_of(there)}). Find out who (failover doctor), stop it and delete the object, then retry"
        )
        raise SourceReappeared(message)


def _is_gone(snapshot: Snapshot, move: Move) -> bool:
    """Whether the move's source object is absent: only a cluster that answered can say so."""
    if move.source not in snapshot.objects:
        return False
    there = snapshot.objects[move.source]
    return there is None or uid_of(there) != move.source_uid
