"""Whether a text is an expression that a rule may have. It is compiled here, and never evaluated.

Compiling is bounded by the length of the text and by the parser's own limit on nesting. Evaluating
is not bounded by anything that a text shows: `failover.expressions` does that in a process apart.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from cel_expr_python import cel

EXPRESSION_LENGTH_MAX = 1000

_PLACE = re.compile(r"<input>:(\d+):(\d+): ([^\n]*)")


@functools.cache
def environment() -> Any:
    """The variables that expressions have."""
    return cel.NewEnv(variables={"object": cel.Type.DYN, "owned": cel.Type.List(cel.Type.DYN)})


def problem_of(text: str) -> str:
    """What is wrong with an expression, as a sentence; nothing where it can be used."""
    if not text.strip():
        return "is empty; write an expression, as object.status.phase == 'Running'."
    if len(text) > EXPRESSION_LENGTH_MAX:
        return f"has {len(text)} characters; {EXPRESSION_LENGTH_MAX} are allowed, split it into clauses."
    try:
        given = environment().compile(text).return_type()
    except RuntimeError as error:
        return _told(str(error))
    if given not in (cel.Type.BOOL, cel.Type.DYN):
        return f"gives {given.name()}, but must be true or false."
    return ""


def _told(message: str) -> str:
    found = _PLACE.search(message)
    if found is None:
        return f"is no expression: {message.splitlines()[0][:200]}."
    line, column, said = found.groups()
    said = re.sub(r" \(in container ''\)| expecting \{.*", "", said)
    return f"is no expression: {said[:200]} (line {line}, column {column})."
