"""All that Temporal knows of one application: its newest failover, whose policy it has, what is paused."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from pydantic import ValidationError
from temporalio.client import Client

from failover.domain.errors import FailoverError, NotFound
from failover.domain.identity import ApplicationRef, failover_id
from failover.domain.request import FailoverRequest
from failover.pauses import Pause, listed_pauses
from triggers.asking import CALL_TIMEOUT, asking
from triggers.protecting import Protection, protection
from triggers.reading import Known, read


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
        protection(client, application),
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
    newest, request, protected, pauses = answers
    told = {each.message: each for each in problems}
    return Knowledge(newest, request, protected, pauses, tuple(told.values()))


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
