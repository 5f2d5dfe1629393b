"""Which fields a model has on the wire, and which ones a document has beyond it."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterator
from typing import Any, Union, cast

from pydantic import BaseModel
from pydantic.fields import FieldInfo


def wire_fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a model by their names on the wire."""
    return {info.alias or name: info for name, info in model.model_fields.items()}


def model_of(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The model within an annotation, if there is one, and whether there are many of it."""
    origin = typing.get_origin(annotation)
    arguments = [each for each in typing.get_args(annotation) if each not in (type(None), ...)]
    if origin in (Union, types.UnionType) and len(arguments) == 1:
        return model_of(arguments[0])
    if origin is tuple:
        return model_of(arguments[0])[0], True
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    return None, False


def unknown_fields(
    model: type[BaseModel], content: object, path: str
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Every field that the model has not: its path, its name, and the names that it has."""
    if not isinstance(content, dict):
        return
    known = wire_fields(model)
    for name, value in cast("dict[str, object]", content).items():
        here = f"{path}.{name}" if path else name
        if name not in known:
            yield here, name, tuple(known)
            continue
        inner, many = model_of(known[name].annotation)
        if inner is None:
            continue
        if many and isinstance(value, list):
            for index, each in enumerate(cast("list[object]", value)):
                yield from unknown_fields(inner, each, f"{here}[{index}]")
        elif not many:
            yield from unknown_fields(inner, value, here)


def nearest(name: str, known: tuple[str, ...]) -> str | None:
    """The known name that somebody probably meant."""
    lowered = {each.lower(): each for each in known}
    found = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
    return lowered[found[0]] if found else None


def look_up(content: object, path: str) -> object:
    """What stands at a plain path (`spec.failover.cluster`) of maps, or `None`."""
    for step in path.split("."):
        if not isinstance(content, dict):
            return None
        content = cast("dict[str, object]", content).get(step)
    return content


def without_nulls(content: Any, keep: str = "") -> Any:
    """The content without keys that hold nothing, as the API server reads them; `keep` is left."""
    if isinstance(content, dict):
        pairs = cast("dict[str, Any]", content).items()
        return {
            key: value if key == keep else without_nulls(value, keep)
            for key, value in pairs
            if value is not None or key == keep
        }
    if isinstance(content, list):
        values = cast("list[object]", content)
        return [without_nulls(each, keep) for each in values]
    return content
