"""`failover get` and `failover describe`: what is protected, and its state, as Temporal has it stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from cli.addressing import Target, address
from cli.context import AllNamespaces, Namespace, Surroundings, run, surroundings
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
from failover.domain.budget import told
from failover.domain.errors import InvalidInput, NotFound
from failover.domain.states import StateGeneration
from failover.domain.telling import seconds
from triggers.protecting import Protection, list_protections, protection


class Noun(StrEnum):
    """What can be got."""

    APPLICATIONS = "applications"
    STATES = "states"


What = Annotated[Noun, typer.Argument(metavar="applications|states", help="What to list.")]
Of = Annotated[
    str, typer.Argument(metavar="[KIND/NAME]", help="Of which application, with states.")
]
HANDED_ON = "handed on now"


def add_to(app: typer.Typer) -> None:
    """Add `get` and `describe`."""
    app.command(name="get")(get)
    app.command(name="describe")(describe)


def get(
    what: What,
    target: Of = "",
    namespace: Namespace = "default",
    all_namespaces: AllNamespaces = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """List the applications under protection, or the generations of one application's state.

    `applications`: where each lives, how it is, and what may be done. `states KIND/NAME`: which values it has
    had, which of them have proved good, and which ones a failover would hand on now.

    Nobody is asked: it is what was seen last, also while no worker is up.
    """
    match what:
        case Noun.APPLICATIONS:
            if target:
                raise InvalidInput(
                    f"one application is described by: failover describe KIND/{target.rpartition('/')[2]}"
                )
            run(_applications("" if all_namespaces else namespace, output))
        case Noun.STATES:
            if not target:
                raise InvalidInput("whose? Write failover get states KIND/NAME")
            run(_states(target, namespace, output))


def describe(
    target: Target, namespace: Namespace = "default", output: OutputOption = Output.TABLE
) -> None:
    """Say everything about the protection of one application."""
    run(_describe(target, namespace, output))


async def _applications(namespace: str, output: Output) -> None:
    client = await surroundings().client()
    found, now = await list_protections(client, namespace=namespace), datetime.now(UTC)
    if output.is_data:
        print_data({"items": [protection_data(each, now) for each in found]}, output)
    elif output is Output.NAME:
        for each in found:
            say(f"{str(each.application.group_kind).lower()}/{each.application.name}")
    elif found:
        print_table(columns(namespace, output), rows(found, namespace, output, now))
    else:
        where = f" in namespace {namespace} (-A: in all)" if namespace else ""
        tell(f"No applications are protected{where}.")


async def protection_of(here: Surroundings, target: str, namespace: str) -> Protection:
    """The protection of what was typed. Raises `NotFound` where it is not protected."""
    client = await here.client()
    application = await address(here, client, target, namespace)
    found = await protection(client, application)
    if found is None:
        message = f"{application} is not protected; `failover protect -f POLICY` does it"
        raise NotFound(message)
    return found


async def _states(target: str, namespace: str, output: Output) -> None:
    found = await protection_of(surroundings(), target, namespace)
    known = found.view.known
    if output.is_data:
        print_data({"application": found.application, "items": states_data(known)}, output)
    elif output is Output.NAME:
        for each in reversed(known.states):
            say(str(each.number))
    elif known.states:
        print_table(*state_table(known, output))
    else:
        tell(f"{found.application} has shown no state yet, or its policy preserves none.")


def state_table(known: Known, output: Output) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headings and rows, the newest generation first."""
    wide = ("HEALTHY SINCE", "KEPT ON") if output is Output.WIDE else ()
    heads = ("GENERATION", "VALUES", "SINCE", "GOOD SINCE", "CLUSTER", "FAILOVER", *wide)
    return heads, [_state_row(each, known, output) for each in reversed(known.states)]


def _state_row(state: StateGeneration, known: Known, output: Output) -> tuple[str, ...]:
    wide = (moment(state.healthy_since) if state.healthy_since else "", _kept_on(state, known))
    return (
        str(state.number),
        str(state),
        moment(state.since),
        moment(state.good_since) if state.good_since else "not yet",
        state.cluster,
        HANDED_ON if state == known.handed_on else "",
        *(wide if output is Output.WIDE else ()),
    )


def _kept_on(state: StateGeneration, known: Known) -> str:
    kept = known.kept
    if kept is None or kept.number != state.number:
        return ""
    return ",".join(filter(None, (kept.home, kept.elsewhere)))


def states_data(known: Known) -> list[dict[str, Any]]:
    """The generations as JSON, the newest first."""
    return [
        {
            "generation": each.number,
            "values": each.labels,
            "since": plain(each.since),
            "healthySince": plain(each.healthy_since),
            "goodSince": plain(each.good_since),
            "cluster": each.cluster,
            "keptOn": [name for name in _kept_on(each, known).split(",") if name],
            "handedOn": each == known.handed_on,
        }
        for each in reversed(known.states)
    ]


async def _describe(target: str, namespace: str, output: Output) -> None:
    here = surroundings()
    client = await here.client()
    found = await protection_of(here, target, namespace)
    application = found.application
    if output.is_data:
        print_data(protection_data(found, datetime.now(UTC)), output)
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
    health, good = known.health, known.last_good
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
        good.values if good else "",
        age(good.good_since, now) if good and good.good_since else "",
        *_budget(view, now),
        declaration.mode,
        *(wide if output is Output.WIDE else ()),
    )


def _budget(view: ApplicationView, now: datetime) -> tuple[str, str]:
    """Moves in the window, and when the next one is allowed; empty before the first look."""
    if view.known.health is None:
        return "", ""
    use = view.budget_use(now)
    return str(use.moves), f"in {age(now, use.next_move_at)}" if use.next_move_at else "now"


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
        ("State", _told(known.states[-1] if known.states else None)),
        ("Last good state", _told(known.last_good)),
        ("Kept on", _kept_on(known.last_good, known) if known.last_good else ""),
        ("Mode", declaration.mode),
        ("Policy", str(declaration.policy)),
        ("Budget", told(view.budget_use(now)) if health else ""),
        ("Toleration", seconds(active.toleration)),
        ("Purge mode", active.purge_mode),
        ("Declared by", declaration.declared_by),
        ("Declared", moment(found.started_at)),
        ("Run", f"{found.id} {found.run_id}"),
    )


def _told(state: StateGeneration | None) -> str:
    if state is None:
        return ""
    good = f"good since {moment(state.good_since)}" if state.good_since else "not yet good"
    return f"generation {state.number}: {state} ({good})"


def protection_data(found: Protection, now: datetime) -> dict[str, Any]:
    """A protection as JSON."""
    view = found.view
    known, declaration = view.known, view.declaration
    use = view.budget_use(now) if known.health else None
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
        "lastGoodState": known.last_good.labels if known.last_good else None,
        "lastGoodSince": known.last_good.good_since if known.last_good else None,
        "failoversInWindow": use.moves if use else None,
        "nextAllowedAt": use.next_move_at if use else None,
    }
    return {key: plain(value) for key, value in data.items()}
