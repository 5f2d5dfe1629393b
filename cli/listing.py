"""`failover list`: the failovers that are under way, and those that have ended."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text
from temporalio.client import Client

from cli.context import AllNamespaces, Namespace, run, surroundings
from cli.printing import (
    Output,
    OutputOption,
    age,
    console,
    moment,
    on_terminal,
    print_data,
    print_table,
    rich_table,
    say,
    tell,
)
from cli.telling import pauses_data, summary_data, tell_pauses
from failover.pauses import Pause
from triggers.pausing import open_pauses
from triggers.reading import Summary, list_failovers

EVERY = timedelta(seconds=1)


def add_to(app: typer.Typer) -> None:
    """Add `list`."""
    app.command(name="list")(list_them)


def list_them(
    namespace: Namespace = "default",
    all_namespaces: AllNamespaces = False,
    ended_too: Annotated[
        bool, typer.Option("--all", help="Those that have ended as well.")
    ] = False,
    live: Annotated[bool, typer.Option("--watch", "-w", help="Go on showing changes.")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """List failovers: those under way, with --all the ended ones too; open pauses stand on top."""
    place = "" if all_namespaces else namespace
    run(_list(place, output, ended_too=ended_too, live=live))


async def _list(namespace: str, output: Output, *, ended_too: bool, live: bool) -> None:
    client = await surroundings().client()
    if live and not output.is_data:
        await _watch(client, namespace, output, ended_too=ended_too)
        return
    pauses = await open_pauses(client)
    found = await list_failovers(client, namespace=namespace, ended_too=ended_too)
    if output.is_data:
        items = [summary_data(each) for each in found]
        print_data({"pauses": pauses_data(pauses), "items": items}, output)
        return
    tell_pauses(pauses)
    if output is Output.NAME:
        for one in found:
            say(_name(one))
    elif found:
        print_table(columns(namespace, output), rows(found, namespace, output, datetime.now(UTC)))
    else:
        tell(_nothing(namespace, ended_too=ended_too))


async def _watch(client: Client, namespace: str, output: Output, *, ended_too: bool) -> None:
    """Until interrupted: the list redrawn on a terminal; elsewhere what changes, row by row."""
    if on_terminal():
        with Live(console=console(), auto_refresh=False) as view:
            while True:
                pauses = await open_pauses(client)
                found = await list_failovers(client, namespace=namespace, ended_too=ended_too)
                view.update(_drawn(found, pauses, namespace, output), refresh=True)
                await asyncio.sleep(EVERY.total_seconds())
    known: dict[tuple[str, str], Summary] = {}
    told: list[Pause] = []
    while True:
        pauses = await open_pauses(client)
        if pauses != told:
            tell_pauses(pauses)
        told = pauses
        found = await list_failovers(client, namespace=namespace, ended_too=ended_too)
        fresh = [each for each in found if known.get((each.id, each.run_id)) != each]
        if fresh:
            print_table(
                columns(namespace, output), rows(fresh, namespace, output, datetime.now(UTC))
            )
        known |= {(each.id, each.run_id): each for each in fresh}
        await asyncio.sleep(EVERY.total_seconds())


def _drawn(
    found: Sequence[Summary], pauses: Sequence[Pause], namespace: str, output: Output
) -> Group:
    now = datetime.now(UTC)
    return Group(
        *(Text(str(each), style="bold yellow") for each in pauses),
        rich_table(columns(namespace, output), rows(found, namespace, output, now)),
    )


def columns(namespace: str, output: Output) -> tuple[str, ...]:
    """The headings, as wide as asked for."""
    first = () if namespace else ("NAMESPACE",)
    wide = ("TRIGGER", "GENERATION", "DETECTED", "RUN") if output is Output.WIDE else ()
    return (*first, "NAME", "PHASE", "FROM", "TO", "REASON", "AGE", *wide)


def rows(
    found: Sequence[Summary], namespace: str, output: Output, now: datetime
) -> list[tuple[str, ...]]:
    """One row for each failover."""
    return [_row(each, namespace, output, now) for each in found]


def _row(each: Summary, namespace: str, output: Output, now: datetime) -> tuple[str, ...]:
    first = () if namespace else (each.application.namespace,)
    detected = moment(each.detected_at) if each.detected_at else ""
    wide = (each.trigger, str(each.generation), detected, each.run_id)
    return (
        *first,
        each.application.short,
        each.shown,
        each.source,
        each.target,
        each.reason,
        age(each.detected_at, now),
        *(wide if output is Output.WIDE else ()),
    )


def _name(each: Summary) -> str:
    """`flinkdeployment.flink.apache.org/orders`, which every verb takes."""
    return f"{str(each.application.group_kind).lower()}/{each.application.name}"


def _nothing(namespace: str, *, ended_too: bool) -> str:
    where = f" in namespace {namespace}" if namespace else ""
    what = "No failovers known" if ended_too else "No failovers under way"
    hints = [
        hint
        for hint, fits in (("-A: in all", namespace), ("--all: ended too", not ended_too))
        if fits
    ]
    return f"{what}{where}." + (f" ({', '.join(hints)})" if hints else "")
