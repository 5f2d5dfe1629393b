"""What a Replan changes of a failover's policy and override policies, and what it must not carry."""

from __future__ import annotations

import pytest

from failover.domain.phases import Action
from failover.domain.policy import Policy
from failover.domain.request import Resolution
from failover.domain.terms import CHANGES_MAX, changes, terms_refusal
from tests.support.policies import override_of, policy_of

BEFORE = policy_of("orders")
WEST = override_of("orders", "west", "/spec/image", "secret-registry/west", operator="replace")
NORTH = override_of("orders", "north", "/spec/image", "north", operator="replace")


def replan(policy: Policy | None = None, overrides: tuple[object, ...] | None = None) -> Resolution:
    """A Replan that carries these."""
    return Resolution.model_validate(
        {"action": Action.REPLAN, "policy": policy, "overrides": overrides}
    )


def test_a_changed_field_is_told_with_both_values() -> None:
    """By its path within `spec.failover.application`, or within `spec`."""
    after = policy_of("orders", purge_mode="Never", toleration=7, spec={"propagateDeps": True})
    assert set(changes(BEFORE, (), replan(after))) == {
        "propagateDeps false → true",
        "purgeMode Directly → Never",
        "allowTwoCopies false → true",
        "decisionConditions.tolerationSeconds 0 → 7",
    }


def test_override_policies_are_told_by_name_only() -> None:
    """Which are new, gone or changed; their values may be confidential."""
    elsewhere = override_of("orders", "west", "/spec/image", "other", operator="replace")
    told = changes(BEFORE, (WEST,), replan(overrides=(elsewhere, NORTH)))
    assert told == (f"changed {WEST}", f"added {NORTH}")
    assert changes(BEFORE, (WEST, NORTH), replan(overrides=())) == (
        f"removed {WEST}",
        f"removed {NORTH}",
    )


def test_what_is_left_out_or_equal_changes_nothing() -> None:
    """No policy and no overrides: all stays; equal ones are no change."""
    assert changes(BEFORE, (WEST,), replan()) == ()
    assert changes(BEFORE, (WEST,), replan(BEFORE, (WEST,))) == ()


def test_a_list_is_told_by_its_length_and_all_of_it_is_bounded() -> None:
    """A policy can be large; what is told of it is not."""
    after = policy_of("orders", clusters=["west"])
    assert changes(BEFORE, (), replan(after)) == (
        "placement.clusterAffinity.clusterNames [3] → [1]",
    )
    other_path = policy_of("orders", path="{ .other }")
    assert changes(BEFORE, (), replan(other_path)) == ("statePreservation.rules changed",)
    many = tuple(override_of(f"o{number}", "west", "/spec/image", "x") for number in range(30))
    told = changes(BEFORE, (), replan(overrides=many))
    assert len(told) == CHANGES_MAX + 1
    assert told[-1] == "10 more"


@pytest.mark.parametrize("action", [each for each in Action if each is not Action.REPLAN])
def test_only_a_replan_carries_new_terms(action: Action) -> None:
    """A Retry or Skip that brought a policy along would change what it is about."""
    carried = Resolution(action=action, policy=BEFORE)
    assert "Replan" in (terms_refusal(carried) or "")
    assert "Replan" in (terms_refusal(Resolution(action=action, overrides=())) or "")
    assert terms_refusal(Resolution(action=action)) is None


def test_a_policy_that_moves_nothing_is_not_taken() -> None:
    """It would end the failover in the middle, since nobody could say how to go on."""
    spec = BEFORE.spec.model_copy(update={"failover": None})
    idle = BEFORE.model_copy(update={"spec": spec})
    assert "moves nothing" in (terms_refusal(replan(idle)) or "")
    assert terms_refusal(replan(BEFORE, (WEST,))) is None


def test_terms_that_are_too_large_to_travel_are_refused() -> None:
    """The bound of a request holds for what replaces parts of it."""
    huge = override_of("orders", "west", "/spec/image", "x" * 300_000)
    assert "bytes" in (terms_refusal(replan(overrides=(huge,))) or "")
