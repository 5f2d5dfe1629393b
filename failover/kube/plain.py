"""Plain JSON and YAML from outside, with types: what is not of the expected shape counts as empty."""

from __future__ import annotations

from typing import Any, cast

Node = dict[str, Any]


def node(value: object) -> Node:
    """A mapping, or an empty one."""
    return cast("Node", value) if isinstance(value, dict) else {}


def nodes(value: object) -> list[Node]:
    """The mappings of a list."""
    if not isinstance(value, list):
        return []
    return [cast("Node", one) for one in cast("list[object]", value) if isinstance(one, dict)]
