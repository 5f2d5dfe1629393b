"""The record: what each cluster remembers of an application and of the move that is under way.

One Secret per application and cluster. Its annotations (generation, claim, home, state, counted
moves, good state) stay. A move's data exists only while it is open, and holds everything needed to finish or undo it
when the source has burnt: the original and the rendered object, the dependents, the owned closure.

A closed record may be a *standing* one: with the last good state of a protected application, and on another
cluster than its home with the application's manifest too, so that both outlive the home. That data is under a
key of its own and no move; a move that is staged takes its place.

Rules kept here:
- The generation only grows: each move takes the highest one seen, plus one.
- A standing record is written by no claim, therefore only over a closed record exactly as it was read;
  generation, claim, home and counted moves stay as they are.
- The claim names the one run that may act. A writer re-reads it before each change, and stops
  (`Superseded`) unless generation and claim are exactly its own. It stays when the move is closed,
  so that a step that is repeated finds itself done and not superseded.
- Data is gzipped JSON, cut into numbered Secrets that the first one names with their digests, so
  that a torn write is noticed and never used.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import zlib
from collections.abc import Mapping
from typing import cast

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from failover.domain.budget import CountedMove
from failover.domain.capacity.reservations import Reservation
from failover.domain.capacity.reservations import read as read_reservation
from failover.domain.capacity.reservations import written as written_reservation
from failover.domain.capacity.workloads import demand_of
from failover.domain.closure import OwnedRef
from failover.domain.errors import DefiniteError
from failover.domain.identity import ApplicationRef, record_name
from failover.domain.manifest import OUR_PREFIX, Manifest, annotations_of, mapping, text
from failover.domain.plan import PurgeMode
from failover.domain.states import StateGeneration

NAMESPACE = "failover-system"
CHUNK_BYTES = 700 * 1024
"""Base64 in JSON adds a third; a Secret may hold 1 MiB (Kubernetes' MaxSecretSize)."""
MOVE_BYTES_MAX = 64 * 1024 * 1024
"""More than this unpacked is refused, so that a crafted record cannot exhaust memory."""

LABEL = f"{OUR_PREFIX}record"
OPEN_LABEL = f"{OUR_PREFIX}open"
"""On the Secret of a record whose move is under way, so that a list need not bring the closed ones."""
_APPLICATION = f"{OUR_PREFIX}application"
_GENERATION = f"{OUR_PREFIX}generation"
_CLAIM = f"{OUR_PREFIX}claim"
_HOME = f"{OUR_PREFIX}home"
_STATE = f"{OUR_PREFIX}state"
_COUNTED = f"{OUR_PREFIX}counted-moves"
_GOOD = f"{OUR_PREFIX}good-state"
_PARTS = f"{OUR_PREFIX}parts"
_RESERVED = f"{OUR_PREFIX}reserved"
_DATA_KEY = "move"
_STANDING_KEY = "manifest"
_COUNTED_MOVES = TypeAdapter(tuple[CountedMove, ...])


class RecordDamaged(DefiniteError):
    """The record cannot be read: a part is missing, or does not match its digest."""


class Move(BaseModel):
    """A move that is under way, with all that is needed to finish or undo it."""

    model_config = ConfigDict(frozen=True)

    failover: str
    run: str
    purge_mode: PurgeMode
    source: str
    source_uid: str
    source_cluster_uid: str
    target: str
    withdrawn: bool = False
    """The target was given up, and nothing may start there any more; the record is kept for the next."""
    attempted: tuple[str, ...] = ()
    """Earlier targets of this move; whatever stands there has to be gone before it ends."""
    lineage: tuple[int, ...] = ()
    """Generations of runs that this move was taken over from; their copies are ours."""
    labels: dict[str, str] = Field(default_factory=dict[str, str])
    original: Manifest
    """The source's object without what servers add, and without alias labels."""
    rendered: Manifest
    """The object to create on the target, overrides and labels included, without the mark."""
    dependents: tuple[Manifest, ...] = ()
    """Rendered dependents that the target may lack."""
    closure: tuple[OwnedRef, ...] = ()


class Record(BaseModel):
    """What one cluster remembers of one application."""

    model_config = ConfigDict(frozen=True)

    application: ApplicationRef
    generation: int = 0
    claim: str = ""
    home: str = ""
    state: dict[str, str] = Field(default_factory=dict[str, str])
    counted: tuple[CountedMove, ...] = ()
    """The moves of the application, for its budget; the oldest first, and bounded."""
    good: StateGeneration | None = None
    """The last state with which it was healthy for long enough."""
    standing: Manifest | None = None
    """The application's manifest without what servers add; only where no move is open."""
    move: Move | None = None

    @property
    def is_open(self) -> bool:
        """Whether a move is under way."""
        return self.move is not None


def to_secrets(record: Record, *, namespace: str = NAMESPACE) -> tuple[Manifest, list[Manifest]]:
    """The Secret of the record, and the numbered Secrets that have to be written before it."""
    name = record_name(record.application)
    packed = b""
    if record.move is not None:
        packed = gzip.compress(record.move.model_dump_json().encode(), compresslevel=1, mtime=0)
    chunks = [packed[at : at + CHUNK_BYTES] for at in range(0, len(packed), CHUNK_BYTES)]
    digests = [hashlib.sha256(chunk).hexdigest() for chunk in chunks]
    annotations = {
        _APPLICATION: record.application.key,
        _GENERATION: str(record.generation),
        _CLAIM: record.claim,
        _HOME: record.home,
        _STATE: json.dumps(record.state, sort_keys=True),
        _COUNTED: _COUNTED_MOVES.dump_json(record.counted).decode(),
        _PARTS: json.dumps(digests),
    }
    if record.good is not None:
        annotations[_GOOD] = record.good.model_dump_json(exclude_none=True)
    if record.move is not None:
        annotations |= _reserved(record.move)
    head = _secret(name, namespace, annotations, chunks[0] if chunks else b"")
    if record.move is None and record.standing is not None:
        head["data"] = {_STANDING_KEY: base64.b64encode(packed_manifest(record.standing)).decode()}
    if record.move is not None:
        head["metadata"]["labels"][OPEN_LABEL] = "true"
    rest = [
        _secret(part_name(record.application, record.generation, number), namespace, {_APPLICATION: record.application.key}, chunk)
        for number, chunk in enumerate(chunks[1:], start=1)
    ]  # fmt: skip
    return head, rest


def reservation_of(head: Manifest) -> Reservation | None:
    """What the move of this Secret has been promised on its target, by its metadata alone."""
    application = application_of(head)
    raw = annotations_of(head).get(_RESERVED, "")
    return read_reservation(application, raw) if application is not None and raw else None


def packed_manifest(manifest: Manifest) -> bytes:
    """A manifest as a standing record holds it."""
    return gzip.compress(json.dumps(manifest, sort_keys=True).encode(), mtime=0)


def _reserved(move: Move) -> dict[str, str]:
    demand = demand_of(move.rendered)
    if move.withdrawn or not demand:
        return {}
    return {_RESERVED: written_reservation(move.target, demand)}


def part_name(application: ApplicationRef, generation: int, number: int) -> str:
    """The name of a numbered Secret; the generation keeps a newer move's parts apart."""
    return f"{record_name(application)}-{generation}-{number}"


def part_count(head: Manifest) -> int:
    """How many numbered Secrets the record's Secret names, beyond itself."""
    return max(len(_digests(head)) - 1, 0)


def generation_of(head: Manifest) -> int:
    """The generation that the Secret carries; 0 where it carries none."""
    raw = annotations_of(head).get(_GENERATION, "0")
    return int(raw) if raw.isascii() and raw.isdigit() else 0


def is_open(head: Manifest) -> bool:
    """Whether the Secret holds a move that is under way."""
    return bool(_digests(head))


def application_of(head: Manifest) -> ApplicationRef | None:
    """The application that the Secret is about; `None` where it does not say, as the numbered ones."""
    key = annotations_of(head).get(_APPLICATION, "")
    return ApplicationRef.from_key(key) if _PARTS in annotations_of(head) and key else None


def claim_of(head: Manifest) -> str:
    """The claim that the Secret carries."""
    return annotations_of(head).get(_CLAIM, "")


def home_of(head: Manifest) -> str:
    """The cluster on which the application lives, as this Secret knows it."""
    return annotations_of(head).get(_HOME, "")


def counted_of(head: Manifest) -> tuple[CountedMove, ...]:
    """The moves that the Secret has counted; none where that cannot be read."""
    try:
        return _COUNTED_MOVES.validate_json(annotations_of(head).get(_COUNTED, "[]"))
    except ValidationError:
        return ()


def good_of(head: Manifest) -> StateGeneration | None:
    """The last good state that the Secret knows; `None` also where that cannot be read."""
    try:
        return StateGeneration.model_validate_json(annotations_of(head).get(_GOOD, "null"))
    except ValidationError:
        return None


def bare(application: ApplicationRef, head: Manifest) -> Record:
    """What is whole of a record whose data is torn."""
    return Record(
        application=application,
        generation=generation_of(head),
        claim=claim_of(head),
        counted=counted_of(head),
        good=good_of(head),
    )


def state_of(head: Manifest) -> dict[str, str]:
    """The labels that the Secret says were carried over."""
    return _state(annotations_of(head).get(_STATE, "{}"))


def from_secrets(
    application: ApplicationRef, head: Manifest, parts: Mapping[int, Manifest]
) -> Record:
    """The record, checked against its digests. Raises `RecordDamaged`."""
    annotations = annotations_of(head)
    digests = _digests(head)
    chunks = [_payload(head)] + [_payload(parts.get(n, {})) for n in range(1, len(digests))]
    move = None
    if digests:
        for number, (chunk, digest) in enumerate(zip(chunks, digests, strict=True)):
            if hashlib.sha256(chunk).hexdigest() != digest:
                message = (
                    f"part {number} of the record {text(head, 'metadata', 'name')} does not match its "
                    "digest; another cluster's copy of the record has to be used"
                )
                raise RecordDamaged(message)
        move = _unpack(b"".join(chunks), head)
    return Record(
        application=application,
        generation=generation_of(head),
        claim=annotations.get(_CLAIM, ""),
        home=annotations.get(_HOME, ""),
        state=_state(annotations.get(_STATE, "{}")),
        counted=counted_of(head),
        good=good_of(head),
        standing=_standing(head) if move is None else None,
        move=move,
    )


def _standing(head: Manifest) -> Manifest | None:
    """The manifest of a standing record; one that cannot be read is as good as none."""
    packed = _payload(head, _STANDING_KEY)
    if not packed:
        return None
    try:
        read: object = json.loads(_inflated(packed, head))
    except (zlib.error, ValueError, RecordDamaged):
        return None
    return cast("Manifest", read) if isinstance(read, dict) else None


def _inflated(packed: bytes, head: Manifest) -> bytes:
    inflater = zlib.decompressobj(wbits=31)
    raw = inflater.decompress(packed, MOVE_BYTES_MAX)
    if inflater.unconsumed_tail:
        name = text(head, "metadata", "name")
        raise RecordDamaged(f"the record {name} is larger than {MOVE_BYTES_MAX} bytes")
    return raw


def _unpack(packed: bytes, head: Manifest) -> Move:
    name = text(head, "metadata", "name")
    try:
        return Move.model_validate_json(_inflated(packed, head))
    except (zlib.error, ValidationError) as error:
        raise RecordDamaged(f"the record {name} cannot be read: {type(error).__name__}") from error


def _secret(name: str, namespace: str, annotations: dict[str, str], chunk: bytes) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {LABEL: "true"},
            "annotations": annotations,
        },
        "type": "stateful-failover.dev/record",
        "data": {_DATA_KEY: base64.b64encode(chunk).decode()} if chunk else {},
    }


def _payload(secret: Manifest, key: str = _DATA_KEY) -> bytes:
    try:
        return base64.b64decode(text(mapping(secret, "data"), key), validate=True)
    except ValueError:
        return b""


def _digests(head: Manifest) -> list[str]:
    try:
        read: object = json.loads(annotations_of(head).get(_PARTS, "[]"))
    except ValueError:
        return []
    return (
        [each for each in cast("list[object]", read) if isinstance(each, str)]
        if isinstance(read, list)
        else []
    )


def _state(raw: str) -> dict[str, str]:
    try:
        read: object = json.loads(raw)
    except ValueError:
        return {}
    if not isinstance(read, dict):
        return {}
    return {k: v for k, v in cast("dict[str, object]", read).items() if isinstance(v, str)}
