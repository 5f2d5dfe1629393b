"""Deciding about a failover: retry, skip, abort, replan, retarget, approve, deny.

Each is one update, with the name of who decided; a decision that makes no sense now is refused by
the failover itself (exit code 2), and leaves no trace in it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
from temporalio.client import Client

from cli.addressing import Target, address
from cli.asking import confirm
from cli.context import Actor, Namespace, Reason, Yes, actor, run, surroundings
from cli.exits import TimedOut
from cli.policies import load, policy_of
from cli.printing import Output, OutputOption, print_data, say
from cli.showing import show_plan
from cli.topology import look
from failover.domain.errors import FailoverError, InvalidInput
from failover.domain.identity import ApplicationRef
from failover.domain.manifest import labels_of
from failover.domain.overrides import Override
from failover.domain.phases import Action
from failover.domain.policy import Policy
from failover.domain.request import Approval, Reply, Resolution, Retarget
from triggers import steering
from triggers.reading import Live, read

NewPolicy = Annotated[
    list[str] | None,
    typer.Option(
        "-f",
        "--policy",
        help="Files to go on with: a policy in them replaces the old one, override policies replace all the old ones.",
    ),
]
Digest = Annotated[
    str, typer.Option("--digest", help="Only if the plan still has this digest, without asking.")
]


def add_to(app: typer.Typer) -> None:
    """Add all of them."""
    for name, verb in (
        ("retry", retry),
        ("skip", skip),
        ("abort", abort),
        ("replan", replan),
        ("retarget", retarget),
        ("approve", approve),
        ("deny", deny),
    ):
        app.command(name=name)(verb)


def retry(
    target: Target,
    namespace: Namespace = "default",
    remove_finalizer: Annotated[
        str,
        typer.Option(metavar="NAME", help="Take this finalizer off first, once its pods are gone."),
    ] = "",
    reason: Reason = "",
    by: Actor = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Try the blocked step again."""
    resolution = Resolution(
        action=Action.RETRY, actor=actor(by), note=reason, remove_finalizer=remove_finalizer
    )
    _resolve(target, namespace, resolution, output)


def skip(
    target: Target,
    namespace: Namespace = "default",
    rule: Annotated[
        str, typer.Option(metavar="LABEL", help="The preservation rule to leave out.")
    ] = "",
    cold_start: Annotated[
        bool, typer.Option("--cold-start", help="Its state is lost, and that is meant.")
    ] = False,
    declare_gone: Annotated[
        bool,
        typer.Option(
            "--declare-gone", help="You know that nothing of the old copy runs; --reason."
        ),
    ] = False,
    reason: Reason = "",
    by: Actor = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Go on without the blocked step; which steps can be skipped, and how, depends on the phase."""
    if declare_gone and not reason.strip():
        raise InvalidInput("--declare-gone needs --reason 'how you know that nothing of it runs'")
    if cold_start and not rule:
        raise InvalidInput("--cold-start needs --rule LABEL: which state is lost")
    resolution = Resolution(
        action=Action.SKIP,
        actor=actor(by),
        note=reason,
        rule=rule,
        cold_start=cold_start,
        declare_gone=declare_gone,
    )
    _resolve(target, namespace, resolution, output)


def abort(
    target: Target,
    namespace: Namespace = "default",
    reason: Reason = "",
    by: Actor = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """End the failover; what was done is undone, and the original is put back where it is gone."""
    resolution = Resolution(action=Action.ABORT, actor=actor(by), note=reason)
    _resolve(target, namespace, resolution, output)


def replan(
    target: Target,
    namespace: Namespace = "default",
    files: NewPolicy = None,
    reason: Reason = "",
    by: Actor = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Make a new plan, with -f under a new policy or new override policies; an approval is asked anew."""

    async def work(client: Client, application: ApplicationRef) -> Reply:
        policy, overrides = await _new_terms(application, files) if files else (None, None)
        resolution = Resolution(
            action=Action.REPLAN, actor=actor(by), note=reason, policy=policy, overrides=overrides
        )
        return await steering.resolve(client, application, resolution)

    _steer(target, namespace, work, output)


def retarget(
    target: Target,
    namespace: Namespace = "default",
    cluster: Annotated[
        str, typer.Option("--cluster", "--to", metavar="CLUSTER", help="The new target.")
    ] = "",
    reason: Reason = "",
    by: Actor = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Move it to another cluster, as long as no copy has started."""
    if not cluster:
        raise InvalidInput("say where to: --cluster CLUSTER")
    known = [each.name for each in surroundings().fleet_file().clusters]
    if cluster not in known:
        raise InvalidInput(f"the fleet has no cluster {cluster!r}; it has: {', '.join(known)}")

    async def work(client: Client, application: ApplicationRef) -> Reply:
        wish = Retarget(cluster=cluster, actor=actor(by), note=reason)
        return await steering.retarget(client, application, wish)

    _steer(target, namespace, work, output)


def approve(
    target: Target,
    namespace: Namespace = "default",
    yes: Yes = False,
    digest: Digest = "",
    reason: Reason = "",
    by: Actor = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Let the plan that waits for approval go ahead; shows it, and asks."""

    async def work(client: Client, application: ApplicationRef) -> Reply:
        agreed = digest or await _agreed(client, application, yes=yes)
        approval = Approval(digest=agreed, actor=actor(by), note=reason)
        return await steering.approve(client, application, approval)

    _steer(target, namespace, work, output)


def deny(
    target: Target,
    namespace: Namespace = "default",
    digest: Digest = "",
    reason: Reason = "",
    by: Actor = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Refuse the plan that waits for approval, which ends the failover."""

    async def work(client: Client, application: ApplicationRef) -> Reply:
        denied = digest or (await _live(client, application)).status.plan_digest
        approval = Approval(digest=denied, actor=actor(by), note=reason)
        return await steering.deny(client, application, approval)

    _steer(target, namespace, work, output)


def _resolve(target: str, namespace: str, resolution: Resolution, output: Output) -> None:
    async def work(client: Client, application: ApplicationRef) -> Reply:
        return await steering.resolve(client, application, resolution)

    _steer(target, namespace, work, output)


def _steer(
    target: str,
    namespace: str,
    work: Callable[[Client, ApplicationRef], Awaitable[Reply]],
    output: Output,
) -> None:
    run(_send(target, namespace, work, output))


async def _send(
    target: str,
    namespace: str,
    work: Callable[[Client, ApplicationRef], Awaitable[Reply]],
    output: Output,
) -> None:
    here = surroundings()
    client = await here.client()
    application = await address(here, client, target, namespace)
    try:
        reply = await work(client, application)
    except steering.NoWorker as error:
        raise TimedOut(error.message, reason=error.reason) from error
    if output.is_data:
        print_data(reply, output)
    else:
        say(f"{application.short}: {reply.message} ({reply.phase})")


async def _agreed(client: Client, application: ApplicationRef, *, yes: bool) -> str:
    """The digest of the plan that the person has seen and agreed to."""
    status = (await _live(client, application)).status
    if status.plan is None or status.display_phase != "AwaitingApproval":
        message = (
            f"no plan of {application} waits for approval: the failover is {status.display_phase}"
        )
        raise InvalidInput(message)
    health = status.health
    show_plan(status.plan, (("Why", f"{health.reason}: {health.message}" if health else ""),))
    confirm(f"Approve plan {status.plan_digest}?", yes=yes)
    return status.plan_digest


async def _live(client: Client, application: ApplicationRef) -> Live:
    known = await read(client, application)
    if isinstance(known, Live):
        return known
    if known.summary.is_open:
        message = (
            f"no worker answers for the failover of {application}, so its plan cannot be shown; "
            "start one with `failover worker`"
        )
        raise steering.NoWorker(message)
    raise InvalidInput(f"the failover of {application} is over: {known.summary.outcome}")


async def _new_terms(
    application: ApplicationRef, files: list[str]
) -> tuple[Policy | None, tuple[Override, ...] | None]:
    """The policy and the override policies about the application; `None` for what the files have none of.

    Selectors by label are tried on the object, where it is seen.
    """
    policies = load(files)
    if not policies.policies and not policies.overrides:
        raise InvalidInput(f"{', '.join(files)}: there is neither a policy nor an override policy")
    try:
        async with surroundings().fleet() as fleet:
            places = await look(fleet, application)
    except FailoverError:
        places = ()  # selectors by name still tell
    nothing: dict[str, str] = {}
    labels = next((labels_of(each.manifest) for each in places if each.manifest), nothing)
    return (
        policy_of(policies, application, labels) if policies.policies else None,
        policies.overrides_of(application, labels) if policies.overrides else None,
    )
