"""Health rules that people write: read, checked, and turned into verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import yaml

from failover.domain.closure import CLOSURE_KINDS
from failover.domain.health import Cause, HealthStatus, Support, judge, support_of
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest
from failover.domain.policy.reading import Reading, read_policies
from failover.domain.rules import (
    Answer,
    Applies,
    CannotTell,
    HealthRule,
    NoneApplies,
    agreed,
    looked_at,
    ruled,
)
from failover.domain.rules.expressions import EXPRESSION_LENGTH_MAX
from tests.support.rules import WIDGETS, clause, rule, widget


def read(*documents: dict[str, Any]) -> Reading:
    """A file of these documents."""
    return read_policies(yaml.safe_dump_all(documents), "rules.yaml")


def problems(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Path and reason of all that is wrong with a rule."""
    return [(each.path, each.reason) for each in read(document).errors]


def one(document: dict[str, Any]) -> HealthRule:
    """The rule of a document that is right."""
    reading = read(document)
    assert reading.problems == ()
    return reading.rules[0]


def test_a_rule_is_read_as_it_is_written() -> None:
    """Kind, clauses, in order."""
    found = one(WIDGETS)
    assert found.target == GroupKind("example.org", "Widget")
    assert [each.reason for each in found.spec.rules] == ["NoStatusYet", "Running", "Done", "BadSpec", "Broken"]  # fmt: skip


@pytest.mark.parametrize(
    ("document", "path", "reason"),
    [
        pytest.param(rule(clause("object.status.phase ==")), "spec.rules[0].when", "NotAnExpression", id="half an expression"),
        pytest.param(rule(clause("objct.status == 1")), "spec.rules[0].when", "NotAnExpression", id="a variable that is not there"),
        pytest.param(rule(clause("size(owned)")), "spec.rules[0].when", "NotAnExpression", id="a number"),
        pytest.param(rule(clause("owned.kind == 'Pod'")), "spec.rules[0].when", "NotAnExpression", id="owned is a list"),
        pytest.param(rule(clause("")), "spec.rules[0].when", "NotAnExpression", id="empty"),
        pytest.param(rule(clause("true" + " " * EXPRESSION_LENGTH_MAX)), "spec.rules[0].when", "NotAnExpression", id="too long"),
        pytest.param(rule(clause("(" * 400 + "true" + ")" * 400)), "spec.rules[0].when", "NotAnExpression", id="too deep"),
        pytest.param(rule(clause("true", reason="not a token")), "spec.rules[0].reason", "NotAToken", id="reason"),
        pytest.param(rule({**clause("true"), "message": "x" * 300}), "spec.rules[0].message", "TooLong", id="message"),
        pytest.param(rule(clause("true", verdict="Ill")), "spec.rules[0].verdict", "WrongValue", id="verdict"),
        pytest.param(rule({**clause("true"), "wen": "x"}), "spec.rules[0].wen", "UnknownField", id="a field that is not there"),
        pytest.param(rule(), "spec.rules", "Missing", id="no clause"),
        pytest.param(rule(*[clause("true")] * 51), "spec.rules", "TooMany", id="too many clauses"),
        pytest.param(rule(clause("true"), owned=[{"group": "", "kind": "Secret"}]), "spec.owned[0]", "OwnedKind", id="a kind that is not looked at"),
        pytest.param(rule(clause("true"), target={"group": "x.org"}), "spec.target.kind", "Missing", id="no kind"),
        pytest.param({**WIDGETS, "apiVersion": "v1"}, "apiVersion", "WrongApiVersion", id="version"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_place(
    document: dict[str, Any], path: str, reason: str
) -> None:
    """And such a rule is not used."""
    assert (path, reason) in problems(document)
    assert read(document).rules == ()


def test_an_expression_that_is_wrong_names_the_column() -> None:
    """So that a person finds it in a long line."""
    (problem,) = read(rule(clause("object.a == 1 && objct.b == 2"))).errors
    assert "objct" in problem.message
    assert "line 1, column" in problem.message


def test_replacing_a_built_in_rule_is_said() -> None:
    """As a warning: it may well be meant."""
    document = rule(clause("true"), target={"group": "apps", "kind": "Deployment"})
    (problem,) = read(document).warnings
    assert (problem.path, problem.reason) == ("spec.target", "ReplacesBuiltIn")
    assert read(document).rules


def answering(answer: Answer) -> Any:
    """An evaluator that has made up its mind."""

    def evaluate(
        _expressions: tuple[str, ...], _manifest: Manifest, _owned: Sequence[Manifest]
    ) -> Answer:
        return answer

    return evaluate


@pytest.mark.parametrize(
    ("answer", "status", "cause", "reason"),
    [
        pytest.param(Applies(1), "Healthy", None, "Running", id="well"),
        pytest.param(Applies(2), "Healthy", Cause.FINISHED, "Done", id="done"),
        pytest.param(Applies(3), "Unknown", Cause.USER_ERROR, "BadSpec", id="its own fault"),
        pytest.param(Applies(4), "Unhealthy", Cause.FAULT, "Broken", id="ill"),
        pytest.param(NoneApplies(), "Unknown", None, "NoClauseApplies", id="none"),
        pytest.param(CannotTell("RuleFailed", "x"), "Unknown", None, "RuleFailed", id="failed"),
    ],
)
def test_the_first_clause_that_is_true_gives_the_verdict(
    answer: Answer, status: str, cause: Cause | None, reason: str
) -> None:
    """What keeps a rule from a verdict is Unknown, and never the catalogue's word instead."""
    verdict = judge(widget(phase="x"), None, ruled(one(WIDGETS), answering(answer)))
    assert (verdict.status, verdict.cause, verdict.reason) == (status, cause, reason)
    assert "Widget w" in verdict.message


def test_what_is_being_deleted_is_not_asked_about() -> None:
    """As for every kind."""
    going = widget(phase="Running")
    going["metadata"]["deletionTimestamp"] = "2026-11-23T12:00:00Z"
    assert judge(going, None, ruled(one(WIDGETS), answering(Applies(1)))).reason == "BeingDeleted"


def test_a_rule_that_asks_what_is_owned_is_not_answered_by_nothing() -> None:
    """Where nobody may look, an empty list would be a lie."""
    asks = one(
        rule(clause("size(owned) == 0", "Unhealthy", "Gone"), owned=[{"group": "", "kind": "Pod"}])
    )
    verdict = judge(widget(), None, ruled(asks, answering(Applies(0))))
    assert (verdict.status, verdict.reason) == (HealthStatus.UNKNOWN, "OwnedNotSeen")
    assert judge(widget(), [], ruled(asks, answering(Applies(0)))).reason == "Gone"
    assert looked_at(asks.target, asks) == (GroupKind("", "Pod"),)


def test_what_may_be_looked_at_is_what_rights_are_given_for() -> None:
    """Other kinds would need other rights on every cluster."""
    for kind in CLOSURE_KINDS:
        owned = [{"group": kind.group, "kind": kind.kind}]
        assert problems(rule(clause("true"), owned=owned)) == []


def test_of_two_rules_for_one_kind_none_counts() -> None:
    """Which of them came first must not decide about a move."""
    (found,) = agreed([one(WIDGETS), one({**rule(clause("true")), "metadata": {"name": "mine"}})])
    verdict = judge(widget(phase="Broken"), None, ruled(found, answering(NoneApplies())))
    assert verdict.reason == "NoClauseApplies"
    assert "mine and widgets" in verdict.message


def test_a_rule_of_ones_own_is_not_proved() -> None:
    """Its kind is observed until the policy writes a mode."""
    assert support_of(GroupKind("apps", "Deployment"), own=True) is Support.EXPERIMENTAL
