"""What is said of an application's health decides whether it moves: its cause, and whose rule it is."""

from __future__ import annotations

import json
from typing import Any

from failover.domain.phases import Outcome
from failover.domain.policy.reading import read_policies
from failover.domain.request import Status
from failover.domain.rules import HealthRule
from tests.support.saga import GROUP, KIND, Saga, policy_of
from tests.support.waiting import eventually

MOOD = "example.org/mood"
READY = "owned.exists(d, has(d.status.readyReplicas) && d.status.readyReplicas > 0)"
WRONG = f"has(object.metadata.annotations) && object.metadata.annotations.exists(k, k == '{MOOD}')"


def rule() -> HealthRule:
    """A Flink application by its JobManager; without one, its author may be to blame."""
    document: dict[str, Any] = {
        "apiVersion": "stateful-failover.dev/v1alpha1",
        "kind": "HealthRule",
        "metadata": {"name": "moody"},
        "spec": {
            "target": {"group": GROUP, "kind": KIND},
            "owned": [{"group": "apps", "kind": "Deployment"}],
            "rules": [
                {"when": READY, "verdict": "Healthy", "reason": "Running"},
                {"when": WRONG, "verdict": "UserError", "reason": "WrongSpec"},
                {"when": "true", "verdict": "Unhealthy", "reason": "NoJobManager"},
            ],
        },
    }
    reading = read_policies(json.dumps(document), "rule.json")
    assert reading.rules, reading.problems
    return reading.rules[0]


async def test_a_user_error_never_moves_and_says_so(saga: Saga) -> None:
    """Although the policy counts what is not known, and tolerates nothing; once mended, it moves."""
    app = await saga.ill_application("wrong")
    await app.annotate("east", {MOOD: "wrong"})
    counts = {"tolerationSeconds": 0, "onUnknown": "Count"}
    policy = policy_of(app.name, decisionConditions=counts, mode="Automatic")
    await app.start(policy, health_rule=rule())

    async def looked() -> Status | None:
        status = await app.status()
        return status if status.health is not None else None

    status = await eventually(looked, "the first look")
    assert status.health is not None
    assert status.health.reason == "WrongSpec"
    assert status.toleration_ends_at is None
    assert status.display_phase == "Tolerating"
    await app.was_never_written()
    await app.annotate("east", {MOOD: None})
    await app.moved("west")


async def test_a_rule_of_ones_own_is_only_observed_until_the_policy_says_more(saga: Saga) -> None:
    """WouldHaveMoved, with the plan; nothing is written."""
    app = await saga.ill_application("unproved")
    await app.start(health_rule=rule())
    ending = await app.ends()
    assert ending.outcome is Outcome.WOULD_HAVE_MOVED, ending
    assert ending.result is not None
    assert ending.result.plan is not None
    assert "ExperimentalKind" in [each.reason for each in ending.result.plan.warnings]
    await app.was_never_written()
