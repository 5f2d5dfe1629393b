"""`failover plan`: what a failover would do, to the last field of the new object; nothing is done."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import Annotated, cast

import typer

from cli.addressing import Target
from cli.context import Namespace, PolicyPlaces, run, surroundings
from cli.exits import Refused
from cli.getting import protection_of
from cli.preparing import Prepared, Wish, final_manifest, plan, prepare
from cli.printing import Output, OutputOption, on_terminal, print_data, say, to_yaml
from cli.showing import show_answer, show_topology
from failover.domain.errors import InvalidInput, NotFound
from failover.domain.handing_on import StateChoice
from failover.domain.manifest import Manifest
from failover.domain.plan import Answer, FailoverPlan, Refusal

From = Annotated[str, typer.Option("--from", metavar="CLUSTER", help="The cluster to move off.")]
StateOption = Annotated[
    str,
    typer.Option(
        "--state",
        metavar="GENERATION",
        help="Hand on this generation of its state (`failover get states`), or `current`: what it shows.",
    ),
]
To = Annotated[str, typer.Option("--to", metavar="CLUSTER", help="The cluster to move to.")]


def add_to(app: typer.Typer) -> None:
    """Add `plan`."""
    app.command(name="plan")(show_plan_of)


def show_plan_of(
    target: Target,
    policies: PolicyPlaces,
    namespace: Namespace = "default",
    source: From = "",
    to: To = "",
    state: StateOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Show what a failover would do now, with the final manifest and its diff; nothing is done.

    Exits with 5 where a rule refuses the move.
    """
    run(_plan(Wish(target, namespace, tuple(policies), source, to), state, output))


async def chosen(wish: Wish, state: str) -> Wish:
    """The wish with the state that was named. Raises `InvalidInput`, and `NotFound` where nobody knows it."""
    if not state:
        return wish
    if state == "current":
        return replace(wish, state=StateChoice())
    if not (state.isascii() and state.isdigit() and int(state)):
        raise InvalidInput(f"--state {state}: write the number of a generation, or current")
    found = await protection_of(surroundings(), wish.target, wish.namespace)
    for each in found.view.known.states:
        if each.number == int(state):
            return replace(wish, state=StateChoice(number=each.number, labels=each.labels))
    known = ", ".join(str(each.number) for each in found.view.known.states) or "none"
    message = f"{found.application} has no state generation {state} (known: {known}); look at `failover get states`"
    raise NotFound(message)


async def _plan(wish: Wish, state: str, output: Output) -> None:
    wish = await chosen(wish, state)
    async with surroundings().fleet() as fleet:
        prepared = await prepare(fleet, wish)
        answer = await plan(fleet, prepared)
        manifest = (
            final_manifest(fleet, prepared, answer) if isinstance(answer, FailoverPlan) else None
        )
    if output.is_data:
        print_data(_as_data(prepared, answer, manifest), output)
        if isinstance(answer, Refusal):
            raise Refused(answer.message, reason=answer.reason)
        return
    if output is Output.NAME:
        say(answer.target if isinstance(answer, FailoverPlan) else "")
        return
    show_topology(prepared)
    show_answer(answer, prepared)
    if manifest is not None and isinstance(answer, FailoverPlan):
        say(f"The object on {answer.target}:")
        say()
        say(to_yaml(manifest).rstrip())
        say()
        _show_diff(diff(prepared, answer, manifest))


def diff(prepared: Prepared, made: FailoverPlan, manifest: Manifest) -> list[str]:
    """The lines by which the new object differs from the live one (its status and managedFields apart)."""
    live = dict(prepared.manifest or {})
    live.pop("status", None)
    live["metadata"] = {
        key: value for key, value in live.get("metadata", {}).items() if key != "managedFields"
    }
    name = prepared.application.short
    return list(
        difflib.unified_diff(
            to_yaml(_sorted(live)).splitlines(),
            to_yaml(_sorted(manifest)).splitlines(),
            f"{made.source}/{name}",
            f"{made.target}/{name}",
            lineterm="",
        )
    )


def _sorted(value: object) -> object:
    """Keys in one order on both sides, so that only what differs shows."""
    match value:
        case dict():
            entries = cast("dict[str, object]", value)
            return {key: _sorted(entries[key]) for key in sorted(entries)}
        case list():
            return [_sorted(each) for each in cast("list[object]", value)]
        case _:
            return value


def _show_diff(lines: list[str]) -> None:
    colours = {"+": "green", "-": "red", "@": "cyan"}
    for line in lines:
        say(line, style=colours.get(line[:1], "") if on_terminal() else "")


def _as_data(prepared: Prepared, answer: Answer, manifest: Manifest | None) -> dict[str, object]:
    made = answer if isinstance(answer, FailoverPlan) else None
    return {
        "application": prepared.application,
        "policy": str(prepared.policy),
        "clusters": [
            {"name": each.cluster, "here": each.lives, "health": each.health, "message": each.told}
            for each in prepared.places
        ],
        "answer": answer,
        "digest": made.digest if made else "",
        "steps": made.steps if made else [],
        "manifest": manifest,
        "diff": "\n".join(diff(prepared, made, manifest)) if made and manifest else "",
    }
