"""Which plan a person agrees to: the one that is shown, by its digest."""

from __future__ import annotations

from temporalio.client import Client

from cli.asking import confirm
from cli.showing import show_plan
from failover.domain.errors import InvalidInput
from failover.domain.identity import ApplicationRef
from triggers import steering
from triggers.reading import Live, read


async def agreed(client: Client, application: ApplicationRef, *, yes: bool) -> str:
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


async def waiting(client: Client, application: ApplicationRef) -> str:
    """The digest of the plan that there is now."""
    return (await _live(client, application)).status.plan_digest


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
