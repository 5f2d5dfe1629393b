"""What the Temporal UI shows of a failover, word for word."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from failover.domain import telling
from failover.domain.identity import ApplicationRef
from failover.domain.phases import BLOCKED, Action, Outcome, Phase
from failover.domain.policy import Policy
from failover.domain.policy.reading import read_policies
from failover.domain.request import (
    Approval,
    Block,
    FailoverRequest,
    Resolution,
    Retarget,
    Status,
    StepEntry,
    Trigger,
)
from failover.domain.resolving import Decision, Standing, refusal
from failover.domain.wire import Wire
from tests.support.orders import ORDERS, POLICY

T0 = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CLUSTER_SCOPED = ApplicationRef(group="example.org", kind="Mill", namespace="", name="big")

STATIC = """
**FlinkDeployment shop/orders** is unhealthy on **east**.

- Trigger: Watch by failover-watcher@host
- Seen: JobManagerMissing: no pod of it is there
- Policy: FailoverPolicy/orders in shop
- Toleration: 5 min, purge mode Directly
- State carried over: `example.com/job` ← `{ .jobStatus.jobId }`
- A step is Blocked after 180 s of transient errors

To decide, More Actions → Send an Update:

- `resolve` with `{"action": "Retry", "actor": "you", "note": "why"}`
- `resolve` with `{"action": "Replan", "actor": "you", "note": "why"}`
- `resolve` with `{"action": "Skip", "rule": "aliasLabelName", "coldStart": true, "actor": "you"}`
- `resolve` with `{"action": "Skip", "declareGone": true, "actor": "you", "note": "how you know"}`
- `resolve` with `{"action": "Abort", "actor": "you", "note": "why"}`
- `approve` with `{"digest": "as in the query status", "actor": "you"}`
- `deny` with `{"digest": "as in the query status", "actor": "you", "note": "why"}`
- `retarget` with `{"cluster": "another one", "actor": "you"}`

or with the command line:

- `failover status flinkdeployment/orders -n shop`
- `failover retry|skip|replan|abort flinkdeployment/orders -n shop`

[Runbook](https://runbook.example)
"""

BLOCKED_DETAILS = """
**Blocked** · a person has to decide

**MissingKey**: jobId is not found

Decide with one of:

- `failover retry flinkdeployment/orders -n shop`
- `failover replan flinkdeployment/orders -n shop`
- `failover skip flinkdeployment/orders -n shop --rule ALIAS_LABEL_NAME --cold-start`
- `failover abort flinkdeployment/orders -n shop`

Now:

- Copies: the original is untouched on east
- Point of no return: not passed
- Captured state: none yet

Done so far:

1. Tolerating on east (2 min 5 s) – Unhealthy: JobManagerMissing
2. Planning (now)
"""


def policy() -> Policy:
    """One that carries one value over."""
    rules = "{rules: [{aliasLabelName: example.com/job, jsonPath: '{ .jobStatus.jobId }'}]}"
    text = POLICY.replace("purgeMode: Directly", f"purgeMode: Directly, statePreservation: {rules}")
    return read_policies(text, "policy.yaml").policies[0]


def request(application: ApplicationRef = ORDERS, force_reason: str = "") -> FailoverRequest:
    """What a watcher asks for."""
    trigger = Trigger(
        kind="Watch",
        actor="failover-watcher@host",
        reason="JobManagerMissing",
        message="no pod of it is there",
    )
    return FailoverRequest(
        application=application,
        source="east",
        policy=policy(),
        trigger=trigger,
        force_reason=force_reason,
    )


def blocked(application: ApplicationRef = ORDERS, phase: Phase = Phase.PLANNING) -> Status:
    """A failover whose step has failed for good."""
    copies = "the original is untouched on east"
    block = Block(phase=phase, reason="MissingKey", message="jobId is not found", since=T0)
    tolerated = StepEntry(
        phase=Phase.TOLERATING,
        started_at=T0,
        ended_at=T0 + timedelta(seconds=125),
        cluster="east",
        note="Unhealthy: JobManagerMissing",
    )
    return Status(
        application=application,
        phase=phase,
        display_phase=BLOCKED,
        reason=block.reason,
        message=block.message,
        source="east",
        block=block,
        copies=copies,
        allowed=tuple(Action),
        steps=(tolerated, StepEntry(phase=phase, started_at=T0 + timedelta(seconds=125))),
    )


def test_what_it_is_about_stands_in_the_run_without_any_worker() -> None:
    """Trigger, policy, limits, and the very JSON of each update."""
    assert telling.summary(request()) == "orders (FlinkDeployment) off east: JobManagerMissing"
    assert telling.static_details(request(), "https://runbook.example") == STATIC.strip()


def test_what_a_person_moves_is_not_called_unhealthy() -> None:
    """Whoever forces a move has said why."""
    head = telling.static_details(request(force_reason="east is drained")).splitlines()[0]
    assert head == (
        "**FlinkDeployment shop/orders** is moved as a person wants it (east is drained), off **east**."
    )


def test_every_update_that_is_shown_can_be_pasted() -> None:
    """It is JSON of the update's own model, and one that the table of decisions allows somewhere."""
    models: dict[str, type[Wire]] = {
        "resolve": Resolution,
        "approve": Approval,
        "deny": Approval,
        "retarget": Retarget,
    }
    shown = re.findall(r"- `(\w+)` with `(.*)`", telling.static_details(request()))
    assert {name for name, _ in shown} == set(models)
    read = [models[name].model_validate(json.loads(text)) for name, text in shown]
    resolutions = [each for each in read if isinstance(each, Resolution)]
    assert {each.action for each in resolutions} == set(Action)
    for each in resolutions:
        decision = Decision(
            each.action,
            each.note,
            each.rule,
            cold_start=each.cold_start,
            declare_gone=each.declare_gone,
        )
        standings = [
            Standing(phase, blocked=True, delete_accepted=accepted)
            for phase in Phase
            for accepted in (False, True)
        ]
        assert any(refusal(standing, decision) is None for standing in standings), each


def test_where_it_stands_says_why_and_what_to_type() -> None:
    """Reason, commands, whether a copy runs, what cannot be undone, and what was done."""
    assert telling.current_details(blocked()) == BLOCKED_DETAILS.strip()


@pytest.mark.parametrize(
    ("phase", "typed"),
    [
        pytest.param(Phase.CAPTURING, " --rule ALIAS_LABEL_NAME --cold-start", id="a rule"),
        pytest.param(
            Phase.PURGING,
            " --declare-gone --reason 'how you know that nothing of it runs'",
            id="gone",
        ),
        pytest.param(Phase.VERIFYING, "", id="nothing"),
    ],
)
def test_a_skip_says_what_is_lost(phase: Phase, typed: str) -> None:
    """What has to be said for it depends on where it stands."""
    assert f"failover skip flinkdeployment/orders -n shop{typed}" in telling.commands(
        blocked(phase=phase)
    )


def test_what_is_in_no_namespace_is_typed_without_one() -> None:
    """No `-n` without a value: at three in the morning that would be a usage error."""
    details = telling.static_details(request(CLUSTER_SCOPED))
    assert details.startswith("**Mill big** is unhealthy")
    assert "- `failover status mill/big`" in details
    assert "- `failover retry|skip|replan|abort mill/big`" in details
    assert "- `failover retry mill/big`" in telling.current_details(blocked(CLUSTER_SCOPED))
    awaiting = blocked(CLUSTER_SCOPED).model_copy(update={"block": None})
    phase = Phase.AWAITING_APPROVAL.value
    assert telling.call_of(awaiting, phase, "failover/x", T0).command == "failover approve mill/big"
    held = telling.call_of(awaiting, Phase.HELD.value, "failover/x", T0)
    assert held.command == "failover status mill/big"


def test_at_the_end_the_outcome_speaks() -> None:
    """How it ended, and what is left over."""
    over = Status(
        application=ORDERS,
        phase=Phase.FINISHING,
        display_phase=Outcome.COMPLETED,
        outcome=Outcome.COMPLETED,
        message="FlinkDeployment/orders lives on west",
        copies="a healthy copy runs on west",
        point_of_no_return_passed=True,
        labels={"example.com/job": "42"},
        leftovers=("a record on east",),
    )
    told = telling.current_details(over)
    assert told.startswith("**Completed** · FlinkDeployment/orders lives on west\n")
    assert "- Point of no return: passed: a delete was accepted" in told
    assert "- Captured state: `example.com/job=42`" in told
    assert "- Left over: a record on east" in told
