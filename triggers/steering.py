"""Telling a failover what a person has decided: its updates, and what becomes of them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio.client import (
    Client,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError

from failover.domain.errors import InvalidInput, NotFound, TransientError
from failover.domain.identity import ApplicationRef, failover_id
from failover.domain.request import Approval, Reply, Resolution, Retarget
from triggers.asking import asking

ANSWER_WITHIN = timedelta(seconds=10)

Message = Resolution | Approval | Retarget


class Rejected(InvalidInput):
    """The failover does not take this up now; nothing of it is in its history."""


class NoWorker(TransientError):
    """Nobody took the message up in time."""


async def resolve(client: Client, application: ApplicationRef, resolution: Resolution) -> Reply:
    """Decide about a failover. Raises `Rejected`, `NotFound`, `NoWorker`."""
    return await _send(client, application, "resolve", resolution)


async def retarget(client: Client, application: ApplicationRef, wish: Retarget) -> Reply:
    """Give it another target. Raises as `resolve`."""
    return await _send(client, application, "retarget", wish)


async def approve(client: Client, application: ApplicationRef, approval: Approval) -> Reply:
    """Let its plan go ahead. Raises as `resolve`."""
    return await _send(client, application, "approve", approval)


async def deny(client: Client, application: ApplicationRef, approval: Approval) -> Reply:
    """Refuse its plan, which ends it. Raises as `resolve`."""
    return await _send(client, application, "deny", approval)


async def _send(
    client: Client, application: ApplicationRef, update: str, message: Message
) -> Reply:
    handle = client.get_workflow_handle(failover_id(application))
    try:
        with asking(f"{update} {handle.id}"):
            async with asyncio.timeout(ANSWER_WITHIN.total_seconds()):
                answered: Reply = await handle.execute_update(  # pyright: ignore[reportUnknownMemberType] - of another overload
                    update, message, result_type=Reply
                )
    except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
        told = (
            f"no worker has answered within {ANSWER_WITHIN.total_seconds():g} s, so the failover of {application} "
            f"has probably not heard of this; start a worker (`failover worker`), look at "
            f"`failover status`, and say it again"
        )
        raise NoWorker(told) from error
    except WorkflowUpdateFailedError as error:
        cause = error.cause
        text = cause.message if isinstance(cause, ApplicationError) else str(cause)
        raise Rejected(text) from error
    except NotFound as error:
        told = f"no failover of {application} is under way; `failover list --all` shows how earlier ones ended"
        raise NotFound(told) from error
    return answered
