"""Deciding about a failover: retry, skip, abort, replan, retarget, approve, deny.

Each is one update, with the name of who decided; a decision that makes no sense now is refused by
the failover itself (exit code 2), and leaves no trace in it.
"""

from __future__ import annotations

from typing import Annotated

import typer
from temporalio.client import Client

from cli.addressing import Target
from cli.agreeing import agreed, waiting
from cli.context import POLICIES, POLICY_PLACE, Actor, Namespace, Reason, Yes, surroundings
from cli.printing import Output, OutputOption
from cli.sending import Letter
from cli.terms import Terms, terms_of
from failover.domain.errors import InvalidInput
from failover.domain.identity import ApplicationRef
from failover.domain.phases import Action
from failover.domain.request import Approval, Resolution, Retarget
from triggers import steering

NewPolicy = Annotated[
    list[str] | None,
    typer.Option(
        *POLICIES,
        metavar=POLICY_PLACE,
        help="Policies to go on with: one about it replaces the old one, override policies replace all the old ones.",
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
    letter = Letter(target, namespace, reason, by, output)
    letter.resolve(Action.RETRY, remove_finalizer=remove_finalizer)


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
    letter = Letter(target, namespace, reason, by, output)
    letter.resolve(Action.SKIP, rule=rule, cold_start=cold_start, declare_gone=declare_gone)


def abort(
    target: Target,
    namespace: Namespace = "default",
    reason: Reason = "",
    by: Actor = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """End the failover; what was done is undone, and the original is put back where it is gone."""
    Letter(target, namespace, reason, by, output).resolve(Action.ABORT)


def replan(
    target: Target,
    namespace: Namespace = "default",
    files: NewPolicy = None,
    reason: Reason = "",
    by: Actor = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Make a new plan, with -f under a new policy or new override policies; an approval is asked anew."""
    letter = Letter(target, namespace, reason, by, output)

    async def make(_client: Client, application: ApplicationRef) -> Resolution:
        terms = await terms_of(files, application) if files else Terms()
        content = letter.signed(policy=terms.policy, overrides=terms.overrides)
        return Resolution(action=Action.REPLAN, **content)

    letter.send(steering.resolve, make)


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

    letter = Letter(target, namespace, reason, by, output)

    async def make(_client: Client, _application: ApplicationRef) -> Retarget:
        return Retarget(**letter.signed(cluster=cluster))

    letter.send(steering.retarget, make)


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
    letter = Letter(target, namespace, reason, by, output)

    async def make(client: Client, application: ApplicationRef) -> Approval:
        return Approval(
            **letter.signed(digest=digest or await agreed(client, application, yes=yes))
        )

    letter.send(steering.approve, make)


def deny(
    target: Target,
    namespace: Namespace = "default",
    digest: Digest = "",
    reason: Reason = "",
    by: Actor = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Refuse the plan that waits for approval, which ends the failover."""
    letter = Letter(target, namespace, reason, by, output)

    async def make(client: Client, application: ApplicationRef) -> Approval:
        return Approval(**letter.signed(digest=digest or await waiting(client, application)))

    letter.send(steering.deny, make)
