"""`failover rebuild`: after Temporal's database was lost, or put back from a backup.

Exit codes: 0, all is as it should be; 1, something could not be looked at or done; 2, wrong input; 3, a move is
open, and no policy says how it is to be finished; 5, the person said no.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from cli.asking import confirm
from cli.context import POLICY_PLACE, Actor, Yes, actor, run, surroundings
from cli.exits import EXIT_FAILED
from cli.policies import load
from cli.printing import Output, OutputOption, print_data, print_table, say, tell, warn
from failover.domain.application import Declaration
from failover.domain.errors import FailoverError, InvalidInput
from failover.domain.identity import ApplicationRef
from failover.domain.phases import EXIT_WAITING
from failover.domain.policy import Policy
from failover.domain.rebuilding import Todo
from failover.domain.request import Limits
from failover.kube.fleet import KubeFleet
from triggers.keeping import Unclear, wanted_of
from triggers.policies import PolicySet
from triggers.protecting import declaration_of
from triggers.rebuilding import carry_out, read_records, survey
from triggers.selecting import select
from triggers.sources import called, read_once

Files = Annotated[
    list[str] | None,
    typer.Option(
        "-f", metavar=POLICY_PLACE, help="Policies to declare by hand, as `failover protect` does."
    ),
]
Place = Annotated[
    str,
    typer.Option(
        "--policies",
        metavar="DIR|cluster:CONTEXT",
        help="What the watcher is given; it goes on keeping these protections in step.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add `rebuild`."""
    app.command(name="rebuild")(rebuild)


def rebuild(
    files: Files = None,
    place: Place = "",
    yes: Yes = False,
    by: Actor = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Make protections again, and take up open moves, from the clusters' records and policies.

    For when Temporal's database was lost, or an older one was put back. Shows what it will do, and asks.
    Saying it again does nothing.
    """
    if bool(files) == bool(place):
        raise InvalidInput(
            "say where the policies are: --policies DIR|cluster:CONTEXT, or -f to declare them by hand"
        )
    if code := run(_rebuild(files or [], place, actor(by), output, yes=yes)):
        raise typer.Exit(code)


async def _rebuild(files: Sequence[str], place: str, by: str, output: Output, *, yes: bool) -> int:
    here = surroundings()
    policies = await (load(files) if files else read_once(place, here.settings.kubeconfig or None))
    async with here.fleet() as fleet:
        wanted, blind = await _wanted(fleet, policies, called(place) if place else "", by)
        records = await read_records(fleet)
        limits = Limits.after(fleet.blocked_after)
        runbook = here.settings.runbook or fleet.runbook
    for name, error in records.errors.items():
        warn(f"the records on {name} cannot be read: {error.message}")
    client = await here.client()
    found = await survey(client, records, wanted)
    doing = [each for each in found if not each.unknown]
    if output is Output.TABLE:
        _show(found)
    if doing:
        confirm(f"Do this for {len(doing)} applications?", yes=yes)
    outcomes: dict[ApplicationRef, str] = {}
    for each in doing:
        try:
            await carry_out(client, each, limits, by, runbook)
        except FailoverError as error:
            outcomes[each.application] = f"{error.reason}: {error.message}"
    _tell(found, outcomes, output)
    if outcomes or records.errors or blind:
        return EXIT_FAILED
    stuck = any(each.unknown and each.standing.open_move is not None for each in found)
    return EXIT_WAITING if stuck else 0


async def _wanted(
    fleet: KubeFleet, policies: PolicySet, source: str, by: str
) -> tuple[dict[ApplicationRef, Declaration], bool]:
    """How each application is to be protected, and whether something could not be looked at."""
    selected = await select(fleet, policies)
    for what, error in selected.errors.items():
        warn(f"{what} cannot be listed: {error.message}")
    wanted: dict[ApplicationRef, Declaration] = {}
    for application, labels in selected.applications.items():
        found = wanted_of(application, labels, policies, source, observe=False)
        if isinstance(found, Unclear):
            warn(
                f"{application}: several policies mean it, so it is left out; `failover lint` shows them"
            )
        elif found is not None:
            wanted[application] = found if source else _by_hand(policies, application, labels, by)
    return wanted, bool(selected.errors)


def _by_hand(
    policies: PolicySet, application: ApplicationRef, labels: Mapping[str, str], by: str
) -> Declaration:
    """As `failover protect` declares it: where the policy writes no mode, it is only observed."""
    policy = policies.about(application, labels)
    assert isinstance(policy, Policy), "one policy is about it"
    mode = policy.active.mode or "Observe"
    return declaration_of(application, policy, policies, dict(labels), mode, actor=by)


def _show(found: Sequence[Todo]) -> None:
    if not found:
        return
    rows = [
        (
            str(each.application),
            each.standing.home,
            str(each.standing.generation),
            "; ".join(each.acts),
        )
        for each in found
    ]
    print_table(("APPLICATION", "HOME", "GENERATION", "TO DO"), rows)


def _tell(found: Sequence[Todo], outcomes: dict[ApplicationRef, str], output: Output) -> None:
    if output.is_data:
        items = [
            {
                "application": each.application,
                "home": each.standing.home,
                "generation": each.standing.generation,
                "acts": list(each.acts),
                "error": outcomes.get(each.application, ""),
            }
            for each in found
        ]
        print_data({"items": items}, output)
        return
    for application, why in outcomes.items():
        tell(f"{application}: {why}", style="red")
    unknown = sum(1 for each in found if each.unknown)
    done = len(found) - unknown - len(outcomes)
    say(f"{done} applications rebuilt, {len(outcomes)} failed, {unknown} without a policy" if found else "nothing to rebuild")  # fmt: skip
