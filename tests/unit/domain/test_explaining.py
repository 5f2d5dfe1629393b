"""Why an application is moving, or why not: every verdict with its sentence, and the reasons in order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from failover.domain.budget import NotAdmitted
from failover.domain.explaining import explain
from failover.domain.explanation import (
    EXITS,
    Because,
    Before,
    Facts,
    Sight,
    Terms,
    UnderWay,
    Verdict,
)
from failover.domain.health import Cause, Health, HealthStatus
from failover.domain.identity import ApplicationRef
from failover.domain.phases import Action, Phase
from failover.domain.plan import FailoverPlan, NoCandidateNow, Refusal, Warn
from failover.domain.policy import Policy
from failover.domain.request import Block, Status
from failover.domain.selection import Considered

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
ORDERS = ApplicationRef(group="", kind="Thing", namespace="shop", name="orders")
AT = "thing/orders -n shop"
POLICY = Policy.model_validate(
    {
        "kind": "FailoverPolicy",
        "name": "p",
        "namespace": "shop",
        "spec": {
            "resourceSelectors": [{"apiVersion": "v1", "kind": "Thing"}],
            "failover": {"application": {"purgeMode": "Directly"}},
        },
    }
)
ILL = Health(status=HealthStatus.UNHEALTHY, reason="PodsNotReady", message="0 of 1 ready")
WELL = Health(status=HealthStatus.HEALTHY, reason="Running", message="1 of 1 ready")
OWN_FAULT = Health(
    status=HealthStatus.UNKNOWN, reason="UserError", message="no image", cause=Cause.USER_ERROR
)
PLAN = FailoverPlan(
    application=ORDERS,
    source="east",
    source_uid="1",
    target="west",
    purge_mode="Directly",
    considered=(
        Considered(cluster="east", standing="Refused", reason="SourceCluster", message="ill there"),
        Considered(cluster="north", standing="Refused", reason="CandidateFull", message="north is full."),
        Considered(cluster="west", standing="Chosen", reason="FirstEligible", message="west is first."),
    ),
    warnings=(Warn(reason="NoState", message="it starts cold"),),
)  # fmt: skip
HUSHED = Because("Suspended", "suspended by ada: hush")
SILENT = Sight("north", problem=Because("ClusterUnreachable", "no route"))
BASE = Facts(
    application=ORDERS,
    now=NOW,
    sights=(Sight("west"), Sight("east", lives=True, health=ILL)),
    terms=Terms(POLICY, "the policies given"),
    answer=PLAN,
)


def status(phase: Phase = Phase.TOLERATING, **more: Any) -> Status:
    """What a failover under way says of itself."""
    said: dict[str, Any] = {
        "application": ORDERS,
        "phase": phase,
        "display_phase": phase.value,
        "source": "east",
        "health": ILL,
        "toleration_ends_at": NOW + timedelta(seconds=40),
        "copies": "the original is untouched on east",
        "allowed": (Action.ABORT,),
        **more,
    }
    return Status(**said)


def under_way(phase: Phase = Phase.TOLERATING, display: str = "", **more: Any) -> Facts:
    """The facts while a failover is under way."""
    course = UnderWay(display or phase.value, NOW, status(phase, **more))
    return replace(BASE, under_way=course)


def at_home(health: Health, **more: Any) -> Facts:
    """It lives on east, and is like this."""
    return replace(BASE, sights=(Sight("east", lives=True, health=health),), **more)


BLOCKED = Block(phase=Phase.PURGING, reason="Forbidden", message="may not delete.", since=NOW)

CASES: dict[str, tuple[Facts, Verdict, str, str, str]] = {
    "well": (
        at_home(WELL),
        Verdict.NOT_MOVING,
        "Running",
        "orders is not moving: it is healthy on east.",
        f"failover start {AT} -f POLICY --force --reason 'why'",
    ),
    "well since it was moved": (
        at_home(WELL, before=Before("Completed", "west", "east", "", NOW)),
        Verdict.NOT_MOVING,
        "Running",
        "orders is not moving: it is healthy on east, where it lives since 2026-11-01 12:00:00 UTC.",
        f"failover start {AT} -f POLICY --force --reason 'why'",
    ),
    "well since its protection saw it so": (
        at_home(WELL, healthy_since=NOW, before=Before("Completed", "west", "east", "", NOW)),
        Verdict.NOT_MOVING,
        "Running",
        "orders is not moving: it is healthy on east since 2026-11-01 12:00:00 UTC.",
        f"failover start {AT} -f POLICY --force --reason 'why'",
    ),
    "its author's fault": (
        at_home(OWN_FAULT),
        Verdict.NOT_MOVING,
        "UserError",
        "orders is not moving: no image, which another cluster is not known to mend.",
        f"failover start {AT} -f POLICY --force --reason 'why'",
    ),
    "ill, and nobody has begun": (
        BASE,
        Verdict.WOULD_MOVE,
        "PodsNotReady",
        "orders would move to west after 5 min of being unhealthy; no failover of it has begun.",
        f"failover start {AT} -f POLICY",
    ),
    "tolerated": (
        under_way(),
        Verdict.WOULD_MOVE,
        "PodsNotReady",
        "orders would move to west in 40 s.",
        f"failover pause {AT} --reason 'why'",
    ),
    "tolerated by a run that only observes": (
        replace(under_way(), terms=Terms(POLICY, "it", "Observe")),
        Verdict.ONLY_OBSERVED,
        "ModeObserve",
        "orders would have been moved to west in 40 s, but is only observed.",
        "",
    ),
    "the clock stands still": (
        under_way(toleration_ends_at=None, health=OWN_FAULT),
        Verdict.NOT_MOVING,
        "UserError",
        "orders is not moving, since the clock of its toleration stands still: no image.",
        f"failover start {AT} --force --reason 'why'",
    ),
    "under way": (
        under_way(Phase.PURGING, target="west"),
        Verdict.MOVING,
        "UnderWay",
        "orders is being moved from east to west: it waits for the copy on east to be confirmed gone.",
        f"failover abort {AT} --reason 'why'",
    ),
    "blocked": (
        under_way(Phase.PURGING, "Blocked", block=BLOCKED, allowed=(Action.RETRY,)),
        Verdict.WAITS,
        "Forbidden",
        "orders is blocked in Purging: may not delete.",
        f"failover retry {AT}",
    ),
    "waits for an approval": (
        under_way(Phase.AWAITING_APPROVAL, plan_digest="abc", target="west"),
        Verdict.WAITS,
        "AwaitingApproval",
        "orders waits for an approval: east to west, plan abc.",
        f"failover approve {AT}",
    ),
    "held by a pause": (
        replace(
            under_way(Phase.HELD, reason="Paused", message="everything is paused by ops: hush"),
            pause="everything is paused by ops: hush",
            resumes="--all",
        ),
        Verdict.WAITS,
        "Paused",
        "orders is held: everything is paused by ops: hush.",
        "failover resume --all",
    ),
    "held by its budget": (
        under_way(Phase.HELD, reason="BudgetExhausted", message="three times in an hour."),
        Verdict.WAITS,
        "BudgetExhausted",
        "orders is held: three times in an hour.",
        f"failover skip {AT} --reason 'why'",
    ),
    "waits for a cluster": (
        under_way(Phase.WAITING_FOR_CLUSTER, message="none fits"),
        Verdict.WAITS,
        "NoCandidate",
        "orders waits for a cluster: none fits.",
        f"failover replan {AT} -f POLICY",
    ),
    "no worker": (
        replace(BASE, under_way=UnderWay("Tolerating", NOW, None)),
        Verdict.WAITS,
        "NoWorker",
        "orders is not moving: its failover is Tolerating, and no worker answers for it.",
        "failover worker",
    ),
    "left half done": (
        replace(BASE, sights=(Sight("west"),), interrupted="from east to west"),
        Verdict.WAITS,
        "Interrupted",
        "orders was left half done by a failover from east to west; the next one takes it over.",
        f"failover start {AT} -f POLICY",
    ),
    "nowhere": (
        replace(BASE, sights=(Sight("west"), Sight("east"))),
        Verdict.UNSEEN,
        "NotFound",
        "orders is on no cluster of the fleet.",
        "",
    ),
    "nowhere, as far as can be seen": (
        replace(BASE, sights=(Sight("west"), SILENT)),
        Verdict.UNSEEN,
        "ClusterUnreachable",
        "orders was not found, and north does not answer: whether it is there is not known.",
        "failover doctor",
    ),
    "on two clusters": (
        replace(BASE, sights=(Sight("west", lives=True), Sight("east", lives=True))),
        Verdict.REFUSED,
        "LivesOnTwoClusters",
        "orders lives on west and east: nothing is moved until one of them is deleted.",
        "",
    ),
    "nobody protects it": (
        replace(BASE, terms=Terms(missing=Because("NoPolicy", "no policy is about it."))),
        Verdict.UNPROTECTED,
        "NoPolicy",
        "orders is protected by nobody: no policy is about it.",
        f"failover explain {AT} -f POLICY",
    ),
    "suspended": (
        replace(BASE, terms=Terms(POLICY, "its protection", suspended=HUSHED)),
        Verdict.WAITS,
        "Suspended",
        "orders is not moved by itself: suspended by ada: hush.",
        f"failover resume {AT}",
    ),
    "of a newer generation than Temporal remembers": (
        replace(BASE, terms=Terms(POLICY, "it", suspended=Because("NewerGeneration", "look."))),
        Verdict.WAITS,
        "NewerGeneration",
        "orders is not moved by itself: look.",
        "failover protect -f POLICY",
    ),
    "a rule forbids it": (
        replace(BASE, answer=Refusal(reason="ManagedElsewhere", message="Argo CD keeps it")),
        Verdict.REFUSED,
        "ManagedElsewhere",
        "orders cannot be moved: Argo CD keeps it.",
        f"failover plan {AT} -f POLICY",
    ),
    "no candidate": (
        replace(BASE, answer=NoCandidateNow(message="all are full")),
        Verdict.REFUSED,
        "NoCandidate",
        "orders would wait for a cluster that can take it: all are full.",
        f"failover plan {AT} -f POLICY",
    ),
    "no plan can be made": (
        replace(BASE, answer=None, problem=Because("PathNotFound", "no savepoint.")),
        Verdict.WAITS,
        "PathNotFound",
        "orders would be blocked: no savepoint.",
        f"failover plan {AT} -f POLICY",
    ),
    "whoever asks may not read what it needs": (
        replace(BASE, answer=None, problem=Because("Forbidden", "you may not.")),
        Verdict.WAITS,
        "Forbidden",
        "orders would be blocked: you may not.",
        "failover rbac -f POLICY --role watcher",
    ),
    "would only be observed": (
        replace(BASE, terms=Terms(POLICY, "it", "Observe"), pause="paused"),
        Verdict.ONLY_OBSERVED,
        "ModeObserve",
        "orders would have been moved to west, but is only observed.",
        "",
    ),
    "would be held by a pause": (
        replace(BASE, pause="cluster east is paused by ops: hush", resumes="--cluster east"),
        Verdict.WAITS,
        "Paused",
        "orders would be held: cluster east is paused by ops: hush.",
        "failover resume --cluster east",
    ),
    "would be held by its budget": (
        replace(BASE, not_admitted=NotAdmitted(reason="CoolingDown", message="it rests", until=NOW)),
        Verdict.WAITS,
        "CoolingDown",
        "orders would be held: it rests.",
        f"failover start {AT} -f POLICY --force --reason 'why'",
    ),
    "would wait for an approval": (
        replace(BASE, terms=Terms(POLICY, "it", "Confirm")),
        Verdict.WOULD_MOVE,
        "PodsNotReady",
        "orders would move to west after 5 min of being unhealthy, once somebody approves; no failover of it has begun.",
        f"failover start {AT} -f POLICY",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "verdict", "reason", "sentence", "change"), CASES.values(), ids=CASES
)
def test_each_case_has_its_sentence_and_its_command(
    facts: Facts, verdict: Verdict, reason: str, sentence: str, change: str
) -> None:
    """The verdict first; then its token, and the one command that would change it."""
    made = explain(facts)
    assert (made.verdict, made.reason, made.sentence) == (verdict, reason, sentence)
    assert made.change == change
    assert made.exit_code == EXITS[verdict]


@pytest.mark.parametrize("facts", [each[0] for each in CASES.values()], ids=CASES)
def test_reasons_are_sentences_with_a_token(facts: Facts) -> None:
    """Each ends with one full stop, and none is said twice."""
    because = explain(facts).because
    assert len({each.message for each in because}) == len(because)
    for each in because:
        assert each.message.endswith("."), each
        assert ".." not in each.message, each
        assert each.reason, each


def test_reasons_follow_the_order_in_which_a_failover_comes_to_them() -> None:
    """How it is, what could not be seen, its policy, what holds it, where it could go, how it was before."""
    facts = replace(
        BASE,
        sights=(SILENT, *BASE.sights),
        pause="everything is paused by ops: hush",
        not_admitted=NotAdmitted(reason="CoolingDown", message="it rests", until=NOW),
        before=Before("RolledBack", "east", "west", "NoCandidate", NOW),
        unknown=(Because("TemporalUnreachable", "Temporal does not answer."),),
    )
    assert [each.reason for each in explain(facts).because] == [
        "PodsNotReady",
        "ClusterUnreachable",
        "TemporalUnreachable",
        "PolicyInForce",
        "Tolerated",
        "Paused",
        "CoolingDown",
        "CandidateFull",
        "FirstEligible",
        "NoState",
        "LastFailover",
    ]


def test_a_cluster_that_does_not_answer_becomes_a_sentence() -> None:
    """What it may hide is said; the verdict is about what was seen."""
    made = explain(replace(BASE, sights=(*BASE.sights, SILENT)))
    assert made.verdict is Verdict.WOULD_MOVE
    told = next(each for each in made.because if each.reason == "ClusterUnreachable")
    assert told.message == (
        "north does not answer: whether a copy is there is not known (no route)."
    )


def test_what_a_candidate_says_is_said_once() -> None:
    """A refusal that is a candidate's own word is a reason once; one of a rule stands beside the candidates."""
    denied = Considered(
        cluster="west", standing="Refused", reason="Forbidden", message="west: not allowed"
    )
    said = f"{denied.message}."
    own = Refusal(
        reason="Forbidden", message="west: not allowed (no cluster left)", considered=(denied,)
    )
    reasons = explain(replace(BASE, answer=own)).because
    assert [each.message for each in reasons if "not allowed" in each.message] == [said]
    rule = Refusal(reason="ManagedElsewhere", message="Argo CD keeps it", considered=(denied,))
    reasons = explain(replace(BASE, answer=rule)).because
    assert "A rule forbids the move: Argo CD keeps it." in [each.message for each in reasons]
    assert said in [each.message for each in reasons]
