"""Equal parts of what is read as one value in memory.

One policy often protects thousands of applications, and the memo of each holds all of it, beside a verdict
that most of them share. Read one by one, ten thousand copies of a policy would lie in a watcher, and be
validated one by one.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache, lru_cache
from typing import Any, cast

from pydantic import BaseModel

from failover.domain.application import ApplicationView, Declaration
from failover.domain.health import Health

ALIKE_MAX = 8
"""So many different declarations of one policy are remembered, as where overrides differ by application."""
VERDICTS_MAX = 1000


@lru_cache(VERDICTS_MAX)
def shared(health: Health) -> Health:
    """The one value of all verdicts that are equal to this."""
    return health


def _slim(view: ApplicationView) -> ApplicationView:
    """The same view, in half the memory.

    Pydantic notes for each model which of its fields were given, in a set of 700 bytes. Nobody asks that of
    what was read from a memo, so here one set for each class says: all of them.
    """
    known = view.known
    read: list[BaseModel] = [view, view.application, known, *known.states, *known.counted]
    if known.kept is not None:
        read.append(known.kept)
    for each in read:
        object.__setattr__(each, "__pydantic_fields_set__", _fields(type(each)))
    return view


@cache
def _fields(model: type[BaseModel]) -> set[str]:
    return set(model.model_fields)


class SharedViews:
    """Views whose equal declarations and verdicts are one value each."""

    def __init__(self, *, without: Collection[str] = ()) -> None:
        """Nothing is read yet. `without`: fields of `Known` that nobody will ask for, as JSON has them."""
        self._without = without
        self._declarations: dict[str, list[tuple[object, Declaration]]] = {}

    def read(self, raw: object) -> ApplicationView:
        """The view of this raw form. Raises `ValidationError`."""
        return _slim(ApplicationView.model_validate(self._in_place(raw)))

    def _in_place(self, raw: object) -> object:
        """The raw form, with values in the place of what is shared."""
        whole: dict[str, Any] = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
        if "declaration" not in whole:
            return cast("Any", raw)
        whole = {**whole, "declaration": self.declaration(whole["declaration"])}
        if isinstance(known := whole.get("known"), dict):
            whole["known"] = self._known(cast("dict[str, Any]", known))
        return whole

    def declaration(self, raw: object) -> Declaration:
        """The declaration of this raw form. Raises `ValidationError`."""
        for known, declaration in self._declarations.get(_name(raw), ()):
            if known == raw:
                return declaration
        read = Declaration.model_validate(raw)
        alike = self._declarations.setdefault(_name(raw), [])
        alike.append((raw, read))
        del alike[:-ALIKE_MAX]
        return read

    def _known(self, raw: dict[str, Any]) -> dict[str, Any]:
        known = {key: value for key, value in raw.items() if key not in self._without}
        if known.get("health") is not None:
            known["health"] = shared(Health.model_validate(known["health"]))
        return known


def _name(raw: object) -> str:
    """The name and namespace of its policy; empty where there is none."""
    policy: Any = cast("dict[str, Any]", raw).get("policy") if isinstance(raw, dict) else None
    if not isinstance(policy, dict):
        return ""
    named = cast("dict[str, Any]", policy)
    return f"{named.get('namespace', '')}/{named.get('name', '')}"
