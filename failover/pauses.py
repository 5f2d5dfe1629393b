"""Pauses: while one is open, nothing that it covers passes its point of no return.

A pause is an open `Pause` workflow under a well-known id, so it survives everything that Temporal
survives. Who begins a pause waits until Temporal lists it; therefore one list of the open ones is enough to
know what is paused, although lists lag.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from failover.domain.identity import (
    ALL_PAUSE_ID,
    ApplicationRef,
    application_pause_id,
    cluster_pause_id,
)
from failover.temporal import PAUSE_WORKFLOW, TemporalUnreachable


@dataclass(frozen=True)
class Pause:
    """One open pause."""

    id: str
    reason: str
    actor: str

    @property
    def scope(self) -> str:
        """What it covers, in words."""
        if self.id == ALL_PAUSE_ID:
            return "everything"
        return self.id.removeprefix("pause/").replace("/", " ", 1)

    def __str__(self) -> str:
        return f"{self.scope} is paused by {self.actor or 'somebody'}: {self.reason or 'no reason given'}"


OPEN_PAUSES = f"WorkflowType = '{PAUSE_WORKFLOW}' AND ExecutionStatus = 'Running'"
PAUSES_MAX = 1000


class Pauses:
    """Looks pauses up. Simultaneous questions share an answer that was asked for after all of them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._running: asyncio.Task[dict[str, Pause]] | None = None
        self._next: asyncio.Task[dict[str, Pause]] | None = None

    async def covering(self, application: ApplicationRef, clusters: Iterable[str]) -> Pause | None:
        """The widest open pause that covers the application or one of the clusters, or `None`."""
        ids = (
            ALL_PAUSE_ID,
            application_pause_id(application),
            *(cluster_pause_id(each) for each in clusters),
        )
        listed = await self._shared()
        return next((listed[each] for each in ids if each in listed), None)

    async def _shared(self) -> dict[str, Pause]:
        """Join the look-up that starts after this call; one that is under way may be too old."""
        if self._running is None:
            self._running = asyncio.create_task(self._look_up())
            return await asyncio.shield(self._running)
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._running))
        return await asyncio.shield(self._next)

    async def _after(self, before: asyncio.Task[dict[str, Pause]]) -> dict[str, Pause]:
        await asyncio.wait([before])
        self._running, self._next = self._next, None
        return await self._look_up()

    async def _look_up(self) -> dict[str, Pause]:
        try:
            return await listed_pauses(self._client)
        finally:
            self._running = None


async def listed_pauses(client: Client) -> dict[str, Pause]:
    """The open pauses by id, as Temporal lists them. Raises `TemporalUnreachable`."""
    found: dict[str, Pause] = {}
    try:
        async for each in client.list_workflows(OPEN_PAUSES, limit=PAUSES_MAX):
            found[each.id] = _pause(each.id, await each.memo())
    except RPCError as error:
        message = f"Temporal does not list the open pauses: {error.message}"
        raise TemporalUnreachable(message) from error
    return found


async def open_pause(client: Client, pause_id: str) -> Pause | None:
    """The pause under this id, if it is open, asked of the server itself. Raises `TemporalUnreachable`."""
    try:
        described = await client.get_workflow_handle(pause_id).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise TemporalUnreachable(
            f"Temporal does not say whether {pause_id} is open: {error.message}"
        ) from error
    if described.status is not WorkflowExecutionStatus.RUNNING:
        return None
    return _pause(pause_id, await described.memo())


def _pause(pause_id: str, memo: Mapping[str, object]) -> Pause:
    return Pause(pause_id, str(memo.get("reason", "")), str(memo.get("actor", "")))
