"""`failover status` and `failover timeline`: how one failover stands, and how it came to that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from cli.addressing import Target, address
from cli.context import Namespace, run, surroundings
from cli.exits import EXIT_DONE
from cli.printing import Output, OutputOption, plain, print_data, print_table, say, tell
from cli.telling import TIMELINE, status_data, summary_data, timeline_rows, total
from cli.waiting import print_status, shown_meanwhile, until_settled, watch
from triggers.pausing import open_pauses
from triggers.reading import Stored, read, summarize

RunId = Annotated[
    str, typer.Option("--run", metavar="RUN_ID", help="An earlier run; else the newest one.")
]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", metavar="SECONDS", min=0, help="With --wait: give up after this."),
]


def add_to(app: typer.Typer) -> None:
    """Add `status` and `timeline`."""
    app.command(name="status")(show_status)
    app.command(name="timeline")(show_timeline)


def show_status(
    target: Target,
    namespace: Namespace = "default",
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it ends.")] = False,
    timeout: Timeout = None,
    live: Annotated[bool, typer.Option("--watch", "-w", help="Show it until it ends.")] = False,
    run_id: RunId = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Show how a failover stands.

    With --wait, the exit code says how it ended: 0 Completed, Recovered or WouldHaveMoved; 1
    RolledBack, Aborted or Superseded; 5 Refused; 3 a person has to act (Blocked, AwaitingApproval,
    Held); 4 still under way when --timeout ends.
    """
    if timeout is not None and not wait:
        raise typer.BadParameter("--timeout needs --wait")
    limit = timedelta(seconds=timeout) if timeout is not None else None
    code = run(_status(target, namespace, run_id, output, wait=wait, limit=limit, live=live))
    if code:
        raise typer.Exit(code)


async def _status(
    target: str,
    namespace: str,
    run_id: str,
    output: Output,
    *,
    wait: bool,
    limit: timedelta | None,
    live: bool,
) -> int:
    here = surroundings()
    client = await here.client()
    application = await address(here, client, target, namespace)
    code = EXIT_DONE
    if wait:
        run_id = run_id or (await summarize(client, application)).run_id
        if output.is_data:
            settled = await until_settled(client, application, run_id, limit)
        else:
            async with shown_meanwhile(here, client, application, run_id):
                settled = await until_settled(client, application, run_id, limit)
        run_id, code = settled.run_id, settled.exit_code or EXIT_DONE
    elif live:
        await watch(here, client, application, run_id)
    known = await read(client, application, run_id)
    pauses = await open_pauses(client)
    match output:
        case Output.JSON | Output.YAML:
            link = here.link(client.namespace, known.summary.id, known.summary.run_id)
            print_data(status_data(known, pauses, link), output)
        case Output.NAME:
            say(known.summary.id)
        case Output.TABLE | Output.WIDE:
            print_status(here, client, known, pauses)
    return code


def show_timeline(
    target: Target,
    namespace: Namespace = "default",
    run_id: RunId = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Show every phase of a failover: when it began, how long it took, how often it was tried."""
    run(_timeline(target, namespace, run_id, output))


async def _timeline(target: str, namespace: str, run_id: str, output: Output) -> None:
    here = surroundings()
    client = await here.client()
    application = await address(here, client, target, namespace)
    known = await read(client, application, run_id)
    now = datetime.now(UTC)
    if output.is_data:
        data = {**summary_data(known.summary), "steps": plain(known.steps)}
        print_data(data, output)
        return
    if isinstance(known, Stored):
        tell("no worker answers; this is what the history says", style="yellow")
    print_table(TIMELINE, timeline_rows(known.steps, now))
    told = total(known.steps, now)
    say(f"{known.summary.shown} after {told}" if told else known.summary.shown)
