"""What the memo of a protection tells those who explain."""

from __future__ import annotations

from typing import Any

from triggers.knowing import protection_of

POLICY: dict[str, Any] = {
    "kind": "FailoverPolicy",
    "name": "p",
    "namespace": "shop",
    "spec": {
        "resourceSelectors": [{"apiVersion": "v1", "kind": "Thing"}],
        "failover": {"application": {"purgeMode": "Directly", "mode": "Confirm"}},
    },
}


def test_a_protection_says_its_policy_and_who_has_suspended_it() -> None:
    """Fields that are not needed here are passed over."""
    view = {
        "phase": "Suspended",
        "declaration": {"policy": POLICY, "actor": "ada"},
        "suspension": {"reason": "maintenance", "actor": "ada"},
        "known": {"home": "east"},
    }
    found = protection_of({"view": view})
    assert found is not None
    assert found.declared.policy.active.mode == "Confirm"
    assert found.suspended == "suspended by ada: maintenance"
    awake = protection_of({"view": {**view, "suspension": None}})
    assert awake is not None
    assert awake.suspended == ""


def test_a_memo_that_cannot_be_read_is_no_protection() -> None:
    """Of another release, or of somebody else's."""
    for memo in ({}, {"view": None}, {"view": {"declaration": "mine"}}, {"view": [1]}):
        assert protection_of(memo) is None
