"""The record: what is written is what is read, and what is damaged is noticed."""

from __future__ import annotations

import base64
import random
from datetime import UTC, datetime

import pytest

from failover.domain.budget import CountedMove
from failover.domain.identity import ApplicationRef
from failover.domain.record import (
    CHUNK_BYTES,
    Move,
    Record,
    RecordDamaged,
    from_secrets,
    is_open,
    part_count,
    to_secrets,
)

ORDERS = ApplicationRef(
    group="flink.apache.org", kind="FlinkDeployment", namespace="shop", name="orders"
)


def move(filler: str = "") -> Move:
    """A move of `orders` from east to west."""
    manifest = {
        "kind": "FlinkDeployment",
        "metadata": {"name": "orders"},
        "spec": {"filler": filler},
    }
    return Move(
        failover="failover/shop/FlinkDeployment.flink.apache.org/orders",
        run="run",
        purge_mode="Directly",
        source="east",
        source_uid="1",
        source_cluster_uid="2",
        target="west",
        labels={"a": "b"},
        original=manifest,
        rendered=manifest,
    )


def record(filler: str = "") -> Record:
    """An open record."""
    return Record(
        application=ORDERS,
        generation=7,
        claim="run.1",
        home="east",
        state={"a": "b"},
        counted=(CountedMove(at=datetime(2026, 11, 27, tzinfo=UTC), claim="run.0"),),
        move=move(filler),
    )


def noise(size: int) -> str:
    """Text that hardly compresses."""
    return base64.b64encode(random.Random(1).randbytes(size)).decode()


@pytest.mark.parametrize("size", [0, 10, 3 * CHUNK_BYTES], ids=["empty", "small", "in four parts"])
def test_what_is_written_is_read(size: int) -> None:
    """A record survives its Secrets, whatever its size."""
    head, parts = to_secrets(record(noise(size)))
    assert part_count(head) == len(parts)
    assert from_secrets(ORDERS, head, dict(enumerate(parts, start=1))) == record(noise(size))


def test_no_secret_is_larger_than_kubernetes_takes() -> None:
    """A Secret may hold 1 MiB, base64 included."""
    head, parts = to_secrets(record(noise(3 * CHUNK_BYTES)))
    assert len(parts) > 1
    for each in (head, *parts):
        assert len(each["data"]["move"]) < 1024 * 1024


def test_counts_that_nobody_can_read_are_none() -> None:
    """Whoever clears them by hand has the moves counted anew."""
    head, _ = to_secrets(record())
    head["metadata"]["annotations"]["stateful-failover.dev/counted-moves"] = "often"
    assert from_secrets(ORDERS, head, {}).counted == ()


def test_a_missing_part_is_noticed() -> None:
    """Half a record is no record."""
    head, _ = to_secrets(record(noise(2 * CHUNK_BYTES)))
    with pytest.raises(RecordDamaged, match="part 1"):
        from_secrets(ORDERS, head, {})


def test_a_changed_part_is_noticed() -> None:
    """Every part is checked against its digest."""
    head, _ = to_secrets(record())
    head["data"]["move"] = base64.b64encode(b"something else").decode()
    with pytest.raises(RecordDamaged, match="part 0"):
        from_secrets(ORDERS, head, {})


def test_a_closed_record_keeps_what_is_remembered() -> None:
    """Generation, claim, home and state stay when the data goes."""
    closed = record().model_copy(update={"move": None, "home": "west"})
    head, parts = to_secrets(closed)
    assert not is_open(head)
    assert not parts
    assert head["data"] == {}
    assert from_secrets(ORDERS, head, {}) == closed


def test_equal_records_have_equal_secrets() -> None:
    """Writing a record twice writes the same bytes."""
    assert to_secrets(record("x")) == to_secrets(record("x"))
