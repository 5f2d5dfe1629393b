"""What the doctor finds: how bad, about what, and the command that mends it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from rich.markup import escape

from cli.printing import console, on_terminal


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


_MARKS = {Level.OK: ("✓", "green"), Level.WARN: ("!", "yellow"), Level.FAIL: ("✗", "red")}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    about: str
    """`Temporal`, `cluster east`, `FlinkDeployment/orders in shop`, …"""
    reason: str
    message: str
    remedy: str = ""
    """A command to type, or a sentence where there is none; empty: nothing is to be done."""


def ok(about: str, reason: str, message: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, about, reason, message)


def warn(about: str, reason: str, message: str, remedy: str = "") -> Finding:
    """Failovers work, but somebody should know."""
    return Finding(Level.WARN, about, reason, message, remedy)


def fail(about: str, reason: str, message: str, remedy: str = "") -> Finding:
    """A failover would not work, or one does not go on."""
    return Finding(Level.FAIL, about, reason, message, remedy)


def show(findings: Iterable[Finding]) -> None:
    """One line each, the remedy below; with marks on a terminal, with words when piped."""
    out, live = console(), on_terminal()
    for each in findings:
        mark, style = _MARKS[each.level]
        head = f"[{style}]{mark}[/]" if live else f"{each.level:<4}"
        reason = "" if each.level is Level.OK else f" [dim]\\[{each.reason}][/]"
        out.print(f"{head} {escape(each.about)}: {escape(each.message)}{reason}")
        if each.remedy:
            out.print(f"{'' if live else '   '}  [dim]→[/] {escape(each.remedy)}")


def as_data(findings: Iterable[Finding]) -> list[dict[str, str]]:
    """The same for programs."""
    return [
        {
            "level": each.level.value,
            "about": each.about,
            "reason": each.reason,
            "message": each.message,
            "remedy": each.remedy,
        }
        for each in findings
    ]
