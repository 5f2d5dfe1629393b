"""Random templates on random documents: we answer what the real client-go answers.

Runs in `make test-long`. A deviation found here belongs into the table of
`tests/unit/domain/test_jsonpath_table.py`.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from devstack import toolchain
from devstack.binaries import cache_directory
from failover.domain.errors import JSONPathError, UnparsablePath
from failover.domain.jsonpath import Template

pytestmark = pytest.mark.long

ORACLE = Path(__file__).parent.parent / "oracles" / "jsonpath"
KEYS = ["a", "b", "c", "a.b", "x-y", "*", ""]
Ask = Callable[[str, Any], dict[str, Any]]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """The oracle, built and running; one question, one answer."""
    go = toolchain.go(cache_directory())
    binary = tmp_path_factory.mktemp("oracle") / "oracle"
    subprocess.run([go, "build", "-o", binary, "."], cwd=ORACLE, check=True)
    with subprocess.Popen(
        [binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        questions, answers = process.stdin, process.stdout

        def ask(template: str, document: Any) -> dict[str, Any]:
            question = {"template": template, "document": json.dumps(document)}
            questions.write(json.dumps(question) + "\n")
            questions.flush()
            answer: dict[str, Any] = json.loads(answers.readline())
            return answer

        yield ask
        questions.close()


SCALARS = st.sampled_from(
    [None, True, False, 0, 1, 2, -3, 5, 1.5, 0.25, "", "a", "b", "5", "x y", "<é>"]
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
        | st.lists(st.fixed_dictionaries({"a": inner, "b": SCALARS}), max_size=3)
    ),
    max_leaves=15,
)
BOUNDS = st.sampled_from(["", "0", "1", "2", "-1", "-2", "5"])
FIELDS = st.sampled_from(KEYS).map(lambda key: "." + key.replace(".", "\\."))
QUOTED = st.sampled_from(KEYS).map(lambda key: "['" + key.replace(".", "\\.") + "']")
SLICES = st.lists(BOUNDS, min_size=1, max_size=3).map(lambda bounds: f"[{':'.join(bounds)}]")
UNIONS = st.lists(
    st.sampled_from(["0", "-1", "'a'", " 'b'", "*", "0:1"]), min_size=2, max_size=3
).map(lambda branches: f"[{','.join(branches)}]")
FILTERS = st.builds(
    "[?({}{}{})]".format,
    st.sampled_from(["@", "@.a", "@.b", "@[0]", "@['a']", "@.c.a", "@..a"]),
    st.sampled_from(["==", "!=", "<", "<=", ">", ">=", " == "]),
    st.sampled_from(["'a'", '"b"', "true", "1", "-3", "@.a", "@.b", '"x y"', "@"]),
) | st.sampled_from(["[?(@)]", "[?(@.a)]", "[?(@[1])]"])
STEPS = st.one_of(
    FIELDS,
    QUOTED,
    SLICES,
    UNIONS,
    FILTERS,
    st.sampled_from(["[*]", ".*", "..a", "..", "..[0]", " ", "$", "@", '"t"', "5", "true"]),
)
PATHS = st.lists(STEPS, max_size=4).map("".join)
NOISE = st.sampled_from(["", "", "", "", "t", " ", "}", "{", "[", "'", "\\"])


@st.composite
def templates(draw: st.DrawFn, inner: int = 2) -> str:
    """Text, actions, and ranges around more of the same."""
    pieces: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        if inner and draw(st.booleans()):
            body = draw(templates(inner - 1))
            pieces.append(f"{{range {draw(PATHS)}}}{body}{{end}}")
        else:
            pieces.append(f"{{{draw(PATHS)}}}{draw(NOISE)}")
    return "".join(pieces)


def _has_wide_map(value: object) -> bool:
    match value:
        case dict():
            members = cast("dict[str, object]", value)
            return len(members) > 1 or any(map(_has_wide_map, members.values()))
        case list():
            return any(map(_has_wide_map, cast("list[object]", value)))
        case _:
            return False


def _is_known_difference(answer: dict[str, Any], ours: JSONPathError | None) -> bool:
    """Those that the documentation of `failover.domain.jsonpath` lists."""
    error = answer.get("error", "")
    refused_when_read = isinstance(ours, UnparsablePath) and not error.startswith("parse:")
    return (
        refused_when_read
        or "incompatible types" in error
        or error.startswith("panic:")
        or "<no value>" in answer.get("text", "")
    )


@settings(
    max_examples=5_000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(template=templates(), document=DOCUMENTS)
def test_answers_as_client_go(ask: Ask, template: str, document: Any) -> None:
    """The same text, or an error where client-go has one."""
    order_matters = "*" in template or ".." in template
    assume(not (order_matters and _has_wide_map(document)))
    answer = ask(template, document)
    try:
        text, error = Template.parse(template).render(document), None
    except JSONPathError as caught:
        text, error = None, caught
    assume(not _is_known_difference(answer, error))
    assert text == (answer.get("text", "") if answer["ok"] else None)
