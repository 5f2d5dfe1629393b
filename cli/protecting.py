"""`failover protect`, `unprotect` and `suspend`: which applications are watched, and by which policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer
from temporalio.client import Client

from cli.addressing import Target, address
from cli.context import Actor, Namespace, PolicyPlaces, Reason, actor, run, surroundings
from cli.policies import load
from cli.printing import Output, OutputOption, print_data, say, warn
from failover.domain.application import Declaration, Order, Suspension
from failover.domain.errors import FailoverError, InvalidInput, NotFound
from failover.domain.identity import ApplicationRef
from failover.domain.policy import Mode, Policy
from failover.domain.policy.matching import Ambiguous, NoPolicy
from triggers import protecting
from triggers.policies import PolicySet
from triggers.protecting import Protection
from triggers.selecting import Selected, select

TAKEN_UP_WITHIN_SECONDS = 5.0
NO_WORKER = "it takes effect as soon as a worker is up (`failover worker`)"

OnlyIn = Annotated[
    str,
    typer.Option("--namespace", "-n", help="Only applications of this namespace; else of all."),
]
ModeOption = Annotated[
    str,
    typer.Option(
        "--mode",
        metavar="MODE",
        help="Observe, Confirm or Automatic; else the policy's, and Observe where it says none.",
    ),
]
MODES: dict[str, Mode] = {
    "observe": "Observe",
    "confirm": "Confirm",
    "automatic": "Automatic",
}


@dataclass(frozen=True)
class Declared:
    """What has become of one application."""

    application: ApplicationRef
    declaration: Declaration
    changed: bool


def add_to(app: typer.Typer) -> None:
    """Add `protect`, `unprotect` and `suspend`."""
    app.command(name="protect")(protect)
    app.command(name="unprotect")(unprotect)
    app.command(name="suspend")(suspend)


def protect(
    places: PolicyPlaces,
    namespace: OnlyIn = "",
    mode: ModeOption = "",
    by: Actor = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Protect the applications that policies mean: a watcher (`failover watch`) then looks after them.

    Where neither --mode nor the policy says otherwise they are only observed: nothing is written to
    any cluster, and `failover list` shows what would have moved. Saying it again changes the policy.
    """
    wanted = _mode(mode)
    run(_protect(places, namespace, wanted, actor(by), output))


def unprotect(
    target: Target, namespace: Namespace = "default", reason: Reason = "", by: Actor = ""
) -> None:
    """End the protection of an application; a failover that is under way goes on."""
    run(_unprotect(target, namespace, Order(actor=actor(by), note=reason)))


def suspend(
    target: Target, namespace: Namespace = "default", reason: Reason = "", by: Actor = ""
) -> None:
    """Start no failover of an application by itself, until `failover resume`.

    It stays protected and watched. A failover that is under way goes on; `failover pause` holds it.
    """
    if not reason.strip():
        raise InvalidInput("say why: --reason '…' is shown to everyone who wonders")
    run(_suspend(target, namespace, Suspension(actor=actor(by), reason=reason)))


def _mode(text: str) -> Mode | None:
    if not text:
        return None
    found = MODES.get(text.lower())
    if found is None:
        raise InvalidInput(f"--mode {text}: write Observe, Confirm or Automatic")
    return found


async def _protect(
    places: Sequence[str], namespace: str, mode: Mode | None, by: str, output: Output
) -> None:
    policies = await load(places)
    here = surroundings()
    async with here.fleet() as fleet:
        selected = await select(fleet, policies, namespace)
    meant = _meant(policies, selected)
    client = await here.client()
    done = [
        await _declare(client, application, _declaration(application, each, selected, policies, mode, by))
        for application, each in sorted(meant.items(), key=lambda item: str(item[0]))
    ]  # fmt: skip
    _tell(done, output)


def _meant(policies: PolicySet, selected: Selected) -> dict[ApplicationRef, Policy]:
    """The policy of each application. Raises where one is not to be told, or nothing was found."""
    for what, error in selected.errors.items():
        warn(f"{what} cannot be listed: {error.message}")
    meant: dict[ApplicationRef, Policy] = {}
    ambiguous: list[Ambiguous] = []
    for application, labels in selected.applications.items():
        found = policies.about(application, labels)
        if isinstance(found, Ambiguous):
            ambiguous.append(found)
        elif not isinstance(found, NoPolicy) and found.application is not None:
            meant[application] = found
    if ambiguous:
        raise _undecided(ambiguous)
    if not meant:
        raise _nothing(policies, selected)
    return meant


def _undecided(found: Sequence[Ambiguous]) -> InvalidInput:
    """One error, however many applications the same two policies mean."""
    first, *others = sorted(found, key=lambda each: str(each.application))
    more = ""
    if others:
        what = "1 more application" if len(others) == 1 else f"{len(others)} more applications"
        more = f" The same is so for {what}."
    return InvalidInput(f"{first.message}{more} Nothing was declared.", reason=first.reason)


def _nothing(policies: PolicySet, selected: Selected) -> FailoverError:
    for error in selected.errors.values():
        return error
    if not any(each.application for each in policies.policies):
        return InvalidInput("none of these policies has spec.failover.application, so none protects anything")  # fmt: skip
    return NotFound("no cluster of the fleet has an application that these policies mean")


def _declaration(
    application: ApplicationRef,
    policy: Policy,
    selected: Selected,
    policies: PolicySet,
    mode: Mode | None,
    by: str,
) -> Declaration:
    labels = dict(selected.applications[application])
    chosen: Mode = mode or policy.active.mode or "Observe"
    made = protecting.declaration_of(application, policy, policies, labels, chosen, actor=by)
    return made.model_copy(update={"afresh": True})


async def _declare(
    client: Client, application: ApplicationRef, declaration: Declaration
) -> Declared:
    before = await protecting.protection(client, application)
    await protecting.declare(client, application, declaration)
    same = before is not None and before.view.declaration.says_the_same(declaration)
    return Declared(application, declaration, changed=not same)


def _tell(done: list[Declared], output: Output) -> None:
    if output.is_data:
        items = [
            {
                "application": each.application,
                "mode": each.declaration.mode,
                "policy": str(each.declaration.policy),
                "changed": each.changed,
            }
            for each in done
        ]
        print_data({"items": items}, output)
        return
    for each in done:
        name = f"{str(each.application.group_kind).lower()}/{each.application.name}"
        if output is Output.NAME:
            say(name)
            continue
        how = "" if each.changed else ", as before"
        say(f"{each.application} is protected: {each.declaration.mode}, by {each.declaration.policy}{how}")  # fmt: skip


async def _unprotect(target: str, namespace: str, order: Order) -> None:
    here = surroundings()
    client = await here.client()
    application = await address(here, client, target, namespace)
    before = await protecting.protection(client, application)
    await protecting.unprotect(client, application, order)
    said = f"{application} is not protected any more"
    await _settled(client, application, lambda found: found is None, said)
    if before is not None and before.view.declaration.source:
        source = before.view.declaration.source
        warn(f"{source} declares it, and will again; take it out of there")


async def _suspend(target: str, namespace: str, suspension: Suspension) -> None:
    here = surroundings()
    client = await here.client()
    application = await address(here, client, target, namespace)
    await protecting.suspend(client, application, suspension)
    said = f"{application} is suspended; `failover resume` ends it"

    def suspended(found: Protection | None) -> bool:
        return found is None or found.view.suspension is not None

    await _settled(client, application, suspended, said)


async def _settled(
    client: Client,
    application: ApplicationRef,
    wanted: Callable[[Protection | None], bool],
    said: str,
) -> None:
    """Say so once it is so, or that it will be."""
    if await protecting.until(client, application, wanted, within_seconds=TAKEN_UP_WITHIN_SECONDS):
        say(said)
    else:
        warn(f"{application}: {NO_WORKER}")
