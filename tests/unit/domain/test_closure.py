"""What an application owns, directly or through others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.domain.closure import CLOSURE_KINDS, closure, closure_kinds
from failover.domain.identity import GroupKind
from tests.support.objects import flink, owned

FLEET = [
    owned("Deployment", "orders", "uid-root"),
    owned("ReplicaSet", "orders-1", "uid-orders"),
    owned("Pod", "orders-1-a", "uid-orders-1", group="", nodeName="node-1"),
    owned("Pod", "task", "uid-root", group="", nodeName="node-2"),
    owned("Pod", "stranger", "uid-other", group="", nodeName="node-2"),
    owned("Pod", "nobody", group=""),
]


def test_everything_owned_is_found_through_its_makers() -> None:
    """Pods are found through their makers, strangers are not, and pods tell their node."""
    found = closure("uid-root", reversed(FLEET))
    assert [(str(each), each.node) for each in found] == [
        ("Pod/orders-1-a on node node-1", "node-1"),
        ("Pod/task on node node-2", "node-2"),
        ("Deployment/orders", ""),
        ("ReplicaSet/orders-1", ""),
    ]


@pytest.mark.parametrize(
    ("kind", "kinds"),
    [
        (GroupKind.of(flink()), {str(each) for each in CLOSURE_KINDS}),
        (GroupKind("example.org", "Widget"), {str(each) for each in CLOSURE_KINDS}),
        (GroupKind("apps", "Deployment"), {"ReplicaSet.apps", "Pod"}),
        (GroupKind("apps", "StatefulSet"), {"Pod"}),
        (GroupKind("batch", "CronJob"), {"Job.batch", "Pod"}),
        (GroupKind("", "Pod"), set[str]()),
    ],
    ids=["flink", "unknown", "deployment", "stateful-set", "cron-job", "pod"],
)
def test_only_kinds_that_may_be_owned_are_listed(kind: GroupKind, kinds: set[str]) -> None:
    """Kubernetes' own kinds own little; an operator's object may own any maker of pods."""
    assert {str(each) for each in closure_kinds(kind)} == kinds


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_a_closure_ends_and_is_whole(edges: list[tuple[int, int]]) -> None:
    """Also in a circle of owners: all that the root reaches, each once, without the root."""
    owners: dict[int, set[int]] = {}
    for child, owner in edges:
        owners.setdefault(child, set()).add(owner)
    objects = [
        owned("Pod", str(child), *(f"uid-{each}" for each in sorted(of)), group="")
        for child, of in owners.items()
    ]
    reached = {0}
    while more := {child for child, of in owners.items() if of & reached} - reached:
        reached |= more
    assert {each.uid for each in closure("uid-0", objects)} == {
        f"uid-{each}" for each in reached - {0}
    }
    assert len(closure("uid-0", [*objects, *objects])) == len(reached) - 1
