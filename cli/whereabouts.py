"""`failover where` and `failover history`: where an application lives, and how it came there."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from cli.addressing import Target, address, resolve
from cli.context import Namespace, run, surroundings
from cli.listing import columns, rows
from cli.printing import Output, OutputOption, print_data, print_table, say, tell
from cli.showing import places_table
from cli.telling import summary_data
from cli.topology import Place, home, look
from failover.domain import budget
from failover.domain.errors import NotFound
from failover.domain.identity import ApplicationRef
from triggers.reading import list_runs


def add_to(app: typer.Typer) -> None:
    """Add `where` and `history`."""
    app.command(name="where")(where)
    app.command(name="history")(history)


def where(
    target: Target, namespace: Namespace = "default", output: OutputOption = Output.TABLE
) -> None:
    """Say where an application lives, as the clusters show it now; `-o name` prints the cluster alone.

    Exits with 5 where it lives on several clusters, and with 1 where it is on none or cannot be seen.
    """
    run(_where(target, namespace, output))


async def _where(target: str, namespace: str, output: Output) -> None:
    async with surroundings().fleet() as fleet:
        application = await resolve(fleet, target, namespace)
        places = await look(fleet, application)
    moves = budget.merged(*(each.counted for each in places))
    if output is Output.TABLE or output is Output.WIDE:
        print_table(("CLUSTER", "HERE", "HEALTH", "REASON"), places_table(places))
        if told := budget.remembered(moves):
            say()
            say(told)
        _the_one(application, places)
        return
    living = _the_one(application, places)
    if output is Output.NAME:
        say(living.cluster)
        return
    seen = [{"cluster": each.cluster, "lives": each.lives, "told": each.told} for each in places]
    data = {"application": application, "home": living.cluster, "clusters": seen, "moves": moves}
    print_data(data, output)


def _the_one(application: ApplicationRef, places: tuple[Place, ...]) -> Place:
    """The one place where it lives. Raises the error of a cluster that could not be seen, or `NotFound`."""
    if (living := home(application, places)) is not None:
        return living
    for each in places:
        if each.error is not None:
            raise each.error
    raise NotFound(f"{application} is on no cluster of the fleet")


def history(
    target: Target, namespace: Namespace = "default", output: OutputOption = Output.TABLE
) -> None:
    """List all failovers of an application that Temporal still keeps, the newest first."""
    run(_history(target, namespace, output))


async def _history(target: str, namespace: str, output: Output) -> None:
    here = surroundings()
    client = await here.client()
    application = await address(here, client, target, namespace)
    found = await list_runs(client, application)
    if output.is_data:
        print_data({"items": [summary_data(each) for each in found]}, output)
    elif output is Output.NAME:
        for each in found:
            say(each.run_id)
    elif found:
        shown = rows(found, namespace, Output.WIDE, datetime.now(UTC))
        print_table(columns(namespace, Output.WIDE), shown)
    else:
        tell(f"No failover of {application} is kept in Temporal.")
