"""Reading and writing the record on a cluster: always by compare-and-swap, always checked.

The parts of a large record are written before the Secret that names them, and removed after it has
stopped naming them, so that no reader ever sees half of one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from failover.domain.capacity.reservations import Reservation
from failover.domain.errors import AlreadyExists, Conflict, DefiniteError, NotFound, TransientError
from failover.domain.identity import ApplicationRef, GroupKind, record_name
from failover.domain.manifest import Manifest, mapping, text
from failover.domain.record import (
    LABEL,
    NAMESPACE,
    OPEN_LABEL,
    Move,
    Record,
    RecordDamaged,
    application_of,
    claim_of,
    from_secrets,
    generation_of,
    is_open,
    part_count,
    part_name,
    reservation_of,
    to_secrets,
)
from failover.domain.steps import Claim
from failover.fleet import Cluster, Fleet

SECRET = GroupKind("", "Secret")
NAMESPACE_KIND = GroupKind("", "Namespace")

GONE = (
    "somebody deleted it, or the cluster was made anew. See what runs on each cluster before you decide; a Replan, where "
    "one is offered, writes it anew: from the original, or from the record of another cluster"
)
"""Of a record that is not there any more: what may have happened, and what to do."""


class Superseded(DefiniteError):
    """The record carries another generation or claim, or this very move is over: this run owns nothing any more."""


class RecordMissing(DefiniteError):
    """The record that this run wrote is not on the cluster any more."""


class RecordNamespaceMissing(DefiniteError):
    """The cluster has no namespace for records."""


class AttemptOver(TransientError):
    """Temporal has given up this attempt: nothing more may be sent."""


@dataclass(frozen=True)
class Found:
    """A record, and the Secret it was read from (for the next compare-and-swap)."""

    record: Record
    head: Manifest


async def read_head(cluster: Cluster, application: ApplicationRef) -> Manifest | None:
    """The record's Secret, from a quorum, or `None`."""
    return await cluster.find(SECRET, NAMESPACE, record_name(application))


async def read_record(cluster: Cluster, application: ApplicationRef) -> Found | None:
    """The whole record, checked against its digests, or `None`. Raises `RecordDamaged`."""
    head = await read_head(cluster, application)
    if head is None:
        return None
    return await _whole(cluster, application, head)


async def _whole(cluster: Cluster, application: ApplicationRef, head: Manifest) -> Found:
    generation = generation_of(head)
    parts = {
        number: await cluster.find(SECRET, NAMESPACE, part_name(application, generation, number))
        or {}
        for number in range(1, part_count(head) + 1)
    }
    return Found(from_secrets(application, head, parts), head)


async def moves_under_way(cluster: Cluster, namespace: str, *, but: ApplicationRef) -> list[Move]:
    """The open moves of other applications of this namespace, by the records on this cluster.

    Raises `RecordDamaged` where it cannot be told what one of them is about.
    """
    heads = await cluster.list(SECRET, NAMESPACE, label_selector=f"{LABEL}=true")
    moves: list[Move] = []
    for head in heads:
        application = application_of(head)
        if application is None or application == but or application.namespace != namespace:
            continue
        if is_open(head):
            move = (await _whole(cluster, application, head)).record.move
            moves += [move] if move is not None else []
    return moves


async def reservations_on(cluster: Cluster) -> list[Reservation]:
    """What open moves have been promised here; no record's data is read for it."""
    found = await cluster.sift(
        SECRET, reservation_of, NAMESPACE, label_selector=f"{OPEN_LABEL}=true", metadata_only=True
    )
    return [each for each in found if each is not None and each.cluster == cluster.name]


async def read_any(fleet: Fleet, names: Iterable[str], claim: Claim) -> Record:
    """Our open record from the first of these clusters that answers with a sound one.

    Raises `Superseded`, also where our own move is over already, `RecordMissing`, or the last error when none answers.
    """
    problem: Exception | None = None
    for name in names:
        try:
            found = await read_record(fleet.cluster(name), claim.application)
        except (TransientError, RecordDamaged) as error:
            problem = error
            continue
        if found is None:
            continue
        raise_if_over(found, claim, name)
        if found.record.move is None:
            continue
        verify_claim(found.head, claim, name)
        return found.record
    if problem is not None:
        raise problem
    message = f"the open record of {claim.application} in {NAMESPACE} is gone from {', '.join(names)}: {GONE}"
    raise RecordMissing(message)


def raise_if_over(found: Found, claim: Claim, cluster: str) -> None:
    """Raise where a closed record shows that nothing is left to this run; of an earlier move it shows nothing.

    Such a run was put back to an earlier moment, with Temporal's database or by a reset. What it was about to
    delete may have been left in place since, and nothing could be put back: a closed record is empty.
    """
    record = found.record
    is_ours, is_newer = record.claim == claim.claim, record.generation > claim.generation > 0
    if record.is_open or not (is_ours or is_newer):
        return
    verify_claim(found.head, claim, cluster)
    message = (
        f"generation {record.generation} of {claim.application} has come to its end before, and the application lives on "
        f"{record.home}; this run is from an earlier moment of that move and must not touch it any more"
    )
    raise Superseded(message)


def verify_claim(head: Manifest | None, claim: Claim, cluster: str) -> None:
    """Raise unless generation and claim in the record are exactly ours."""
    if head is None:
        message = f"the record {record_name(claim.application)} of {claim.application} in {NAMESPACE} on {cluster} is gone: {GONE}"
        raise RecordMissing(message)
    generation = generation_of(head)
    known = claim.generation in {0, generation}
    if not known or claim_of(head) != claim.claim:
        message = (
            f"generation {generation} owns {claim.application} on {cluster} now; this run is generation "
            f"{claim.generation} and must not touch it any more"
        )
        raise Superseded(message)


async def check_claim(cluster: Cluster, claim: Claim) -> Manifest:
    """The record's Secret, if this very run may act on the cluster. Raises `Superseded`, `RecordMissing`."""
    head = await read_head(cluster, claim.application)
    verify_claim(head, claim, cluster.name)
    assert head is not None, "verify_claim refuses a missing record"
    return head


async def check_namespace(cluster: Cluster) -> None:
    """Raise `RecordNamespaceMissing` where no record could be written; nothing is, to find out."""
    if await cluster.find(NAMESPACE_KIND, "", NAMESPACE) is None:
        raise _without_namespace(cluster)


def _without_namespace(cluster: Cluster) -> RecordNamespaceMissing:
    return RecordNamespaceMissing(
        f"{cluster.name} has no namespace {NAMESPACE} for the records, without which nothing moves; `failover rbac -f "
        f"POLICY --role mover | kubectl --context {cluster.name} apply -f -` makes it, with the rights in it"
    )


async def write_record(cluster: Cluster, record: Record, head: Manifest | None) -> None:
    """Write the record over the Secret that was read (or none). Raises `Conflict` if it changed since."""
    secret, parts = to_secrets(record)
    old_parts = part_count(head) if head else 0
    old_generation = generation_of(head) if head else 0
    try:
        for part in parts:
            await _put(cluster, part)
        if head is None:
            await cluster.create(secret)
        else:
            secret["metadata"]["resourceVersion"] = text(head, "metadata", "resourceVersion")
            secret["metadata"]["uid"] = text(head, "metadata", "uid")
            await cluster.replace(secret)
    except AlreadyExists as error:
        raise Conflict(
            f"the record of {record.application} on {cluster.name} was created by another run meanwhile"
        ) from error
    except NotFound as error:
        if head is not None:
            raise Conflict(
                f"the record of {record.application} on {cluster.name} was deleted meanwhile"
            ) from error
        raise _without_namespace(cluster) from error
    kept = {part["metadata"]["name"] for part in parts}
    for number in range(1, old_parts + 1):
        name = part_name(record.application, old_generation, number)
        if name not in kept:
            await _drop(cluster, name)


async def _put(cluster: Cluster, part: Manifest) -> None:
    try:
        await cluster.create(part)
    except AlreadyExists:
        name = text(part, "metadata", "name")
        there = await cluster.find(SECRET, NAMESPACE, name)
        if there is not None and mapping(there, "data") == mapping(part, "data"):
            return
        if there is not None:
            part["metadata"]["resourceVersion"] = text(there, "metadata", "resourceVersion")
            await cluster.replace(part)


async def _drop(cluster: Cluster, name: str) -> None:
    there = await cluster.find(SECRET, NAMESPACE, name)
    if there is None:
        return
    try:
        await cluster.delete(SECRET, NAMESPACE, name, uid=text(there, "metadata", "uid"))
    except (NotFound, Conflict):
        return  # somebody else has removed or replaced it; it is not ours any more
