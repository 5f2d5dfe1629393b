"""Following a failover until it ends, or waits for a person; live on a terminal, by lines elsewhere.

Whatever Temporal does meanwhile (a restart, a lost connection), asking goes on until the time is up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from rich.console import Group
from rich.live import Live as LiveView
from rich.text import Text
from temporalio.client import Client

from cli.context import Surroundings
from cli.exits import TimedOut
from cli.printing import console, on_terminal, rich_table, say, styled, tell
from cli.telling import TIMELINE, status_lines, tell_pauses, timeline_rows
from failover.domain.errors import TransientError
from failover.domain.identity import ApplicationRef
from failover.pauses import Pause
from triggers.pausing import open_pauses
from triggers.reading import Known, Summary, read, summarize

POLL = timedelta(seconds=0.3)
VIEW = timedelta(seconds=0.5)


async def until_settled(
    client: Client, application: ApplicationRef, run_id: str, limit: timedelta | None
) -> Summary:
    """The run once it has ended or waits for a person. Raises `TimedOut`."""
    try:
        async with asyncio.timeout(limit.total_seconds() if limit is not None else None):
            async for about in _changes(client, application, run_id):
                if about.exit_code is not None:
                    return about
    except TimeoutError as error:
        waited = limit.total_seconds() if limit is not None else 0
        message = f"the failover of {application} is still under way after {waited:g} s; it goes on"
        raise TimedOut(message) from error
    raise AssertionError("the changes of a run never end")


async def _changes(
    client: Client, application: ApplicationRef, run_id: str
) -> AsyncIterator[Summary]:
    """The run as it is, again and again."""
    told = False
    while True:
        try:
            about = await summarize(client, application, run_id)
        except TransientError as error:
            if not told:
                tell(f"{error.message}; asking again", style="yellow")
                told = True
        else:
            told = False
            yield about
        await asyncio.sleep(POLL.total_seconds())


@asynccontextmanager
async def shown_meanwhile(
    surroundings: Surroundings, client: Client, application: ApplicationRef, run_id: str
) -> AsyncGenerator[None, None]:
    """While the block runs, show how the failover goes."""
    showing = _live if on_terminal() else _by_lines
    task = asyncio.create_task(showing(surroundings, client, application, run_id))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def watch(
    surroundings: Surroundings, client: Client, application: ApplicationRef, run_id: str
) -> None:
    """Show how the failover goes until it is over."""
    showing = _live if on_terminal() else _by_lines
    await showing(surroundings, client, application, run_id)


async def _by_lines(
    _surroundings: Surroundings, client: Client, application: ApplicationRef, run_id: str
) -> None:
    """One line for each phase, as it begins."""
    last: tuple[str, str] = ("", "")
    async for about in _changes(client, application, run_id):
        now = about.shown, about.reason
        if now != last:
            at = datetime.now(UTC).strftime("%H:%M:%S")
            tell("  ".join(each for each in (at, *now, about.target) if each))
            last = now
        if not about.is_open:
            return


async def _live(
    surroundings: Surroundings, client: Client, application: ApplicationRef, run_id: str
) -> None:
    """The whole status, drawn again and again in place."""
    with LiveView(console=console(), auto_refresh=False, transient=True) as view:
        while True:
            try:
                known = await read(client, application, run_id)
                pauses = await open_pauses(client)
            except TransientError as error:
                view.update(Text(error.message, style="yellow"), refresh=True)
            else:
                view.update(drawn(surroundings, client, known, pauses), refresh=True)
                if not known.summary.is_open:
                    return
            await asyncio.sleep(VIEW.total_seconds())


def drawn(surroundings: Surroundings, client: Client, known: Known, pauses: list[Pause]) -> Group:
    """The status and its timeline, to draw on a terminal."""
    now = datetime.now(UTC)
    link = surroundings.link(client.namespace, known.summary.id, known.summary.run_id)
    head, *lines = status_lines(known, now, link)
    name, _, standing = head.rpartition(": ")
    word, _, under = standing.partition(" ")
    return Group(
        *(Text(str(each), style="bold yellow") for each in pauses),
        Text.from_markup(f"[bold]{name}[/]: {styled(word)} {under}"),
        *(Text(line) for line in lines),
        Text(),
        rich_table(TIMELINE, timeline_rows(known.steps, now)),
    )


def print_status(
    surroundings: Surroundings, client: Client, known: Known, pauses: list[Pause]
) -> None:
    """The status and its timeline, once."""
    if on_terminal():
        console().print(drawn(surroundings, client, known, pauses))
        return
    now = datetime.now(UTC)
    link = surroundings.link(client.namespace, known.summary.id, known.summary.run_id)
    tell_pauses(pauses)
    for line in status_lines(known, now, link):
        say(line)
