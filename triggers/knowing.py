"""All that Temporal knows of one application: its newest failover, whose policy it has, what is paused."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from pydantic import ValidationError
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from failover.domain.errors import FailoverError, NotFound
from failover.domain.identity import ApplicationRef, bounded_id, failover_id
from failover.domain.overrides import Override
from failover.domain.policy import Policy
from failover.domain.request import FailoverRequest
from failover.domain.rules import HealthRule
from failover.domain.wire import Wire
from failover.pauses import Pause, listed_pauses
from triggers.asking import CALL_TIMEOUT, asking
from triggers.reading import Known, read

VIEW_MEMO = "view"
"""Under this key the memo of a protection says what was declared."""


class Declared(Wire):
    """What a protection says of itself, as far as it is needed here."""

    policy: Policy
    overrides: tuple[Override, ...] = ()
    health_rule: HealthRule | None = None


class _Suspension(Wire):
    reason: str = ""
    actor: str = ""


class _View(Wire):
    declaration: Declared
    suspension: _Suspension | None = None


@dataclass(frozen=True)
class Protection:
    """An application that somebody has put under protection."""

    declared: Declared
    suspended: str = ""


@dataclass(frozen=True)
class Knowledge:
    """What is known, and what kept us from knowing more."""

    newest: Known | None = None
    request: FailoverRequest | None = None
    """With which the newest failover was begun."""
    protection: Protection | None = None
    pauses: Mapping[str, Pause] | None = None
    problems: tuple[FailoverError, ...] = ()


async def know(client: Client, application: ApplicationRef) -> Knowledge:
    """Ask for all of it side by side; what does not answer is a problem, and no error."""
    asked = (
        _newest(client, application),
        _request(client, application),
        _protection(client, application),
        listed_pauses(client),
    )
    answers: list[Any] = []
    problems: list[FailoverError] = []
    for answer in await asyncio.gather(*asked, return_exceptions=True):
        if isinstance(answer, FailoverError):
            problems.append(answer)
        elif isinstance(answer, BaseException):
            raise answer
        answers.append(None if isinstance(answer, BaseException) else answer)
    newest, request, protection, pauses = answers
    told = {each.message: each for each in problems}
    return Knowledge(newest, request, protection, pauses, tuple(told.values()))


async def _newest(client: Client, application: ApplicationRef) -> Known | None:
    try:
        return await read(client, application)
    except NotFound:
        return None


async def _request(client: Client, application: ApplicationRef) -> FailoverRequest | None:
    """The input of the newest run, from the first event of its history alone."""
    handle = client.get_workflow_handle(failover_id(application))
    try:
        with asking(f"read how {handle.id} was begun"):
            events = handle.fetch_history_events(page_size=1, rpc_timeout=CALL_TIMEOUT)
            first = await anext(events, None)
    except NotFound:
        return None
    if first is None:
        return None
    written = first.workflow_execution_started_event_attributes.input.payloads
    try:
        decoded = await client.data_converter.decode(written, [FailoverRequest])
    except (ValidationError, ValueError, RuntimeError):
        return None  # begun by another release; its policy is not known, then
    return cast("FailoverRequest", decoded[0]) if decoded else None


async def _protection(client: Client, application: ApplicationRef) -> Protection | None:
    handle = client.get_workflow_handle(bounded_id(f"application/{application.key}"))
    with asking(f"look at the protection of {application}"):
        try:
            described = await handle.describe(rpc_timeout=CALL_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
    if described.status is not WorkflowExecutionStatus.RUNNING:
        return None
    return protection_of(await described.memo())


def protection_of(memo: Mapping[str, Any]) -> Protection | None:
    """What the memo of a protection says; `None` where it cannot be read."""
    try:
        view = _View.model_validate(memo.get(VIEW_MEMO) or {})
    except ValidationError:
        return None
    by = view.suspension
    suspended = ""
    if by is not None:
        suspended = f"suspended by {by.actor or 'somebody'}: {by.reason or 'no reason given'}"
    return Protection(view.declaration, suspended)
