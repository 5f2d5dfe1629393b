"""Telling where in a document something is, and what is there: keys and kinds, never values."""

from __future__ import annotations

from typing import TypeAlias, cast

from jsonpath_ng.jsonpath import DatumInContext, Fields, Index

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""A value, as JSON knows values."""

KEYS_SHOWN_MAX = 10
NAME_SHOWN_MAX = 60

NOTHING = DatumInContext(None)
"""What the body of a range that found nothing is evaluated on."""


def value_of(datum: DatumInContext) -> Json:
    """The value at a place; jsonpath-ng does not know its type."""
    return cast("Json", datum.value)


def keys_of(datum: DatumInContext) -> tuple[str, ...]:
    """The first few keys of a map, sorted; none for anything else."""
    value = value_of(datum)
    keys = sorted(value) if isinstance(value, dict) else []
    return tuple(key[:NAME_SHOWN_MAX] for key in keys[:KEYS_SHOWN_MAX])


def kind_of(value: object) -> str:
    """What kind of JSON value it is, in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case _:
            return "a map"


def place_of(datum: DatumInContext) -> str:
    """What is at a path, without telling any value: `.items is a list of 2`."""
    if datum is NOTHING:
        return "the range around it found nothing"
    match value := value_of(datum):
        case dict() if value:
            shown = keys_of(datum)
            rest = len(value) - len(shown)
            more = f" and {rest} more" if rest else ""
            return f"{path_of(datum)} has the keys {', '.join(shown)}{more}"
        case dict():
            return f"{path_of(datum)} is an empty map"
        case list():
            return f"{path_of(datum)} is a list with {len(value)} elements"
        case _:
            return f"{path_of(datum)} is {kind_of(value)}"


def path_of(datum: DatumInContext) -> str:
    """The path to a value, as a template would write it; `the document` for the whole of it."""
    names: list[str] = []
    here: DatumInContext | None = datum
    while here is not None:
        match here.path:
            case Fields():
                names.append("." + here.path.fields[0][:NAME_SHOWN_MAX].replace(".", "\\."))
            case Index():
                names.append(f"[{here.path.indices[0]}]")
            case _:
                pass
        here = here.context
    return "".join(reversed(names)) or "the document"
