"""JSON patches on plain JSON: add, replace and remove at a JSON pointer (RFC 6901, RFC 6902).

Changes its document in place: the caller owns a copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

Operator = Literal["add", "remove", "replace"]


@dataclass(frozen=True)
class Operation:
    """One change."""

    operator: Operator
    path: str
    value: Any = None


class PatchError(Exception):
    """An operation does not fit the document. The message names the path, never a value."""


def parse_pointer(pointer: str) -> tuple[str, ...]:
    """The steps of a JSON pointer; none for the whole document. Raises `PatchError`."""
    if not pointer:
        return ()
    if not pointer.startswith("/"):
        message = f"{pointer!r} is no JSON pointer: it must begin with '/'"
        raise PatchError(message)
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/"))


def escape(step: str) -> str:
    """One step as it stands in a pointer."""
    return step.replace("~", "~0").replace("/", "~1")


def look_up(document: Any, pointer: str) -> Any:
    """What stands at the pointer. Raises `PatchError` where nothing does."""
    return _walk(document, parse_pointer(pointer), pointer)


def apply_patch(document: Any, operations: Sequence[Operation]) -> Any:
    """The document after all operations, in their order. Raises `PatchError`."""
    for operation in operations:
        document = _apply(document, operation)
    return document


def _apply(document: Any, operation: Operation) -> Any:
    steps = parse_pointer(operation.path)
    if not steps:
        if operation.operator == "remove":
            message = "the whole document cannot be removed"
            raise PatchError(message)
        return operation.value
    parent = _walk(document, steps[:-1], operation.path)
    if isinstance(parent, dict):
        _change_map(cast("dict[str, Any]", parent), steps[-1], operation)
    elif isinstance(parent, list):
        values = cast("list[object]", parent)
        _change_list(values, steps[-1], operation)
    else:
        raise _missing(operation.path, steps[-1])
    return document


def _change_map(parent: dict[str, Any], key: str, operation: Operation) -> None:
    if operation.operator != "add" and key not in parent:
        raise _missing(operation.path, key)
    if operation.operator == "remove":
        del parent[key]
    else:
        parent[key] = operation.value


def _change_list(parent: list[Any], step: str, operation: Operation) -> None:
    if operation.operator == "add":
        index = len(parent) if step == "-" else _index(step, len(parent) + 1, operation.path)
        parent.insert(index, operation.value)
        return
    index = _index(step, len(parent), operation.path)
    if operation.operator == "remove":
        del parent[index]
    else:
        parent[index] = operation.value


def _walk(document: Any, steps: tuple[str, ...], pointer: str) -> Any:
    for step in steps:
        document = _step(document, step, pointer)
    return document


def _step(document: Any, step: str, pointer: str) -> Any:
    if isinstance(document, list):
        values = cast("list[object]", document)
        return values[_index(step, len(values), pointer)]
    if isinstance(document, dict):
        pairs = cast("dict[str, Any]", document)
        if step in pairs:
            return pairs[step]
    raise _missing(pointer, step)


def _index(step: str, length: int, pointer: str) -> int:
    plain = step.isascii() and step.isdigit() and (step == "0" or not step.startswith("0"))
    if not plain or len(step) > len(str(length)) or int(step) >= length:
        raise _missing(pointer, step)
    return int(step)


def _missing(pointer: str, step: str) -> PatchError:
    return PatchError(f"nothing is at {pointer!r}: {step!r} is not there")
