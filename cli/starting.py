"""`failover start`: move an application off the cluster on which it is ill."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, assert_never

import typer
from temporalio.client import Client

from cli.addressing import Target
from cli.asking import confirm, demand_reason
from cli.context import (
    Actor,
    Namespace,
    PolicyPlaces,
    Reason,
    Surroundings,
    Yes,
    actor,
    run,
    surroundings,
)
from cli.exits import Refused
from cli.following import Timeout
from cli.planning import From, StateOption, To, chosen
from cli.preparing import Prepared, Wish, plan, prepare
from cli.printing import Output, OutputOption, print_data, print_pairs, say, warn
from cli.showing import show_answer, show_topology
from cli.telling import status_data
from cli.waiting import print_status, shown_meanwhile, until_settled
from failover.domain.errors import DefiniteError
from failover.domain.health import Cause, HealthStatus
from failover.domain.request import Limits
from failover.kube.fleet import KubeFleet
from triggers.pausing import open_pauses
from triggers.reading import read
from triggers.starting import DifferentIncident, Merged, Started, check_size, start_failover


@dataclass(frozen=True)
class _Manner:
    """How it is to be started."""

    yes: bool
    force_reason: str
    by: str
    wait: bool
    limit: timedelta | None
    output: Output
    state: str = ""


def add_to(app: typer.Typer) -> None:
    """Add `start`."""
    app.command(name="start")(start)


def start(
    target: Target,
    policies: PolicyPlaces,
    namespace: Namespace = "default",
    source: From = "",
    to: To = "",
    state: StateOption = "",
    yes: Yes = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also if it is healthy, or no plan can be made now.")
    ] = False,
    reason: Reason = "",
    by: Actor = "",
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it ends.")] = False,
    timeout: Timeout = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Move an application off the cluster on which it is ill.

    Shows where it lives and what would be done, and asks. A healthy application is not moved
    (exit code 5), unless --force --reason says why. Interrupted failovers are taken over. With
    --wait the exit code is that of `status --wait`.
    """
    manner = _Manner(
        yes=yes,
        force_reason=demand_reason(reason, force=force),
        by=actor(by),
        wait=wait,
        limit=timedelta(seconds=timeout) if timeout is not None else None,
        output=output,
        state=state,
    )
    code = run(_start(Wish(target, namespace, tuple(policies), source, to), manner))
    if code:
        raise typer.Exit(code)


async def _start(wish: Wish, manner: _Manner) -> int:
    here = surroundings()
    wish = await chosen(wish, manner.state)
    async with here.fleet() as fleet:
        prepared = await prepare(fleet, wish)
        if not manner.output.is_data:
            show_topology(prepared)
        _check_health(prepared, manner)
        await _check_plan(fleet, prepared, manner)
        limits = Limits.after(fleet.blocked_after)
        runbook = here.settings.runbook or fleet.runbook
    request = prepared.request(limits, actor=manner.by, force_reason=manner.force_reason)
    check_size(request)
    client = await here.client()
    for each in await open_pauses(client):
        warn(str(each))
    confirm(f"Move {prepared.application} off {prepared.source}?", yes=manner.yes)
    answer = await start_failover(client, request, runbook=runbook)
    match answer:
        case Started() | Merged():
            return await _begun(here, client, prepared, answer, manner)
        case DifferentIncident():
            raise Refused(answer.message, reason="DifferentIncident")
        case _:
            assert_never(answer)


def _check_health(prepared: Prepared, manner: _Manner) -> None:
    health = prepared.health
    if health is None or prepared.interrupted is not None or manner.force_reason:
        return
    if health.status is HealthStatus.HEALTHY:
        message = (
            f"{prepared.application} is healthy on {prepared.source} ({health.reason}: {health.message}); "
            "to move it all the same, say --force --reason 'why'"
        )
        raise Refused(message, reason="Healthy")
    if health.cause is Cause.USER_ERROR:
        message = (
            f"{prepared.application} would be as ill elsewhere ({health.reason}: {health.message}); "
            "to move it all the same, say --force --reason 'why'"
        )
        raise Refused(message, reason="UserError")
    if health.status is HealthStatus.UNKNOWN:
        warn(
            f"its health is not known ({health.reason}: {health.message}); "
            "a failover would tolerate that as the policy's onUnknown says"
        )


async def _check_plan(fleet: KubeFleet, prepared: Prepared, manner: _Manner) -> None:
    """Show the plan. Where a rule refuses it, nothing is started, unless that is forced."""
    try:
        answer = await plan(fleet, prepared)
        if not manner.output.is_data:
            show_answer(answer, prepared)
    except DefiniteError as error:
        if manner.force_reason:
            warn(f"{error.message}; started all the same, it will wait for a decision")
            return
        message = f"{error.message} [{error.reason}]; with --force --reason 'why' it is started and waits, blocked"
        raise Refused(message, reason=error.reason) from error


async def _begun(
    here: Surroundings,
    client: Client,
    prepared: Prepared,
    begun: Started | Merged,
    manner: _Manner,
) -> int:
    application, link = prepared.application, here.link(client.namespace, begun.id, begun.run_id)
    if not manner.output.is_data:
        word = "started" if isinstance(begun, Started) else "is under way already, and looks again"
        say(f"{begun.id} {word}")
        where = f" -n {application.namespace}" if application.namespace else ""
        if manner.state and isinstance(begun, Merged):
            warn(
                f"--state {manner.state} is not taken up: it goes on with what it was started with"
            )
        print_pairs((("Link", link), ("Follow", f"failover status {application.short}{where} -w")))
    elif not manner.wait:
        data = {"id": begun.id, "runId": begun.run_id, "url": link}
        print_data({**data, "merged": isinstance(begun, Merged)}, manner.output)
    if not manner.wait:
        return 0
    if manner.output.is_data:
        settled = await until_settled(client, application, begun.run_id, manner.limit)
    else:
        async with shown_meanwhile(here, client, application, begun.run_id):
            settled = await until_settled(client, application, begun.run_id, manner.limit)
    known = await read(client, application, settled.run_id)
    pauses = await open_pauses(client)
    if manner.output.is_data:
        print_data(status_data(known, pauses, link), manner.output)
    else:
        print_status(here, client, known, pauses)
    return settled.exit_code or 0
