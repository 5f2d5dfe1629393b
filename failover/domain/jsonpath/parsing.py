"""Reading a template, character by character, exactly as client-go reads it.

Parts of a template (a filter's sides, a union's branches, a quoted key) are read by a parser of
their own, on text that is wrapped in braces again; `origin` keeps columns true to the template.
They nest a few levels at most: a filter's `)` ends every filter around it, unless it stands between
quotes of theirs, and there are only two kinds of quotes.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import get_args

from failover.domain.errors import UnparsablePath
from failover.domain.jsonpath.quoting import unquote
from failover.domain.jsonpath.syntax import (
    Action,
    Constant,
    Descent,
    Elements,
    Field,
    Filter,
    Node,
    Operator,
    Text,
    Union,
    Wildcard,
    Word,
)

TEMPLATE_LENGTH_MAX = 4096
INTEGER_LENGTH_MAX = 20
_INT64 = range(-(2**63), 2**63)
_TERMINATORS = frozenset(" \t\r\n.,[]$@{}")
_QUOTED_KEY = re.compile(r"'([^']*)'")
_SLICE = re.compile(r"(-?[0-9]*)(:-?[0-9]*)?(:-?[0-9]*)?")
_COMPARISON = re.compile(r"([^!<>=]+)([!<>=]+)(.+)")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")


def parse(template: str) -> tuple[Node, ...]:
    """The nodes of a template, text and actions in turn."""
    if len(template) > TEMPLATE_LENGTH_MAX:
        problem = f"is {len(template)} characters long, {TEMPLATE_LENGTH_MAX} are allowed"
        raise UnparsablePath(template, TEMPLATE_LENGTH_MAX + 1, problem)
    parser = _Parser(template, template)
    nodes = parser.template_nodes()
    _check_ranges(template, nodes)
    return nodes


def _check_ranges(template: str, nodes: tuple[Node, ...]) -> None:
    """Refuse an `end` that has nothing to end."""
    depth = 0
    for node in nodes:
        words = (
            [step for step in node.steps if isinstance(step, Word)]
            if isinstance(node, Action)
            else []
        )
        for word in words:
            if word.name == "end" and depth == 0:
                raise UnparsablePath(
                    template, word.column, "has an end without a {range …} before it"
                )
        depth += sum(1 if word.name == "range" else -1 for word in words)


@dataclass
class _Parser:
    template: str
    """The whole template, for messages."""
    input: str
    """What this parser reads."""
    origin: int = 0
    """Where in the template `input` begins."""
    at: int = 0
    steps: list[Node] = field(default_factory=list[Node])
    """The steps of the action being read."""

    def template_nodes(self) -> tuple[Node, ...]:
        nodes: list[Node] = []
        while True:
            brace = self.input.find("{", self.at)
            end = brace if brace >= 0 else len(self.input)
            if end > self.at:
                nodes.append(Text(self.input[self.at : end]))
            if brace < 0:
                return tuple(nodes)
            self.at = brace + 1
            nodes.append(self._action())

    def _action(self) -> Action:
        self.steps = []
        while not self.input.startswith("}", self.at):
            self._step()
        self.at += 1
        return Action(tuple(self.steps))

    def _step(self) -> None:
        character = self.input[self.at : self.at + 1]
        if self.input.startswith("[?(", self.at):
            self._filter()
        elif self.input.startswith("..", self.at):
            self._descent()
        elif character in {"", "\r", "\n"}:
            raise self._flaw("has a { that is never closed")
        elif character in " @$":
            self.at += 1
        elif character == "[":
            self._brackets()
        elif character in "\"'":
            self._quoted(character)
        elif character == ".":
            self.at += 1
            self._field()
        elif character in "+-" or character.isdecimal():
            self._number()
        elif _starts_word(character):
            self._word()
        else:
            raise self._flaw(f"has {character!r} where a path, a quote or a number should be")

    def _field(self) -> None:
        start = self.at
        while self.at < len(self.input) and self.input[self.at] not in _TERMINATORS:
            self.at += 2 if self.input[self.at] == "\\" else 1
        self.at = min(self.at, len(self.input))
        name = self.input[start : self.at]
        self.steps.append(Wildcard() if name == "*" else Field(name.replace("\\", "")))

    def _descent(self) -> None:
        if self.steps and isinstance(self.steps[-1], Descent):
            raise self._flaw("has one .. right after another")
        self.at += 2
        self.steps.append(Descent())
        if _starts_word(self.input[self.at : self.at + 1]):
            self._field()

    def _word(self) -> None:
        start = self.at
        while self.at < len(self.input) and self.input[self.at] not in _TERMINATORS:
            self.at += 1
        match self.input[start : self.at]:
            case "true" | "false" as name:
                self.steps.append(Constant(name == "true"))
            case "range" | "end" as name:
                self.steps.append(Word(name, self.origin + start + 1))
            case name:
                hint = f'; a key is written .{name}, text "{name}"'
                raise self._flaw(f"has the unknown word {name!r} in braces{hint}", start)

    def _number(self) -> None:
        start = self.at
        self.at += self.input[self.at] in "+-"
        while (
            self.input[self.at : self.at + 1] == "."
            or self.input[self.at : self.at + 1].isdecimal()
        ):
            self.at += 1
        text = self.input[start : self.at]
        if _INTEGER.fullmatch(text) and len(text) <= INTEGER_LENGTH_MAX and int(text) in _INT64:
            self.steps.append(Constant(int(text)))
        elif _FLOAT.fullmatch(text) and abs(float(text)) != float("inf"):
            self.steps.append(Constant(float(text)))
        else:
            raise self._flaw(f"has {text!r}, which is not a number", start)

    def _quoted(self, quote: str) -> None:
        start = self.at
        end = start + 1
        while self.input[end : end + 1] != quote or self.input[end - 1] == "\\":
            if self.input[end : end + 1] in {"", "\n"}:
                raise self._flaw("has a quote that is never closed")
            end += 1
        self.at = end + 1
        text = unquote(self.input[start + 1 : end], quote)
        if text is None:
            raise self._flaw(
                f"has an escape sequence in {quote}…{quote} that does not exist", start
            )
        self.steps.append(Text(text))

    def _brackets(self) -> None:
        start = self.at + 1
        end = self.input.find("]", start)
        if end < 0 or "\n" in self.input[start:end]:
            raise self._flaw("has a [ that is never closed")
        text = self.input[start:end]
        if "," in text:
            self.steps.append(self._union(text, start))
        elif key := _QUOTED_KEY.fullmatch(text):
            self.steps.extend(self._part("." + key[1], start).steps)
        else:
            self.steps.append(self._elements(text))
        self.at = end + 1

    def _union(self, text: str, start: int) -> Union:
        branches: list[Action] = []
        for branch in text.split(","):
            indent = len(branch) - len(branch.lstrip(" "))
            branches.append(self._part(f"[{branch.strip(' ')}]", start + indent - 1))
            start += len(branch) + 1
        return Union(tuple(branches))

    def _elements(self, text: str) -> Elements:
        parts = _SLICE.fullmatch(":" if text == "*" else text)
        if parts is None:
            problem = f"has [{text}]: neither an index, a slice, nor a key in single quotes"
            raise self._flaw(problem, self.at + 1)
        start, stop, step = (self._bound((part or "").removeprefix(":")) for part in parts.groups())
        if step is not None and step < 1:
            raise self._flaw(f"has [{text}], whose step must be 1 or more", self.at + 1)
        if parts[2] is None:
            return Elements(f"[{text}]", start, (start or 0) + 1, stop_follows_start=True, step=1)
        return Elements(f"[{text}]", start, stop, stop_follows_start=False, step=step or 1)

    def _bound(self, digits: str) -> int | None:
        if not digits:
            return None
        if digits == "-" or len(digits) > INTEGER_LENGTH_MAX or int(digits) not in _INT64:
            raise self._flaw(f"has {digits!r}, which is not an index", self.at + 1)
        return int(digits)

    def _filter(self) -> None:
        start = self.at + len("[?(")
        end = self._filter_end(start)
        text = self.input[start:end]
        parts = _COMPARISON.fullmatch(text)
        if parts is None:
            self.steps.append(Filter(self._part(text, start), None, Action(())))
        else:
            self.steps.append(self._comparison(parts, start))
        self.at = end + len(")]")

    def _filter_end(self, start: int) -> int:
        """Where the filter's `)` is. As in client-go, only the first quoted text may hold one."""
        pair = ""
        closed = False
        for at in range(start, len(self.input)):
            character = self.input[at]
            if character == "\n":
                break
            if character in "\"'" and not pair:
                pair = character
            elif character == pair and self.input[at - 1] != "\\":
                closed = True
            elif character == ")" and bool(pair) == closed:
                if self.input[at + 1 : at + 2] != "]":
                    raise self._flaw("has a filter whose ) is not followed by ]", at + 1)
                return at
        raise self._flaw("has a filter that is never closed")

    def _comparison(self, parts: re.Match[str], start: int) -> Filter:
        left = self._part(parts[1], start)
        right = self._part(parts[3], start + parts.start(3))
        for operator in get_args(Operator):
            if operator == parts[2]:
                return Filter(left, operator, right)
        raise self._flaw(
            f"has the unknown operator {parts[2]!r}; use one of {', '.join(get_args(Operator))}"
        )

    def _part(self, text: str, start: int) -> Action:
        """Read a part of the template that begins at `start` as an action of its own."""
        origin = self.origin + start - len("{")
        part = _Parser(self.template, f"{{{text}}}", origin)
        first = part.template_nodes()[0]
        assert isinstance(first, Action)
        return first

    def _flaw(self, problem: str, at: int | None = None) -> UnparsablePath:
        column = self.origin + (self.at if at is None else at) + 1
        return UnparsablePath(self.template, column, problem)


def _starts_word(character: str) -> bool:
    return (
        character == "_"
        or unicodedata.category(character or " ")[0] == "L"
        or character.isdecimal()
    )
