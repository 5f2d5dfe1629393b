"""YAML from outside, read into plain JSON values, within bounds.

What Kubernetes would not take as JSON is refused here: duplicate keys, tags, infinities. So is what
would only cost memory: endless files, deep nesting, and aliases that refer to aliases (a few lines
that stand for billions of values).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

BYTES_MAX = 1024 * 1024
DOCUMENTS_MAX = 500
DEPTH_MAX = 100
VALUES_MAX = 200_000
"""How many values a document may have once every alias is written out."""


@dataclass(frozen=True)
class Document:
    """One document of a file."""

    index: int
    """Its place in the file, from 0; empty documents count."""
    line: int
    """The line on which it begins, from 1."""
    content: Any
    """Its value, as JSON knows values."""


@dataclass(frozen=True)
class Flaw:
    """Why a document, or the rest of the file, cannot be read."""

    index: int
    line: int | None
    reason: str
    message: str


class FlawError(Exception):
    """Raised while reading one document."""

    def __init__(self, reason: str, message: str, line: int | None = None) -> None:
        """Keep why, what, and on which line (from 1)."""
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.line = line


def read_documents(text: str) -> Iterator[Document | Flaw]:
    """The documents of a file in their order; empty ones are left out.

    After a syntax error nothing more can be read; other flaws cost their own document only.
    """
    if len(text.encode(errors="replace")) > BYTES_MAX:
        yield Flaw(
            0, None, "FileTooLarge", f"the file is larger than {BYTES_MAX // 1024} KiB; split it."
        )
        return
    index = 0
    try:
        loader = _Loader(text)
        while loader.check_node():
            if index >= DOCUMENTS_MAX:
                message = f"the file has more than {DOCUMENTS_MAX} documents; split it."
                yield Flaw(index, None, "TooManyDocuments", message)
                return
            found = _read_one(loader, index)
            if isinstance(found, Flaw) or found.content is not None:
                yield found
            index += 1
    except FlawError as error:
        yield Flaw(index, error.line, error.reason, error.message)
    except yaml.YAMLError as error:
        yield _syntax_flaw(error, index)


def read_value(text: str) -> Any:
    """The one value that a text holds, as in a file within a ConfigMap. Raises `FlawError`."""
    content: Any = None
    for found in read_documents(text):
        if isinstance(found, Flaw):
            raise FlawError(found.reason, found.message, found.line)
        if found.index > 0:
            raise FlawError("TooManyDocuments", "the text has more than one YAML document.")
        content = found.content
    return content


class _Loader(yaml.SafeLoader):
    """SafeLoader for JSON's values only, with a bound on nesting, and no key twice."""

    _depth = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            message = f"values are nested more than {DEPTH_MAX} deep."
            raise FlawError("NestedTooDeeply", message, self.line + 1)
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def construct_mapping(  # the base class fixes the signature
        self,
        node: MappingNode,
        deep: bool = False,  # noqa: FBT001, FBT002
    ) -> dict[Hashable, Any]:
        _refuse_duplicates(node)
        self.flatten_mapping(node)
        untyped: Any = self
        return {
            _key_of(key): untyped.construct_object(value, deep=deep) for key, value in node.value
        }


_JSON_TAGS = ("null", "bool", "int", "float", "str", "seq", "map")
_Loader.yaml_constructors = {
    None: yaml.SafeLoader.yaml_constructors[None],
    **{
        tag: yaml.SafeLoader.yaml_constructors[tag]
        for tag in (f"tag:yaml.org,2002:{name}" for name in _JSON_TAGS)
    },
}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _read_one(loader: _Loader, index: int) -> Document | Flaw:
    node = cast("Node", loader.get_node())
    line = node.start_mark.line + 1
    try:
        _weigh(node, {})
        content = cast("Any", loader).construct_document(node)
        _refuse_infinities(content, line)
    except FlawError as error:
        return Flaw(index, error.line or line, error.reason, error.message)
    except (yaml.YAMLError, ValueError) as error:
        flaw = _syntax_flaw(error, index)
        return Flaw(index, flaw.line or line, flaw.reason, flaw.message)
    return Document(index, line, content)


def _weigh(node: Node, known: dict[int, int | None]) -> int:
    """How many values this node stands for, every alias written out."""
    if id(node) in known:
        weight = known[id(node)]
        if weight is None:
            raise FlawError(
                "EndlessAlias", "an alias refers to what it is part of.", node.start_mark.line + 1
            )
        return weight
    known[id(node)] = None
    children: list[Node] = []
    if isinstance(node, MappingNode):
        children = [each for pair in node.value for each in pair]
    elif isinstance(node, SequenceNode):
        children = list(node.value)
    weight = 1 + sum(_weigh(child, known) for child in children)
    if weight > VALUES_MAX:
        message = f"the document stands for more than {VALUES_MAX} values; are aliases nested?"
        raise FlawError("TooManyValues", message, node.start_mark.line + 1)
    known[id(node)] = weight
    return weight


def _refuse_duplicates(node: MappingNode) -> None:
    seen: dict[str, int] = {}
    for key, _ in node.value:
        name, line = _key_of(key), key.start_mark.line + 1
        if name in seen and key.tag != "tag:yaml.org,2002:merge":
            message = f"the key {name!r} is there twice, on line {seen[name]} and on line {line}."
            raise FlawError("DuplicateKey", message, line)
        seen[name] = line


def _key_of(key: Node) -> str:
    if not isinstance(key, ScalarNode):
        raise FlawError("NotAKey", "a list or a map cannot be a key.", key.start_mark.line + 1)
    return str(key.value)


def _refuse_infinities(value: object, line: int) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise FlawError(
            "NotANumber", "infinity and not-a-number are no values for Kubernetes.", line
        )
    if isinstance(value, dict):
        for each in cast("dict[str, object]", value).values():
            _refuse_infinities(each, line)
    elif isinstance(value, list):
        for each in cast("list[object]", value):
            _refuse_infinities(each, line)


def _syntax_flaw(error: Exception, index: int) -> Flaw:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
    line = mark.line + 1 if mark else None
    return Flaw(
        index, line, "NotYaml", f"this is not YAML that Kubernetes would read: {problem}{where}."
    )
