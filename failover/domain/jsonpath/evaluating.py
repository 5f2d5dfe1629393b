"""Walking a document along a template's nodes, with jsonpath-ng taking each single step.

Every node takes the values selected so far and selects the next ones, as in client-go; a value is
jsonpath-ng's `DatumInContext`, which knows its path, so that errors can name the place.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NoReturn, assert_never

from jsonpath_ng.jsonpath import DatumInContext, Fields, Index, JSONPath, Slice, Wildcard
from jsonpath_ng.parser import parse

from failover.domain import errors
from failover.domain.jsonpath import syntax
from failover.domain.jsonpath.places import (
    NOTHING,
    Json,
    keys_of,
    kind_of,
    path_of,
    place_of,
    value_of,
)
from failover.domain.jsonpath.syntax import Node

VALUES_VISITED_MAX = 250_000
RANGES_NESTED_MAX = 16

Data = list[DatumInContext]

_COMPARE: dict[syntax.Operator, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class _Stopped(Exception):
    """Evaluation ends here. `selected` says whether client-go hands on values beside its error.

    It matters in one place: `[?(@.list[5])]` holds for an element whose list is too short.
    """

    def __init__(self, error: errors.JSONPathError, *, selected: bool) -> None:
        super().__init__(error.message)
        self.error = error
        self.selected = selected


class Evaluation:
    """One rendering of one template; the state that client-go keeps while it executes."""

    def __init__(self, template: str, nodes: tuple[Node, ...]) -> None:
        """Prepare to evaluate these nodes; the template's text goes into errors."""
        self._template = template
        self._nodes = nodes
        self._visits_left = VALUES_VISITED_MAX
        self._ranges_begun = 0
        self._ranges_inside = 0
        self._ranges_ended = 0
        self._last_end = -1

    def results(self, document: object, *, at: str = "") -> list[list[Json]]:
        """The values that each piece of the template selects, in the order of the text."""
        top = DatumInContext(document, path=Fields(at) if at else None)
        try:
            results = self._run(0, [top])
        except _Stopped as stopped:
            raise stopped.error from None
        return [[value_of(datum) for datum in data] for data in results]

    def _run(self, first: int, current: Data) -> list[Data]:
        """Evaluate the pieces from `first` up to the `end` of the range that they stand in."""
        results: list[Data] = []
        at = first
        while at < len(self._nodes):
            selected = self._walk(current, self._nodes[at])
            if 0 < self._ranges_ended <= self._ranges_inside:
                self._ranges_ended -= 1
                self._last_end = at
                break
            if self._ranges_begun:
                results += self._range(at, selected)
                at = max(at, self._last_end)
            else:
                results.append(selected)
            at += 1
        return results

    def _range(self, at: int, selected: Data) -> list[Data]:
        """Repeat what follows for each value; for none, once on null, its results being dropped."""
        self._ranges_begun -= 1
        self._ranges_inside += 1
        if self._ranges_inside > RANGES_NESTED_MAX:
            self._stop_broad(f"nests more than {RANGES_NESTED_MAX} ranges")
        results: list[Data] = []
        for datum in selected:
            results += self._run(at + 1, [datum])
        if not selected:
            self._run(at + 1, [NOTHING])
        self._ranges_inside -= 1
        return results

    def _walk(self, data: Data, node: Node) -> Data:
        self._visit(len(data) + 1)
        match node:
            case syntax.Text():
                return [DatumInContext(node.text)]
            case syntax.Action():
                for step in node.steps:
                    data = self._walk(data, step)
                return data
            case syntax.Field():
                return self._field(data, node)
            case syntax.Elements():
                return self._elements(data, node)
            case syntax.Filter():
                return self._filter(data, node)
            case syntax.Union():
                return self._union(data, node)
            case syntax.Wildcard():
                return [child for datum in data for child in self._children(datum)]
            case syntax.Descent():
                return [found for datum in data for found in self._descend(datum)]
            case syntax.Constant():
                return [DatumInContext(node.value) for _ in data]
            case syntax.Word():
                return self._word(data, node)
            case _:  # pragma: no cover
                assert_never(node)

    def _visit(self, count: int) -> None:
        self._visits_left -= count
        if self._visits_left < 0:
            self._stop_broad(f"visits more than {VALUES_VISITED_MAX} values")

    def _field(self, data: Data, node: syntax.Field) -> Data:
        path = _field_path(node.name)
        found = [match for datum in data for match in path.find(datum)]
        if data and not found:
            self._stop_missing(data[0], node.name, selected=False)
        return found

    def _elements(self, data: Data, node: syntax.Elements) -> Data:
        found: Data = []
        for datum in data:
            value = value_of(datum)
            if value is None:
                continue
            if not isinstance(value, list):
                self._stop(f"needs a list for its {node.written}: {place_of(datum)}", selected=True)
            length = len(value)
            start, stop = _bounds(node, length)
            if start == stop:
                return found
            if not (0 <= start < length and 0 <= stop <= length and start <= stop):
                self._stop_missing(datum, node.written, selected=True)
            self._visit(stop - start)
            found += Slice(start, stop, node.step).find(datum)
        return found

    def _union(self, data: Data, node: syntax.Union) -> Data:
        try:
            return [found for branch in node.branches for found in self._walk(data, branch)]
        except _Stopped as stopped:
            raise _Stopped(stopped.error, selected=bool(data)) from None

    def _children(self, datum: DatumInContext) -> Data:
        """What a value contains: members by key, elements in order, and the bytes of a text."""
        value = value_of(datum)
        self._visit(len(value) if isinstance(value, str | list | dict) else 0)
        if isinstance(value, str):
            raw = value.encode(errors="replace")
            children = [DatumInContext(byte, Index(i), datum) for i, byte in enumerate(raw)]
        else:
            children = Wildcard().find(datum)
        if isinstance(value, dict):
            children.sort(key=_key)
        return children

    def _descend(self, top: DatumInContext) -> Iterator[DatumInContext]:
        """The value and what is beneath it, parents first, without what contains nothing."""
        stack = [top]
        while stack:
            datum = stack.pop()
            if isinstance(datum.value, str):
                if datum.value:
                    self._visit(1)
                    yield datum
            elif children := self._children(datum):
                yield datum
                stack.extend(reversed(children))

    def _filter(self, data: Data, node: syntax.Filter) -> Data:
        found: Data = []
        for datum in data:
            value = value_of(datum)
            if not isinstance(value, list):
                self._stop(f"needs a list for its filter: {place_of(datum)}", selected=True)
            self._visit(len(value))
            for element in Slice(0, None, 1).find(datum):
                if self._holds(element, node, selected=bool(found)):
                    found.append(element)
        return found

    def _holds(self, element: DatumInContext, node: syntax.Filter, *, selected: bool) -> bool:
        if node.operator is None:
            return self._exists(element, node.left)
        if not (left := self._side(element, node.left)):
            return False
        if not (right := self._side(element, node.right)):
            return False
        kinds = {_comparable_kind(left[0].value), _comparable_kind(right[0].value)}
        if (
            len(kinds) > 1
            or kinds == {""}
            or (kinds == {"a boolean"} and node.operator not in {"==", "!="})
        ):
            what = f"compares {kind_of(left[0].value)} {node.operator} {kind_of(right[0].value)}"
            self._stop(f"has a filter that {what} for {path_of(element)}", selected=selected)
        return _COMPARE[node.operator](left[0].value, right[0].value)

    def _side(self, element: DatumInContext, side: syntax.Action) -> Data:
        try:
            data = self._walk([element], side)
        except _Stopped as stopped:
            raise _Stopped(stopped.error, selected=True) from None
        if len(data) > 1:
            self._stop(f"has a filter that compares {len(data)} values at once", selected=True)
        return data

    def _exists(self, element: DatumInContext, side: syntax.Action) -> bool:
        try:
            return bool(self._walk([element], side))
        except _Stopped as stopped:
            if isinstance(stopped.error, errors.PathTooBroad):
                raise
            return stopped.selected

    def _word(self, data: Data, node: syntax.Word) -> Data:
        if node.name == "range":
            self._ranges_begun += 1
            return data
        if not self._ranges_inside:
            self._stop("has an end without a {range …} before it", selected=False)
        self._ranges_ended += 1
        return []

    def _stop(self, problem: str, *, selected: bool) -> NoReturn:
        raise _Stopped(errors.PathMismatch(self._template, problem), selected=selected)

    def _stop_broad(self, problem: str) -> NoReturn:
        raise _Stopped(errors.PathTooBroad(self._template, problem), selected=False)

    def _stop_missing(self, datum: DatumInContext, key: str, *, selected: bool) -> NoReturn:
        error = errors.MissingKey(
            self._template,
            key=key,
            path=path_of(datum),
            present=place_of(datum),
            keys=keys_of(datum),
        )
        raise _Stopped(error, selected=selected)


@lru_cache(maxsize=1024)
def _field_path(name: str) -> JSONPath:
    """jsonpath-ng's step to a key. `Fields("*")` would be a wildcard; its parser knows better."""
    return Fields(name) if name != "*" else parse("'*'")


def _bounds(node: syntax.Elements, length: int) -> tuple[int, int]:
    """Where a slice begins and ends on so long a list; negative bounds count from its end."""
    start = node.start or 0
    stop = length if node.stop is None else node.stop
    if start < 0:
        start += length
    if stop < 0 or (stop == 0 and node.stop_follows_start):
        stop += length
    return start, stop


def _key(datum: DatumInContext) -> str:
    assert isinstance(datum.path, Fields)
    return datum.path.fields[0]


def _comparable_kind(value: object) -> str:
    kind = kind_of(value)
    return kind if kind in {"a boolean", "a number", "a text"} else ""
