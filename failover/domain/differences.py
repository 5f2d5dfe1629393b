"""What has changed in a document, in a few words for the log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

SHOWN_MAX = 8
_SHOWN_LENGTH_MAX = 60


def differences(before: object, after: object) -> tuple[str, ...]:
    """Each place that has another value, as `spec.priority: 0 → 5`; of many, the first few."""
    found = list(_differences(before, after, ""))
    more = len(found) - SHOWN_MAX
    return (*found[:SHOWN_MAX], *((f"and {more} more",) if more > 0 else ()))


def _differences(before: object, after: object, path: str) -> Iterator[str]:
    pairs = _pairs(before, after)
    if pairs is not None:
        for step, old, new in pairs:
            yield from _differences(old, new, f"{path}{step}".removeprefix("."))
    elif before != after or type(before) is not type(after):
        yield f"{path}: {_shown(before)} → {_shown(after)}"


def _pairs(before: object, after: object) -> list[tuple[str, object, object]] | None:
    """What two maps or two lists hold, side by side; `None` where they are not alike."""
    if isinstance(before, dict) and isinstance(after, dict):
        old, new = cast("dict[str, object]", before), cast("dict[str, object]", after)
        return [(f".{key}", old.get(key), new.get(key)) for key in dict.fromkeys((*old, *new))]
    if isinstance(before, list | tuple) and isinstance(after, list | tuple):
        was, now = cast("list[object]", before), cast("list[object]", after)
        numbers = range(max(len(was), len(now)))
        return [(f"[{number}]", _at(was, number), _at(now, number)) for number in numbers]
    return None


def _at(values: list[object], index: int) -> object:
    return values[index] if index < len(values) else None


def _shown(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case dict():
            return "a map"
        case list() | tuple():
            return "a list"
        case _:
            text = str(value)
            return text if len(text) <= _SHOWN_LENGTH_MAX else f"{text[:_SHOWN_LENGTH_MAX]}…"
