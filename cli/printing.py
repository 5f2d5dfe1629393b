"""How answers look: rich tables on a terminal, plain columns when piped, JSON and YAML when asked.

What a script reads goes to standard output, everything said to a person about it (warnings,
pauses, what will happen) to standard error where it would get in the way.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, cast

import typer
import yaml
from pydantic import BaseModel
from pydantic.alias_generators import to_camel
from pydantic_core import to_jsonable_python
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

_GAP = "   "
NONE = "<none>"


class Output(StrEnum):
    """Forms of an answer, as kubectl has them."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"

    @property
    def is_data(self) -> bool:
        """Whether a program reads it."""
        return self in {Output.JSON, Output.YAML}


OutputOption = Annotated[Output, typer.Option("--output", "-o", help="Form of the answer.")]

_STYLES = {
    "Healthy": "green",
    "Completed": "green",
    "Recovered": "green",
    "WouldHaveMoved": "green",
    "Chosen": "green",
    "Eligible": "green",
    "Unhealthy": "red",
    "RolledBack": "red",
    "Aborted": "red",
    "Superseded": "red",
    "Refused": "red",
    "IdMismatch": "red",
    "Blocked": "bold red",
    "Terminated": "red",
    "AwaitingApproval": "yellow",
    "Held": "yellow",
    "Retrying": "yellow",
    "WaitingForCluster": "yellow",
    "Unknown": "yellow",
}


def console() -> Console:
    """Standard output, as it is now (tests put another in its place)."""
    return Console(file=sys.stdout, highlight=False, soft_wrap=True)


def err_console() -> Console:
    """Standard error, as it is now."""
    return Console(file=sys.stderr, highlight=False, soft_wrap=True)


def on_terminal() -> bool:
    """Whether a person looks at standard output."""
    return sys.stdout.isatty()


def can_ask() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def say(text: str = "", *, style: str = "") -> None:
    """One line to standard output; markup in it is not looked at."""
    console().print(Text(text, style=style))


def tell(text: str, *, style: str = "") -> None:
    """One line to standard error, beside the answer."""
    err_console().print(Text(text, style=style))


def warn(text: str) -> None:
    """A warning, on standard error."""
    tell(f"warning: {text}", style="yellow")


def styled(word: str) -> str:
    """A word of ours with its colour, as markup."""
    shown = escape(word)
    style = _STYLES.get(word)
    return f"[{style}]{shown}[/]" if style else shown


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns under upper-case headings; empty cells read `<none>`, as kubectl has it."""
    filled = [[cell or NONE for cell in row] for row in rows]
    if on_terminal():
        console().print(_rich_table(columns, filled))
        return
    for line in plain_table(columns, filled):
        print(line)


def plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table without any colour."""
    lines = [list(columns), *([_one_line(cell) for cell in row] for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    return [
        _GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def rich_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table for a terminal, to print or to show live."""
    return _rich_table(columns, [[cell or NONE for cell in row] for row in rows])


def _rich_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for at, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=at == 0)
    for row in rows:
        table.add_row(*(styled(cell) for cell in row))
    return table


def _one_line(cell: str) -> str:
    return " ".join(cell.split())


def print_pairs(pairs: Iterable[tuple[str, str]]) -> None:
    """`Name:  value` lines, aligned; pairs without a value are left out."""
    for line in pair_lines(pairs):
        say(line)


def pair_lines(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """The lines of `print_pairs`."""
    told = [(name, value) for name, value in pairs if value]
    width = max((len(name) for name, _ in told), default=0) + 1
    return [f"{name + ':':<{width}}  {value}" for name, value in told]


def print_data(value: object, output: Output) -> None:
    """JSON or YAML, the same fields in both."""
    data = plain(value)
    if output is Output.YAML:
        print(to_yaml(data), end="")
    else:
        print(json.dumps(data, indent=2, ensure_ascii=False))


def to_yaml(value: object) -> str:
    """YAML as people write it: in the given order, block style."""
    return yaml.safe_dump(plain(value), sort_keys=False, allow_unicode=True, width=100)


def plain(value: object) -> Any:
    """Models, dates and tuples as JSON has them.

    Fields of models are camelCase, as in Kubernetes, whatever they are called on Temporal's wire; the
    keys of maps (labels, manifests) are data, and stay.
    """
    match value:
        case BaseModel():
            return _named(value)
        case datetime():
            return moment(value)
        case timedelta():
            return value.total_seconds()
        case StrEnum():
            return value.value
        case Mapping():
            entries = cast("Mapping[object, object]", value)
            return {str(key): plain(each) for key, each in entries.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(each) for each in cast("Iterable[object]", value)]
        case _:
            return value


def _named(model: BaseModel) -> dict[str, Any]:
    """The fields of a model: by their alias where they have one, else in camelCase."""
    return {
        info.serialization_alias or to_camel(name): _held(getattr(model, name))
        for name, info in type(model).model_fields.items()
    }


def _held(value: object) -> Any:
    """What a field holds: dates and durations as pydantic writes them, to the microsecond."""
    match value:
        case BaseModel():
            return _named(value)
        case _ if is_dataclass(value):
            return {to_camel(each.name): _held(getattr(value, each.name)) for each in fields(value)}
        case Mapping():
            entries = cast("Mapping[object, object]", value)
            return {str(key): _held(each) for key, each in entries.items()}
        case list() | tuple():
            return [_held(each) for each in cast("Iterable[object]", value)]
        case _:
            return to_jsonable_python(value)


def moment(value: datetime) -> str:
    """A moment as Kubernetes writes it, in UTC."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def age(since: datetime | None, now: datetime) -> str:
    """How long ago, as kubectl says it: `5s`, `3m20s`, `2h`, `4d`."""
    if since is None:
        return ""
    return duration_words(max((now - since).total_seconds(), 0))


def duration_words(seconds: float) -> str:
    """A duration in kubectl's short form."""
    total = int(seconds)
    if total < 120:
        return f"{total}s"
    minutes, rest = divmod(total, 60)
    if minutes < 10:
        return f"{minutes}m{rest}s" if rest else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    hours = minutes // 60
    return f"{hours}h" if hours < 48 else f"{hours // 24}d"
