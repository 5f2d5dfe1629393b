"""`failover pause` and `failover resume`: nothing that is covered passes its point of no return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer
from temporalio.client import Client

from cli.addressing import address
from cli.context import Actor, Namespace, Surroundings, actor, run, surroundings
from cli.printing import Output, OutputOption, print_data, print_table, say, tell, warn
from cli.telling import summary_data
from failover.domain.application import Order
from failover.domain.errors import InvalidInput, NotFound, UnknownCluster
from failover.domain.identity import (
    ALL_PAUSE_ID,
    ApplicationRef,
    application_pause_id,
    cluster_pause_id,
)
from failover.domain.phases import BLOCKED, RETRYING, Phase
from failover.domain.request import PauseRequest
from triggers import pausing, protecting
from triggers.reading import Summary, list_failovers

CLOSES_WITHIN_SECONDS = 5.0

_MOVING = frozenset(
    {
        Phase.CAPTURING.value,
        Phase.PURGING.value,
        Phase.STARTING.value,
        Phase.VERIFYING.value,
        Phase.WITHDRAWING.value,
        Phase.RESTORING.value,
        Phase.FINISHING.value,
    }
)
_MAYBE_MOVING = frozenset({BLOCKED, RETRYING, Phase.PLANNING, Phase.WAITING_FOR_CLUSTER})
"""Where a failover can stand before its admission as well as after it: the generation tells."""

What = Annotated[str, typer.Argument(metavar="[KIND/NAME]", help="One application.")]
All = Annotated[bool, typer.Option("--all", help="Everything in the fleet.")]
OnCluster = Annotated[
    str, typer.Option("--cluster", metavar="CLUSTER", help="All that moves off or onto it.")
]


@dataclass(frozen=True)
class Scope:
    """What a pause covers."""

    id: str
    told: str
    cluster: str = ""
    application: ApplicationRef | None = None

    def covers(self, about: Summary) -> bool:
        """Whether a failover is held by it."""
        if self.application is not None:
            return about.application == self.application
        return not self.cluster or self.cluster in {about.source, about.target}


def add_to(app: typer.Typer) -> None:
    """Add `pause` and `resume`."""
    app.command(name="pause")(pause)
    app.command(name="resume")(resume)


def pause(
    target: What = "",
    namespace: Namespace = "default",
    everything: All = False,
    cluster: OnCluster = "",
    reason: Annotated[str, typer.Option("--reason", help="Why; shown on top of every list.")] = "",
    by: Actor = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Hold failovers before they change anything: all, those of a cluster, or of one application.

    Those that have passed that point go on, and are listed.
    """
    if not reason.strip():
        raise InvalidInput("say why: --reason '…' is shown to everyone who wonders")
    _one_of(target, cluster, everything=everything)
    run(_pause(target, namespace, cluster, PauseRequest(reason=reason, actor=actor(by)), output))


def resume(
    target: What = "",
    namespace: Namespace = "default",
    everything: All = False,
    cluster: OnCluster = "",
    by: Actor = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """End a pause, and the suspension of an application; failovers that were held look again."""
    _one_of(target, cluster, everything=everything)
    run(_resume(target, namespace, cluster, actor(by), output))


def _one_of(target: str, cluster: str, *, everything: bool) -> None:
    if sum(map(bool, (target, cluster, everything))) != 1:
        raise InvalidInput("say what: --all, --cluster CLUSTER, or KIND/NAME; exactly one of them")


async def _scope(
    here: Surroundings, client: Client, target: str, namespace: str, cluster: str
) -> Scope:
    if target:
        application = await address(here, client, target, namespace)
        return Scope(application_pause_id(application), str(application), application=application)
    if cluster:
        known = [each.name for each in here.fleet_file().clusters]
        if cluster not in known:
            message = f"the fleet has no cluster {cluster!r}; it has: {', '.join(known)}"
            raise UnknownCluster(message)
        return Scope(cluster_pause_id(cluster), f"cluster {cluster}", cluster=cluster)
    return Scope(ALL_PAUSE_ID, "everything")


async def _pause(
    target: str, namespace: str, cluster: str, request: PauseRequest, output: Output
) -> None:
    here = surroundings()
    client = await here.client()
    scope = await _scope(here, client, target, namespace, cluster)
    already = await pausing.pause(client, scope.id, request)
    going_on = [
        each for each in await list_failovers(client) if scope.covers(each) and has_passed(each)
    ]
    if output.is_data:
        data = {"id": scope.id, "already": already is not None}
        print_data({**data, "goingOn": [summary_data(each) for each in going_on]}, output)
        return
    say(f"already: {already}" if already else f"{scope.told} is paused; `failover resume` ends it")
    if going_on:
        tell("These have passed the check for pauses, and go on:")
        print_table(
            ("NAMESPACE", "NAME", "PHASE", "FROM", "TO"),
            (
                (e.application.namespace, e.application.short, e.phase, e.source, e.target)
                for e in going_on
            ),
        )


def has_passed(about: Summary) -> bool:
    """Whether a failover has passed, or is passing, the check for pauses."""
    return about.phase in _MOVING or (about.phase in _MAYBE_MOVING and about.generation > 0)


async def _resume_protection(client: Client, scope: Scope, by: str) -> bool:
    """End the suspension of an application, if it is suspended."""
    if scope.application is None:
        return False
    found = await protecting.protection(client, scope.application)
    if found is None or found.view.suspension is None:
        return False
    await protecting.resume(client, scope.application, Order(actor=by))
    return True


def _tell_resumed(scope: Scope, output: Output) -> None:
    if output.is_data:
        print_data({"id": scope.id, "ended": True}, output)
    else:
        say(f"{scope.told} is resumed")


async def _resume(target: str, namespace: str, cluster: str, by: str, output: Output) -> None:
    here = surroundings()
    client = await here.client()
    scope = await _scope(here, client, target, namespace, cluster)
    resumed = await _resume_protection(client, scope, by)
    if not await pausing.resume(client, scope.id):
        if not resumed:
            raise NotFound(f"{scope.told} is neither paused nor suspended")
        _tell_resumed(scope, output)
        return
    ended = await pausing.closed(client, scope.id, within_seconds=CLOSES_WITHIN_SECONDS)
    held = [each for each in await list_failovers(client) if each.phase == Phase.HELD]
    for each in held:
        if scope.covers(each):
            await pausing.wake(client, each.id)
    if output.is_data:
        print_data({"id": scope.id, "ended": ended}, output)
    elif ended:
        say(f"{scope.told} is resumed")
    else:
        warn(f"the pause of {scope.told} ends as soon as a worker is up (`failover worker`)")
