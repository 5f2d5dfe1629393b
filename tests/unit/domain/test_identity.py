"""Ids are derived: the same everywhere, bounded, and never mixed up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.domain.identity import (
    ID_BYTES_MAX,
    ApplicationRef,
    GroupKind,
    bounded_id,
    failover_id,
    record_name,
)


@pytest.mark.parametrize(
    ("application", "expected"),
    [
        pytest.param(
            ApplicationRef(
                group="flink.apache.org", kind="FlinkDeployment", namespace="shop", name="orders"
            ),
            "failover/shop/FlinkDeployment.flink.apache.org/orders",
            id="custom kind",
        ),
        pytest.param(
            ApplicationRef(group="", kind="Pod", namespace="a", name="b"),
            "failover/a/Pod/b",
            id="core kind",
        ),
        pytest.param(
            ApplicationRef(group="g", kind="K", name="b"), "failover/_/K.g/b", id="cluster scope"
        ),
    ],
)
def test_the_id_of_a_failover(application: ApplicationRef, expected: str) -> None:
    """Namespace, kind without version, name."""
    assert failover_id(application) == expected


@given(st.text(max_size=400), st.text(max_size=400))
def test_ids_are_bounded_and_stay_apart(one: str, other: str) -> None:
    """Long texts are cut, and differ where the texts differ."""
    assert len(bounded_id(one).encode()) <= ID_BYTES_MAX
    assert (bounded_id(one) == bounded_id(other)) == (one == other)


def test_a_record_has_a_legal_name() -> None:
    """The Secret's name is a DNS label, whatever the application is called."""
    name = record_name(ApplicationRef(group="g", kind="K", namespace="n", name="x" * 253))
    assert len(name) <= 63
    assert name == name.lower()


def test_a_kind_is_read_from_a_manifest() -> None:
    """With and without a group."""
    assert GroupKind.of({"apiVersion": "apps/v1", "kind": "Deployment"}) == GroupKind(
        "apps", "Deployment"
    )
    assert str(GroupKind.of({"apiVersion": "v1", "kind": "Pod"})) == "Pod"
