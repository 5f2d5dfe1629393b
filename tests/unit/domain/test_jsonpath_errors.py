"""What a person is told when a template cannot be used, and that nothing runs without bound."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.domain.errors import (
    DefiniteError,
    JSONPathError,
    MissingKey,
    PathMismatch,
    PathTooBroad,
    UnparsablePath,
)
from failover.domain.jsonpath import Template

JOB = {"jobStatus": {"jobId": "a1", "state": "RUNNING"}, "list": [{"v": 1}], "none": None, "e": {}}


def _error(template: str, document: object) -> JSONPathError | None:
    """How rendering fails, if it fails; anything but our own errors breaks the test."""
    try:
        Template.parse(template).render(document)
    except JSONPathError as error:
        return error
    return None


def test_a_missing_key_names_the_path_and_the_keys_there() -> None:
    """The operator reads what was looked for, where, and what stands there instead."""
    with pytest.raises(MissingKey) as caught:
        Template.parse("{ .jobStatus.jobID }").render(JOB, at="status")
    error = caught.value
    assert (error.key, error.path, error.keys) == ("jobID", ".status.jobStatus", ("jobId", "state"))
    assert error.message == (
        "the JSONPath template { .jobStatus.jobID } finds no 'jobID':"
        " .status.jobStatus has the keys jobId, state"
    )


@pytest.mark.parametrize(
    ("template", "place"),
    [
        pytest.param("{.nope}", "the document has the keys e, jobStatus, list, none", id="top"),
        pytest.param("{.list[3]}", ".list is a list with 1 elements", id="short list"),
        pytest.param("{.list[0].v.w}", ".list[0].v is a number", id="scalar"),
        pytest.param("{.none.x}", ".none is null", id="null"),
        pytest.param("{.e.x}", ".e is an empty map", id="empty map"),
        pytest.param("{.list.x}", ".list is a list with 1 elements", id="list as map"),
        pytest.param(
            "{range .list[?(@.v==2)]}{.v}{end}",
            "the range around it found nothing",
            id="empty range",
        ),
    ],
)
def test_a_missing_key_tells_what_is_there(template: str, place: str) -> None:
    """Each kind of thing that is there instead has its words."""
    with pytest.raises(MissingKey) as caught:
        Template.parse(template).render(JOB)
    assert caught.value.message.endswith(place)


def test_few_keys_are_shown_and_no_values() -> None:
    """A map of many secrets shows ten of its keys, and none of its values."""
    document = {f"key{i:03}.x": f"secret{i}" for i in range(200)}
    with pytest.raises(MissingKey) as caught:
        Template.parse("{.token}").render(document)
    assert len(caught.value.keys) == 10
    assert caught.value.message.endswith("key009.x and 190 more")
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    ("template", "message"),
    [
        pytest.param(
            "{.jobStatus[0]}", "list for its [0]: .jobStatus has the keys", id="index a map"
        ),
        pytest.param("{.e[?(@.x)]}", "list for its filter: .e is an empty map", id="filter a map"),
        pytest.param(
            "{.list[?(@.v=='x')]}", "compares a number == a text for .list[0]", id="compare kinds"
        ),
        pytest.param(
            "{.list[?(@<1)]}", "compares a map < a number for .list[0]", id="compare a map"
        ),
        pytest.param("{.list[?(@.v==@[*])]}", "list for its [*]: .list[0]", id="right side fails"),
        pytest.param("{.list[?(@.*==@[0,0])]}", "list for its [0]", id="union fails"),
        pytest.param("{.list[?(@==@)]}", "compares a map == a map", id="compare maps"),
        pytest.param("{[?(@)]}", "list for its filter: the document has", id="filter the document"),
    ],
)
def test_a_mismatch_tells_kinds_and_places(template: str, message: str) -> None:
    """A document of another shape is described by kinds, never by values."""
    with pytest.raises(PathMismatch) as caught:
        Template.parse(template).render(JOB)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("template", "column"),
    [
        pytest.param("{ %health }", 3, id="character"),
        pytest.param("ab{.c", 6, id="unclosed"),
        pytest.param("{.a[0,x]}", 7, id="within a union"),
        pytest.param("{.a[0, x]}", 8, id="within a union, indented"),
        pytest.param("{.a[?(@.b==%)]}", 12, id="right of a comparison"),
        pytest.param("{.a[?(%)]}", 7, id="within a filter"),
        pytest.param("{['a b']}", 6, id="within a quoted key"),
        pytest.param("{.a}{end}", 6, id="end"),
        pytest.param("x{hello}", 3, id="word"),
        pytest.param("{..  ..}", 6, id="descent twice"),
        pytest.param("{" + " " * 5000 + "}", 4097, id="too long"),
    ],
)
def test_an_unparsable_template_names_the_column(template: str, column: int) -> None:
    """The column counts characters of the whole template, from 1, also within its parts."""
    with pytest.raises(UnparsablePath) as caught:
        Template.parse(template)
    assert caught.value.column == column
    assert caught.value.message.endswith(f"(column {column})")


@pytest.fixture
def soon() -> Iterator[None]:
    """Within ten seconds of processor time: a machine that is busy with other things makes nothing slow."""
    begin = time.process_time()
    yield
    assert time.process_time() - begin < 10


WIDE: dict[str, Any] = {"items": [{"c": [1, 2, 3], "t": "x" * 100} for _ in range(20_000)]}
DEEP: dict[str, Any] = reduce(lambda inner, _: {"a": inner}, range(2000), {})


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(
    ("template", "document"),
    [
        pytest.param("{..c}", WIDE, id="descent"),
        pytest.param("{" + "..c" * 500 + "}", WIDE, id="descents"),
        pytest.param("{.items[*].t}", WIDE, id="text"),
        pytest.param("{.items[*].t.*}", WIDE, id="bytes"),
        pytest.param("{.items[*].c[*].*}{@}", WIDE, id="everything"),
        pytest.param("{.items[?(@..c)].c}" * 3, WIDE, id="filter"),
        pytest.param("{range $}" * 16 + "{$}", {}, id="ranges without an end"),
        pytest.param("{@}", DEEP, id="depth"),
        pytest.param("{range @}" * 400, {}, id="ranges in ranges"),
        pytest.param("{.items[?(@..c)]}", {"items": [WIDE["items"]] * 4}, id="within a filter"),
    ],
)
def test_too_much_is_refused_in_bounded_time(template: str, document: object) -> None:
    """A template that would take forever, or print without end, is an error soon."""
    with pytest.raises(PathTooBroad):
        Template.parse(template).render(document)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(
    "piece",
    [
        "{",
        "[",
        "[?(",
        '[?("',
        ".",
        "-",
        "(",
        "..a",
        "{range ",
        "\\",
        "'",
        "[?(=",
        "[?('",
        '.a"[?(',
        "[0,?(",
        "['",
        "=",
        ",",
    ],
)
def test_reading_is_quick_whatever_stands_there(piece: str) -> None:
    """No template makes its reader recurse or go back and forth without bound."""
    for template in (piece * (4096 // len(piece)), "{" + piece * (4000 // len(piece)) + "}"):
        error = _error(template, None)
        assert error is None or len(error.message) <= 1024


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=3), JSON_VALUES))
def test_a_printed_object_is_the_same_object(document: dict[str, Any]) -> None:
    """Compact JSON loses nothing: what is printed reads back as what was there."""
    text = Template.parse("{@}").render(document)
    assert json.loads(text, parse_int=float) == json.loads(json.dumps(document), parse_int=float)


@given(st.text(max_size=60), JSON_VALUES)
def test_any_text_is_a_template_or_a_definite_error(text: str, document: object) -> None:
    """Whatever a person writes, the answer is a text or one of our errors."""
    error = _error(text, document)
    reasons = {"UnparsablePath", "MissingKey", "PathMismatch", "PathTooBroad"}
    assert error is None or error.reason in reasons


@given(st.text(alphabet="{}[]().,'\"\\@$*?=<>!& \t\nrange end01a-:", max_size=40))
def test_any_syntax_is_a_template_or_a_definite_error(text: str) -> None:
    """The same, for texts made of what the syntax is made of."""
    error = _error(text, {"a": [0, 1, {"a": "a"}]})
    assert error is None or (isinstance(error, DefiniteError) and error.message)


@given(st.integers())
def test_integers_are_printed_verbatim(number: int) -> None:
    """Every integer keeps all its digits."""
    assert Template.parse("{.n}").render({"n": number}) == str(number)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_never_have_an_exponent(number: float) -> None:
    """A float's text means the same number, and is digits and a point only."""
    text = Template.parse("{.n}").render({"n": number})
    assert float(text) == number
    assert set(text) <= set("-.0123456789")


def test_lone_surrogates_become_replacement_characters() -> None:
    """What cannot be encoded is not printed."""
    assert Template.parse("{.a}").render({"a": "x\ud800"}) == "x\ufffd"


def test_templates_are_values() -> None:
    """Templates are equal if their text is, can be keys, and are read once."""
    assert Template.parse("{.a}") is Template.parse("{.a}")
    assert len({Template.parse("{.a}"), Template.parse("{.a}"), Template.parse("{.b}")}) == 2
    assert Template.parse("plain").is_constant
    assert not Template.parse("{.a}").is_constant
