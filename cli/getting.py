"""`failover get applications` and `failover describe`: what is protected, as Temporal has it stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from cli.addressing import Target, address
from cli.context import AllNamespaces, Namespace, run, surroundings
from cli.printing import (
    Output,
    OutputOption,
    age,
    moment,
    plain,
    print_data,
    print_pairs,
    print_table,
    say,
    tell,
)
from failover.domain.application import ApplicationView, Known
from failover.domain.errors import NotFound
from failover.domain.telling import seconds
from triggers.protecting import Protection, list_protections, protection


class Noun(StrEnum):
    """What can be got."""

    APPLICATIONS = "applications"


What = Annotated[Noun, typer.Argument(metavar="applications", help="What to list.")]


def add_to(app: typer.Typer) -> None:
    """Add `get` and `describe`."""
    app.command(name="get")(get)
    app.command(name="describe")(describe)


def get(
    what: What,
    namespace: Namespace = "default",
    all_namespaces: AllNamespaces = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """List the applications under protection: where each lives, how it is, and what may be done.

    Nobody is asked: it is what was seen last, also while no worker is up.
    """
    match what:
        case Noun.APPLICATIONS:
            run(_applications("" if all_namespaces else namespace, output))


def describe(
    target: Target, namespace: Namespace = "default", output: OutputOption = Output.TABLE
) -> None:
    """Say everything about the protection of one application."""
    run(_describe(target, namespace, output))


async def _applications(namespace: str, output: Output) -> None:
    client = await surroundings().client()
    found = await list_protections(client, namespace=namespace)
    if output.is_data:
        print_data({"items": [protection_data(each) for each in found]}, output)
    elif output is Output.NAME:
        for each in found:
            say(f"{str(each.application.group_kind).lower()}/{each.application.name}")
    elif found:
        print_table(columns(namespace, output), rows(found, namespace, output, datetime.now(UTC)))
    else:
        where = f" in namespace {namespace} (-A: in all)" if namespace else ""
        tell(f"No applications are protected{where}.")


async def _describe(target: str, namespace: str, output: Output) -> None:
    here = surroundings()
    client = await here.client()
    application = await address(here, client, target, namespace)
    found = await protection(client, application)
    if found is None:
        message = f"{application} is not protected; `failover protect -f POLICY` does it"
        raise NotFound(message)
    if output.is_data:
        print_data(protection_data(found), output)
        return
    say(f"{application}: {found.view.phase}")
    link = here.link(client.namespace, found.id, found.run_id)
    print_pairs((*_pairs(found, datetime.now(UTC)), ("Link", link)))


def columns(namespace: str, output: Output) -> tuple[str, ...]:
    """The headings, as wide as asked for."""
    first = () if namespace else ("NAMESPACE",)
    wide = ("GENERATION", "POLICY", "DECLARED BY", "REASON") if output is Output.WIDE else ()
    fixed = ("NAME", "PHASE", "HOME", "HEALTH", "SINCE", "STATE", "AGE", "FAILOVERS", "NEXT", "MODE")  # fmt: skip
    return (*first, *fixed, *wide)


def rows(
    found: Sequence[Protection], namespace: str, output: Output, now: datetime
) -> list[tuple[str, ...]]:
    """One row for each protection."""
    return [_row(each.view, namespace, output, now) for each in found]


def _row(view: ApplicationView, namespace: str, output: Output, now: datetime) -> tuple[str, ...]:
    known, declaration = view.known, view.declaration
    health = known.health
    first = () if namespace else (view.application.namespace,)
    wide = (
        str(known.generation),
        str(declaration.policy),
        declaration.declared_by,
        health.reason if health else "",
    )
    return (
        *first,
        view.application.short,
        view.phase.value,
        known.home,
        health.status if health else "",
        age(known.since, now),
        known.last_good_state,
        age(known.last_good_since, now),
        "" if known.failovers_in_window is None else str(known.failovers_in_window),
        _next(known, now),
        declaration.mode,
        *(wide if output is Output.WIDE else ()),
    )


def _next(known: Known, now: datetime) -> str:
    at = known.next_allowed_at
    if at is None:
        return ""
    return "now" if at <= now else f"in {age(now, at)}"


def _pairs(found: Protection, now: datetime) -> Sequence[tuple[str, str]]:
    view = found.view
    known, declaration = view.known, view.declaration
    active = declaration.policy.active
    health, suspension = known.health, view.suspension
    since = f"{moment(known.since)} ({age(known.since, now)} ago)" if known.since else ""
    return (
        ("Why", view.message),
        ("Suspended", moment(suspension.since) if suspension and suspension.since else ""),
        ("Home", known.home or "not known"),
        ("Generation", str(known.generation)),
        ("Health", f"{health.status} ({health.reason}): {health.message}" if health else ""),
        ("Since", since),
        ("Last good state", known.last_good_state),
        ("Mode", declaration.mode),
        ("Policy", str(declaration.policy)),
        ("Toleration", seconds(active.toleration)),
        ("Purge mode", active.purge_mode),
        ("Declared by", declaration.declared_by),
        ("Declared", moment(found.started_at)),
        ("Run", f"{found.id} {found.run_id}"),
    )


def protection_data(found: Protection) -> dict[str, Any]:
    """A protection as JSON."""
    view = found.view
    known, declaration = view.known, view.declaration
    data = {
        "id": found.id,
        "runId": found.run_id,
        "application": view.application,
        "phase": view.phase,
        "message": view.message,
        "mode": declaration.mode,
        "policy": str(declaration.policy),
        "declaredBy": declaration.declared_by,
        "declaredAt": found.started_at,
        "suspension": view.suspension,
        "home": known.home,
        "generation": known.generation,
        "newerGeneration": known.newer_generation,
        "health": known.health,
        "since": known.since,
        "lastGoodState": known.last_good_state,
        "lastGoodSince": known.last_good_since,
        "failoversInWindow": known.failovers_in_window,
        "nextAllowedAt": known.next_allowed_at,
    }
    return {key: plain(value) for key, value in data.items()}
