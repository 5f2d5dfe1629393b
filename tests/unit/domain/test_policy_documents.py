"""YAML from outside is read within bounds, as JSON values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.domain.documents import (
    BYTES_MAX,
    Document,
    Flaw,
    FlawError,
    read_documents,
    read_value,
)

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    ("text", "reason", "line"),
    [
        pytest.param("a: [\n", "NotYaml", 2, id="syntax"),
        pytest.param("a: 1\nb: 2\na: 3\n", "DuplicateKey", 3, id="duplicate-key"),
        pytest.param("x:\n  b: 2\n  b: 3\n", "DuplicateKey", 3, id="duplicate-key-inside"),
        pytest.param("a: &a\n  b: *a\n", "EndlessAlias", 1, id="alias-within-itself"),
        pytest.param(BOMB, "TooManyValues", 6, id="aliases-of-aliases"),
        pytest.param("[" * 200 + "]" * 200, "NestedTooDeeply", 1, id="deep"),
        pytest.param("a: .inf\n", "NotANumber", 1, id="infinity"),
        pytest.param("a: !!python/object:os.system x\n", "NotYaml", 1, id="tag"),
        pytest.param("a: !!binary aGk=\n", "NotYaml", 1, id="binary"),
        pytest.param("? [a]\n: 1\n", "NotAKey", 1, id="list-as-key"),
        pytest.param("a: \x00\n", "NotYaml", None, id="control-character"),
        pytest.param("a" * (BYTES_MAX + 1), "FileTooLarge", None, id="large"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_a_flaw_with_its_line(
    text: str, reason: str, line: int | None
) -> None:
    """Each flaw has a reason, and a line where there is one."""
    [flaw] = read_documents(text)
    assert isinstance(flaw, Flaw)
    assert (flaw.reason, flaw.line) == (reason, line)


def test_too_many_documents_end_the_reading() -> None:
    """The bound is on documents, empty ones included."""
    *documents, flaw = read_documents("a: 1\n---\n" * 501)
    assert len(documents) == 500
    assert isinstance(flaw, Flaw)
    assert flaw.reason == "TooManyDocuments"


def test_one_bad_document_costs_itself_only() -> None:
    """Documents before and after a flaw are read."""
    found = list(read_documents("a: 1\n---\nb: 1\nb: 2\n---\nc: 2024-01-01\n"))
    assert [type(each) for each in found] == [Document, Flaw, Document]
    last = found[-1]
    assert isinstance(last, Document)
    assert (last.index, last.line, last.content) == (2, 6, {"c": "2024-01-01"})


def test_ordinary_aliases_and_merges_work() -> None:
    """Anchors are a convenience that people use."""
    assert read_value("a: &a {x: 1}\nb: *a\nc: {<<: *a, y: 2}\n") == {
        "a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1, "y": 2},
    }  # fmt: skip


def test_a_value_is_one_document() -> None:
    """Two documents are no value."""
    with pytest.raises(FlawError):
        read_value("a: 1\n---\nb: 2\n")


@given(st.text(max_size=200))
def test_reading_is_total(text: str) -> None:
    """No text raises."""
    for each in read_documents(text):
        assert isinstance(each, Document | Flaw)
