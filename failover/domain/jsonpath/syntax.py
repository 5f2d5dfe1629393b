"""What a template consists of, once it has been understood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Operator = Literal["==", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True)
class Text:
    """Text outside of braces, or quoted text within; it replaces what was selected before it."""

    text: str


@dataclass(frozen=True)
class Action:
    """One pair of braces: steps that are taken one after the other."""

    steps: tuple[Node, ...]


@dataclass(frozen=True)
class Field:
    """`.name`: the value under a key; no such key in any of the values is an error."""

    name: str


@dataclass(frozen=True)
class Elements:
    """`[0]`, `[-1]`, `[1:3]`, `[::2]`, `[*]`: some elements of a list."""

    written: str
    start: int | None
    stop: int | None
    stop_follows_start: bool
    """Only an index was written: `stop` is the one after it."""
    step: int


@dataclass(frozen=True)
class Filter:
    """`[?(left operator right)]`, or without an operator `[?(left)]`: left selects something."""

    left: Action
    operator: Operator | None
    right: Action


@dataclass(frozen=True)
class Union:
    """`[0,2]`, `['a','b']`: what each branch selects, branch after branch."""

    branches: tuple[Action, ...]


@dataclass(frozen=True)
class Wildcard:
    """`.*`: all that a value contains."""


@dataclass(frozen=True)
class Descent:
    """`..`: the value and everything beneath it that contains something."""


@dataclass(frozen=True)
class Constant:
    """A number or a boolean, once for each value selected before it."""

    value: float | bool


@dataclass(frozen=True)
class Word:
    """`range` repeats what follows, up to `end`, for each value selected."""

    name: Literal["range", "end"]
    column: int


Node = Text | Action | Field | Elements | Filter | Union | Wildcard | Descent | Constant | Word
