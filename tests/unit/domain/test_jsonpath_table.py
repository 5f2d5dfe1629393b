"""Every case of the table: what client-go answers, or what we answer on purpose instead.

`tests/oracles/jsonpath/regenerate.py` asks the real client-go for the table's answers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from failover.domain.errors import JSONPathError
from failover.domain.jsonpath import Template

TABLE: dict[str, Any] = json.loads((Path(__file__).parent / "jsonpath_cases.json").read_text())
CASES: list[dict[str, Any]] = TABLE["cases"]
CONFORMING = [case for case in CASES if "ours" not in case]
DEVIATING = [case for case in CASES if "ours" in case]


def _answer(case: dict[str, Any]) -> str | None:
    """Our text for a case, or None for an error."""
    document = json.loads(TABLE["documents"].get(case["document"], case["document"]))
    try:
        text = Template.parse(case["template"]).render(document)
    except JSONPathError:
        return None
    return " ".join(sorted(text.split(" "))) if case.get("unordered") else text


def _of_client_go(case: dict[str, Any]) -> str | None:
    answer = case["client-go"]
    return answer.get("text", "") if answer["ok"] else None


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CONFORMING])
def test_answers_as_client_go(case: dict[str, Any]) -> None:
    """The text is client-go's, and where client-go has an error, so have we."""
    assert _answer(case) == _of_client_go(case)


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in DEVIATING])
def test_differs_from_client_go_on_purpose(case: dict[str, Any]) -> None:
    """The answer is ours, for the reason that the table gives, and is not client-go's."""
    assert case["why"]
    assert _answer(case) == case["ours"] != _of_client_go(case)


READ_FIRST = {"karmada: {.a b}", "kinds: {['a b']}"}
"""The template is wrong and so is the document; we say so of the template, before seeing it."""
FAILING = [case for case in CONFORMING if not case["client-go"]["ok"]]


def _expected_reason(case: dict[str, Any]) -> str:
    error = case["client-go"]["error"]
    unparsable = ("parse:", "unrecognized", "nothing to end", "step must be")
    missing = ("is not found", "out of bounds", "starting index", "panic:")
    if case["name"] in READ_FIRST or any(sign in error for sign in unparsable):
        return "UnparsablePath"
    return "MissingKey" if any(sign in error for sign in missing) else "PathMismatch"


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in FAILING])
def test_an_error_is_of_the_kind_that_client_go_has(case: dict[str, Any]) -> None:
    """What client-go cannot parse is unparsable; what it does not find is missing."""
    document = json.loads(TABLE["documents"].get(case["document"], case["document"]))
    with pytest.raises(JSONPathError) as caught:
        Template.parse(case["template"]).render(document)
    assert caught.value.reason == _expected_reason(case)


def test_the_table_is_large_and_named() -> None:
    """No case stands twice, and the table has not been lost."""
    names = [case["name"] for case in CASES]
    assert len(names) == len(set(names)) > 400
