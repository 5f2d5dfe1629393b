"""Values as text: scalars as they are, maps and lists as compact JSON, spaces between several."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from failover.domain.errors import PathTooBroad
from failover.domain.jsonpath.places import Json

TEXT_LENGTH_MAX = 65_536
DEPTH_MAX = 100
_UNSAFE = re.compile("[<>&\u2028\u2029]")
"""What Go's JSON escapes for the sake of HTML."""
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class Printer:
    """Collects the text of one rendering, within its bound."""

    def __init__(self, template: str) -> None:
        """Print for this template; its name goes into errors."""
        self._template = template
        self._pieces: list[str] = []
        self._length = 0

    @property
    def text(self) -> str:
        """All that was printed."""
        return _LONE_SURROGATE.sub("\ufffd", "".join(self._pieces))

    def print(self, values: Sequence[Json]) -> None:
        """Add the values of one action, joined by single spaces."""
        for position, value in enumerate(values):
            if position:
                self._add(" ")
            for piece in self._printed(value):
                self._add(piece)

    def _add(self, piece: str) -> None:
        self._length += len(piece)
        if self._length > TEXT_LENGTH_MAX:
            raise PathTooBroad(
                self._template, f"gives more than {TEXT_LENGTH_MAX} characters of text"
            )
        self._pieces.append(piece)

    def _printed(self, value: Json) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        else:
            yield from self._json(value, 0)

    def _json(self, value: Json, depth: int) -> Iterator[str]:
        if depth > DEPTH_MAX:
            raise PathTooBroad(self._template, f"gives a value nested more than {DEPTH_MAX} deep")
        if isinstance(value, dict):
            members = ((f"{_quoted(key)}:", value[key]) for key in sorted(value))
            yield from self._bracketed("{", members, "}", depth)
        elif isinstance(value, list):
            yield from self._bracketed("[", (("", item) for item in value), "]", depth)
        elif isinstance(value, float):
            yield _positional(value)
        elif isinstance(value, str):
            yield _quoted(value)
        else:
            yield json.dumps(value)

    def _bracketed(
        self, opening: str, members: Iterable[tuple[str, Json]], closing: str, depth: int
    ) -> Iterator[str]:
        yield opening
        for position, (prefix, value) in enumerate(members):
            yield f",{prefix}" if position else prefix
            yield from self._json(value, depth + 1)
        yield closing


def _positional(number: float) -> str:
    """The shortest digits that mean this number, without an exponent: `5`, `0.5`, `1000000`."""
    text = format(Decimal(repr(number)), "f")
    return text.removesuffix(".0")


def _quoted(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)
