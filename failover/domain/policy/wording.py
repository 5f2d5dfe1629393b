"""pydantic's complaints in the words of somebody who writes YAML."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from failover.domain.policy.fields import nearest
from failover.domain.policy.model import SPELLINGS
from failover.domain.policy.problems import Finding, error

_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "string_type": "text (numbers and true/false need quotes)",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a map",
    "model_type": "a map",
    "model_attributes_type": "a map",
}
_SHOWN_LENGTH_MAX = 60


def findings_of(failure: ValidationError) -> Iterator[Finding]:
    """One finding for each value of a wrong type, and for each that is missing."""
    for each in failure.errors(include_url=False):
        path = _path(each["loc"])
        kind = each["type"]
        if kind == "missing":
            yield error(path, "Missing", "is missing.")
        elif kind == "literal_error":
            yield error(path, "WrongValue", _wrong_value(each))
        elif kind in _EXPECTED:
            yield error(
                path, "WrongType", f"must be {_EXPECTED[kind]}, not {_shown(each['input'])}."
            )
        else:
            yield error(path, "Invalid", f"{each['msg'][:200]}.")


def _wrong_value(each: ErrorDetails) -> str:
    expected = str(each.get("ctx", {}).get("expected", ""))
    allowed = tuple(
        name for name in expected.replace(" or ", ", ").replace("'", "").split(", ") if name
    )
    if "Gracefully" in allowed:
        allowed += tuple(spelling for spelling, today in SPELLINGS.items() if today in allowed)
    value = each["input"]
    meant = nearest(value, allowed) if isinstance(value, str) and value else None
    hint = f" Did you mean {meant}?" if meant else ""
    return f"must be one of {', '.join(allowed)}, not {_shown(value)}.{hint}"


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        short = value if len(value) <= _SHOWN_LENGTH_MAX else f"{value[:_SHOWN_LENGTH_MAX]}…"
        return f"the text {short!r}"
    return "nothing" if value is None else repr(value)


def _path(location: tuple[Any, ...]) -> str:
    path = ""
    for step in cast("tuple[int | str, ...]", location):
        if isinstance(step, int):
            path += f"[{step}]"
        else:
            path += f".{step}" if path else step
    if path in {"name", "namespace"}:
        return f"metadata.{path}"
    return path
