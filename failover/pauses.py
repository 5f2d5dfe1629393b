"""Pauses: while one is open, nothing that it covers passes its point of no return.

A pause is an open `Pause` workflow under a well-known id, so it survives everything that Temporal
survives. It is asked for on the server itself, never in visibility, which lags.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from failover.domain.identity import (
    ALL_PAUSE_ID,
    ApplicationRef,
    application_pause_id,
    cluster_pause_id,
)
from failover.temporal import TemporalUnreachable


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


class Pauses:
    """Looks pauses up. Simultaneous questions about one pause share an answer that was asked for after all of them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._running: dict[str, asyncio.Task[Pause | None]] = {}
        self._next: dict[str, asyncio.Task[Pause | None]] = {}

    async def covering(self, application: ApplicationRef, clusters: Iterable[str]) -> Pause | None:
        """The first open pause that covers the application or one of the clusters, or `None`."""
        ids = [
            ALL_PAUSE_ID,
            application_pause_id(application),
            *(cluster_pause_id(each) for each in clusters),
        ]
        found = await asyncio.gather(*(self._shared(each) for each in ids))
        return next((pause for pause in found if pause is not None), None)

    async def _shared(self, pause_id: str) -> Pause | None:
        """Join the look-up that starts after this call; one that is under way may be too old."""
        if pause_id not in self._running:
            self._running[pause_id] = asyncio.create_task(self._look_up(pause_id))
            return await asyncio.shield(self._running[pause_id])
        if pause_id not in self._next:
            self._next[pause_id] = asyncio.create_task(
                self._after(pause_id, self._running[pause_id])
            )
        return await asyncio.shield(self._next[pause_id])

    async def _after(self, pause_id: str, before: asyncio.Task[Pause | None]) -> Pause | None:
        await asyncio.wait([before])
        self._running[pause_id] = self._next.pop(pause_id)
        return await self._look_up(pause_id)

    async def _look_up(self, pause_id: str) -> Pause | None:
        try:
            return await open_pause(self._client, pause_id)
        finally:
            self._running.pop(pause_id, None)


async def open_pause(client: Client, pause_id: str) -> Pause | None:
    """The pause under this id, if it is open. Raises `TemporalUnreachable`."""
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
    memo = await described.memo()
    return Pause(pause_id, str(memo.get("reason", "")), str(memo.get("actor", "")))
