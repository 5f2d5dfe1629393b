"""A template, understood once and rendered for any number of documents."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from failover.domain.jsonpath.evaluating import Evaluation
from failover.domain.jsonpath.parsing import parse
from failover.domain.jsonpath.printing import Printer
from failover.domain.jsonpath.syntax import Node, Text


@dataclass(frozen=True)
class Template:
    """A template that has been understood. Made by `Template.parse`; equal if its text is."""

    text: str
    nodes: tuple[Node, ...] = field(repr=False, compare=False)

    @staticmethod
    @lru_cache(maxsize=1024)
    def parse(text: str) -> Template:
        """Understand a template, or raise `UnparsablePath` with the column of what is wrong."""
        return Template(text, parse(text))

    @property
    def is_constant(self) -> bool:
        """Whether it has no braces at all, and so is the same text for every document."""
        return all(isinstance(node, Text) for node in self.nodes)

    def render(self, document: object, *, at: str = "") -> str:
        """The template's text for a JSON document, or a `JSONPathError`.

        `at` is the key under which the document stands in its object; errors name paths from there.
        """
        printer = Printer(self.text)
        for values in Evaluation(self.text, self.nodes).results(document, at=at):
            printer.print(values)
        return printer.text
