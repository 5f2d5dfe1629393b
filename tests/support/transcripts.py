"""Commands with their output as a page shows them, and whether what a command says is what is shown.

What differs from run to run may differ: ids, digests, ports, hosts, times, durations and ages; so may
the widths of columns, which follow from them. `…` is any text; on a line of its own, any lines.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

PROMPT = "$ "
ANY = "…"

_KINDS = (
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",  # a uid, a run
    r"\b[0-9a-f]{32}\b",  # a job
    r"\b[0-9a-f]{16}\b",  # a digest
    r"\b127\.0\.0\.1:\d+\b",
    r"@[\w.-]+:\d+\b",  # host and process id
    r"\b\d\d:\d\d:\d\d\b",
    r"\b\d+(?:\.\d+)? (?:ms|s|min)\b",
    r"\b\d+(?:m\d+s|[smhd])\b",
)
_CHANGING = re.compile("|".join(_KINDS))


@dataclass(frozen=True)
class Shown:
    """A command, and the lines that it is shown to say."""

    command: tuple[str, ...]
    lines: tuple[str, ...]

    def is_said(self, output: str) -> bool:
        """Whether the output is as shown."""
        return re.fullmatch("".join(_patterns(self.lines)), _lines(output)) is not None

    def difference(self, output: str) -> str:
        """The first line that is shown and not said, and all that is said."""
        patterns, said = _patterns(self.lines), _lines(output)
        fitting = next(
            count
            for count in range(len(patterns), -1, -1)
            if re.match("".join(patterns[:count]), said)
        )
        missing = [*self.lines, "(the end)"][fitting]
        return f"`{shlex.join(self.command)}` does not say\n  {missing}\nbut\n{output}"


def read(page: str) -> list[Shown]:
    """Every command with a prompt before it in the code blocks of a page."""
    found: list[Shown] = []
    for block in re.findall(r"^```\w*\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        for part in re.split(rf"^{re.escape(PROMPT)}", block, flags=re.MULTILINE)[1:]:
            command, *lines = part.rstrip().splitlines()
            found.append(Shown(tuple(shlex.split(command)), tuple(lines)))
    return found


def _lines(output: str) -> str:
    """The output with single spaces, one newline after each line."""
    lines = (" ".join(line.split()) for line in output.rstrip().splitlines())
    return "".join(f"{line}\n" for line in lines)


def _patterns(lines: tuple[str, ...]) -> list[str]:
    return [r"(?:.*\n)*?" if line.strip() == ANY else f"{_pattern(line)}\n" for line in lines]


def _pattern(line: str) -> str:
    """One line: what changes is matched by kind, and everything else to the letter."""
    text, pattern, place = " ".join(line.split()), "", 0
    for changing in _CHANGING.finditer(text):
        kind = next(each for each in _KINDS if re.fullmatch(each, changing[0]))
        pattern += _fixed(text[place : changing.start()]) + kind
        place = changing.end()
    return pattern + _fixed(text[place:])


def _fixed(text: str) -> str:
    return ".*".join(map(re.escape, text.split(ANY)))
