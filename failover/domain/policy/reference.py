"""The policy reference as Markdown, written from the models, so that it cannot lag behind them."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterator
from typing import Any, Literal, Union

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from failover.domain.policy.fields import model_of, wire_fields
from failover.domain.policy.karmada import BEYOND_KARMADA, NOT_YET, general
from failover.domain.policy.model import API_VERSION, KARMADA_API_VERSION, PolicySpec

_INTRODUCTION = f"""# Policy reference

A policy is one of Karmada's documents (`PropagationPolicy`, `ClusterPropagationPolicy`,
`{KARMADA_API_VERSION}`) as it is written, or a `FailoverPolicy`
(`{API_VERSION}`), whose `spec` has the same fields and more. Fields marked *ours*
belong to `FailoverPolicy` only: in a Karmada document they are an error that prints the
`FailoverPolicy` to write instead. `failover lint FILE` checks either. Where they lie:
[policies.md](policies.md).
"""


def policy_reference_markdown() -> str:
    """Every field with its type, default and meaning; then those that a later release will have."""
    lines = [_INTRODUCTION, "| field | type | default | whose | meaning |", "|---|---|---|---|---|"]
    lines += _rows(PolicySpec, "spec", {})
    lines += ["", "## Not yet supported", "", "These are refused (`NotYet`).", ""]
    lines += ["| field | until then |", "|---|---|"]
    lines += [f"| `{path}` | {meanwhile} |" for path, meanwhile in NOT_YET.items()]
    return "\n".join(lines) + "\n"


def _rows(model: type[BaseModel], path: str, told: dict[type[BaseModel], str]) -> Iterator[str]:
    for name, field in wire_fields(model).items():
        inner, many = model_of(field.annotation)
        here = f"{path}.{name}[]" if inner and many else f"{path}.{name}"
        again = f" Fields as under `{told[inner]}`." if inner in told else ""
        cells = (
            f"`{here}`",
            _type(field.annotation, inner, many=many),
            "" if inner else _default(field.default),
            "ours" if _is_ours(here) else "Karmada",
            _escape(field.description or "") + again,
        )
        yield f"| {' | '.join(cells)} |"
        if inner and not again:
            told[inner] = here
            yield from _rows(inner, here, told)


def _is_ours(path: str) -> bool:
    place = general(path)
    return any(place == ours or place.startswith(f"{ours}.") for ours in BEYOND_KARMADA)


def _type(annotation: Any, inner: type[BaseModel] | None, *, many: bool) -> str:
    if inner:
        return "list" if many else "map"
    return _escape(_plain_type(annotation))


def _plain_type(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (Union, types.UnionType):
        return _plain_type(next(each for each in arguments if each is not type(None)))
    if origin is Literal:
        return ", ".join(f"`{each}`" for each in arguments if each)
    if origin is tuple:
        return f"list of {_plain_type(arguments[0])}"
    if origin is dict:
        return "map of text"
    return {int: "whole number", bool: "true or false", str: "text"}.get(annotation, "any")


def _default(value: Any) -> str:
    if value in (None, "", (), PydanticUndefined):
        return ""
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`"


def _escape(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
