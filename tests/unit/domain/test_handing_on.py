"""Which values a new copy is given."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from failover.domain.errors import StateNotCaptured
from failover.domain.handing_on import HandedOn, StateChoice, handed_on
from failover.domain.policy import Policy
from failover.domain.policy.reading import read_policies
from failover.domain.states import StateGeneration
from tests.support.objects import flink

POLICY = """
apiVersion: stateful-failover.dev/v1alpha1
kind: FailoverPolicy
metadata: {name: orders, namespace: shop}
spec:
  resourceSelectors: [{apiVersion: flink.apache.org/v1beta1, kind: FlinkDeployment, name: orders}]
  failover:
    application:
      purgeMode: Directly
      statePreservation:
        rules:
        - {aliasLabelName: job, jsonPath: '{ .jobStatus.jobId }'}
        - {aliasLabelName: savepoint, jsonPath: '{ .jobStatus.savepoint }', onMissing: Skip}
"""
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def policy() -> Policy:
    """Keeps a job's id, and a savepoint where there is one."""
    return read_policies(POLICY, "policy.yaml").policies[0]


def good(*, proved: bool = True, **labels: str) -> StateGeneration:
    """What a record holds."""
    return StateGeneration(
        number=4, labels=labels, since=NOON, cluster="east", good_since=NOON if proved else None
    )


def hand_on(
    shown: dict[str, str],
    known: StateGeneration | None = None,
    choice: StateChoice | None = None,
    skipped: tuple[str, ...] = (),
) -> HandedOn:
    """Decide for a source that shows this."""
    manifest = {**flink(), "status": {"jobStatus": shown}}
    return handed_on(policy(), manifest, skipped, known, choice)


@pytest.mark.parametrize(
    ("shown", "known", "labels", "reason"),
    [
        pytest.param({"jobId": "b"}, None, {"job": "b"}, "", id="nobody knows a good one"),
        pytest.param({"jobId": "a"}, good(job="a"), {"job": "a"}, "", id="it is the good one"),
        pytest.param({"jobId": "b"}, good(job="a"), {"job": "a"}, "StateNotYetGood", id="it is not"),
        pytest.param({}, good(job="a"), {"job": "a"}, "StateNotYetGood", id="it never came up"),
        pytest.param({"jobId": ""}, good(job="a"), {"job": "a"}, "StateNotYetGood", id="it is empty"),
        pytest.param(
            {"jobId": "a", "savepoint": "s2"}, good(job="a", savepoint="s1"),
            {"job": "a", "savepoint": "s1"}, "StateNotYetGood", id="one value of two",
        ),
        pytest.param({"jobId": "b"}, good(savepoint="s"), {"job": "b"}, "", id="an older policy's"),
        pytest.param({"jobId": "b"}, good(other="x"), {"job": "b"}, "", id="no rule's any more"),
        pytest.param({"jobId": "b"}, good(proved=False, job="a"), {"job": "b"}, "", id="not proved"),
    ],
)  # fmt: skip
def test_what_counts(
    shown: dict[str, str], known: StateGeneration | None, labels: dict[str, str], reason: str
) -> None:
    """What the source shows, unless the records know a good state and it is another one."""
    handed = hand_on(shown, known)
    assert handed.labels == labels
    assert [each.reason for each in handed.warnings] == ([reason] if reason else [])
    assert handed.instead is bool(reason)


def test_the_warning_names_both_and_the_way_out() -> None:
    """Whoever reads the plan can decide otherwise."""
    (warning,) = hand_on({"jobId": "b"}, good(job="a")).warnings
    for each in ("job=b", "generation 4", "job=a", "2026-11-27 12:00:00 UTC", "--state current"):
        assert each in warning.message
    (warning,) = hand_on({}, good(job="a")).warnings
    assert "shows no state" in warning.message


def test_a_person_decides() -> None:
    """By number or for what is there now; what the records know is not asked."""
    chosen = hand_on(
        {"jobId": "b"}, good(job="a"), StateChoice(number=2, labels={"job": "z", "x": "y"})
    )
    assert (chosen.labels, chosen.instead) == ({"job": "z"}, True)
    assert [each.reason for each in chosen.warnings] == ["StateChosen"]
    current = hand_on({"jobId": "b"}, good(job="a"), StateChoice())
    assert current == HandedOn({"job": "b"})


def test_what_cannot_be_captured_still_blocks() -> None:
    """Nothing good is known, or the value itself is wrong; a rule that is skipped is not asked."""
    with pytest.raises(StateNotCaptured):
        hand_on({})
    with pytest.raises(StateNotCaptured):
        hand_on({"jobId": "no/label"}, good(job="a"))
    with pytest.raises(StateNotCaptured):
        hand_on({}, good(job="a"), StateChoice())
    assert hand_on({}, good(job="a"), skipped=("job", "savepoint")) == HandedOn({})
