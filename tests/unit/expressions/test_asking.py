"""Expressions are evaluated in a process apart, which no expression can make hang."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from failover.domain.rules import Answer, Applies, CannotTell, NoneApplies
from failover.expressions import asking
from failover.expressions.asking import Asking, judge_by
from tests.support.health.cases import WELL
from tests.support.rules import WIDGETS, widget
from tests.unit.domain.test_health_rules import one

ROWS = [{"k": str(number), "v": list(range(20))} for number in range(90)]
LOOPS = (
    "object.rows.all(a, object.rows.all(b, object == object && object == object && object == object))",
    "object.rows.all(a, object.rows.all(b, object.rows.all(c, a.k != 'x' || b.k != c.k)))",
    "[object.rows].all(a," + "".join(f"[{x}+{x}].all({y}," for x, y in zip("abcdefghijklmno", "bcdefghijklmnop", strict=True)) + "size(p) > 0" + ")" * 16,
)  # fmt: skip
DAY = 24 * 3600


@pytest.fixture(scope="module")
def asked() -> Iterator[Asking]:
    """One process, for all that does it no harm."""
    found = Asking()
    yield found
    found.close()


@pytest.fixture
def fresh() -> Iterator[Asking]:
    """A process of one's own."""
    found = Asking()
    yield found
    found.close()


def ask(asked: Asking, *expressions: str, **status: Any) -> Answer:
    """The first of the expressions that is true."""
    return asked.evaluate(expressions, {"status": status}, ())


def test_the_first_that_is_true_is_found(asked: Asking) -> None:
    """And those after it are not looked at."""
    assert ask(asked, "object.status.n > 5", "object.status.n > 1", "1 / 0 == 1", n=2) == Applies(1)
    assert ask(asked, "object.status.n > 5", n=2) == NoneApplies()


def test_what_is_owned_can_be_asked(asked: Asking) -> None:
    """It is a list of objects."""
    expression = "owned.exists(o, o.kind == 'Pod' && o.status.phase == 'Running')"
    assert asked.evaluate((expression,), {}, [WELL]) == Applies(0)
    assert asked.evaluate((expression,), {}, []) == NoneApplies()


@pytest.mark.parametrize("expression", LOOPS, ids=["work", "iterations", "memory"])
def test_what_costs_too_much_is_stopped(fresh: Asking, expression: str) -> None:
    """Within the bound; the next one is answered by a new process, this one is not tried again."""
    assert ask(fresh, "true") == Applies(0)
    began = time.monotonic()
    answer = fresh.evaluate((expression,), {"rows": ROWS}, ())
    assert time.monotonic() - began < asking.WAIT_SECONDS_MAX + 1
    assert isinstance(answer, CannotTell)
    assert answer.reason == "RuleTooCostly"
    assert ask(fresh, "true") == Applies(0)
    assert fresh.evaluate((expression,), {"rows": ROWS}, ()) == answer


def test_what_was_too_costly_is_tried_again_after_a_while(
    fresh: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The object may have become smaller."""
    assert isinstance(fresh.evaluate((LOOPS[0],), {"rows": ROWS}, ()), CannotTell)
    now = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: now() + DAY)
    assert fresh.evaluate((LOOPS[0],), {"rows": []}, ()) == Applies(0)


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        pytest.param("object.status.nope == 1", "no field nope", id="a field that is missing"),
        pytest.param("object.status.secret", "it gives STRING, not true or false", id="no answer"),
        pytest.param("object.status.secret > 3", "No matching overloads", id="types"),
        pytest.param("object.status.m[object.status.secret] == 1", "there is no field; ask", id="a key from the object"),
        pytest.param("object.status.secret.matches(object.status.secret + '(')", "cannot be evaluated", id="a pattern from the object"),
        pytest.param("object.status.secret.x == 1", "no map", id="a field of a text"),
        pytest.param("int(object.status.secret) == 1", "cannot convert string to int", id="a conversion"),
    ],
)  # fmt: skip
def test_a_failure_names_its_clause_and_quotes_nothing(
    asked: Asking, expression: str, told: str
) -> None:
    """Messages of the library may hold what they failed on."""
    answer = ask(asked, "false", expression, secret="canary", m={"a": 1})
    assert isinstance(answer, CannotTell)
    assert answer.reason == "RuleFailed"
    assert answer.message.startswith("spec.rules[1].when: ")
    assert told in answer.message
    assert "canary" not in answer.message


def test_a_number_that_is_no_integer_of_cel_fails_politely(asked: Asking) -> None:
    """JSON knows larger ones."""
    answer = ask(asked, "object.status.n > 1", n=2**70)
    assert isinstance(answer, CannotTell)
    assert answer.reason == "RuleFailed"


def test_an_object_that_is_too_large_is_not_sent(
    asked: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What servers keep for themselves does not count."""
    monkeypatch.setattr(asking, "QUESTION_BYTES_MAX", 1000)
    answer = ask(asked, "true", text="x" * 2000)
    assert isinstance(answer, CannotTell)
    assert answer.reason == "RuleInputTooLarge"
    kept = {"metadata": {"name": "it", "managedFields": ["x" * 2000]}}
    assert asked.evaluate(("object.metadata.name == 'it'",), kept, ()) == Applies(0)


def test_a_process_that_was_killed_is_started_again(fresh: Asking) -> None:
    """By whomever."""
    assert ask(fresh, "true") == Applies(0)
    process = fresh._process
    assert process is not None
    os.kill(process.pid, 9)
    process.wait()
    assert ask(fresh, "true") == Applies(0)


def test_where_no_process_starts_nothing_can_be_told(
    fresh: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is raised."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    answer = ask(fresh, "true")
    assert isinstance(answer, CannotTell)
    assert answer.reason == "ExpressionsUnavailable"


def test_a_whole_rule_judges_an_object() -> None:
    """From the document to the verdict."""
    judge = judge_by(one(WIDGETS))
    assert judge is not None
    verdicts = [
        judge(each, None).reason
        for each in (
            widget(),
            widget(phase="Running"),
            widget(phase="Done"),
            widget(phase="Broken", attempts=3),
            widget(phase="Broken", attempts=1),
            widget(phase="Broken"),
        )
    ]
    assert verdicts == ["NoStatusYet", "Running", "Done", "Broken", "NoClauseApplies", "RuleFailed"]
    assert judge_by(None) is None
