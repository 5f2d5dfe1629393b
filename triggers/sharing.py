"""Equal declarations as one value in memory.

One policy often protects thousands of applications, and the memo of each holds all of it. Read one by
one, ten thousand copies of a policy would lie in a watcher, and be validated one by one.
"""

from __future__ import annotations

from typing import Any, cast

from failover.domain.application import Declaration

ALIKE_MAX = 8
"""So many different declarations of one policy are remembered, as where overrides differ by application."""


class SharedDeclarations:
    """The declarations that were read so far, by the name of their policy."""

    def __init__(self) -> None:
        """Nothing is read."""
        self._known: dict[str, list[tuple[object, Declaration]]] = {}

    def in_place(self, view: object) -> object:
        """A view's raw form, its declaration replaced by the one value of all that are equal to it."""
        whole: dict[str, Any] = cast("dict[str, Any]", view) if isinstance(view, dict) else {}
        if "declaration" not in whole:
            return cast("Any", view)
        return {**whole, "declaration": self.one(whole["declaration"])}

    def one(self, raw: object) -> Declaration:
        """The declaration of this raw form. Raises `ValidationError`."""
        for known, declaration in self._known.get(_name(raw), ()):
            if known == raw:
                return declaration
        read = Declaration.model_validate(raw)
        alike = self._known.setdefault(_name(raw), [])
        alike.append((raw, read))
        del alike[:-ALIKE_MAX]
        return read


def _name(raw: object) -> str:
    """The name and namespace of its policy; empty where there is none."""
    policy: Any = cast("dict[str, Any]", raw).get("policy") if isinstance(raw, dict) else None
    if not isinstance(policy, dict):
        return ""
    named = cast("dict[str, Any]", policy)
    return f"{named.get('namespace', '')}/{named.get('name', '')}"
