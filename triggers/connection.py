"""Temporal as a long-running trigger has it: connected to when it is first needed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from temporalio.client import Client

from failover.domain.identity import ApplicationRef, failover_id
from failover.domain.request import FailoverRequest
from triggers.asking import CALL_TIMEOUT, asking, connecting
from triggers.pausing import wake
from triggers.protecting import protection
from triggers.requesting import on_terms
from triggers.starting import Start, start_failover


class Starting:
    """Starts failovers through a connection that is made when one is first needed."""

    def __init__(self, connecting: Callable[[], Awaitable[Client]], runbook: str = "") -> None:
        """Nothing is connected to yet, so that Temporal may come later than the watcher."""
        self._connecting, self._runbook = connecting, runbook
        self._client: Client | None = None
        self._lock = asyncio.Lock()

    async def __call__(self, request: FailoverRequest) -> Start:
        """Start or wake a failover, on the terms of its protection. Raises as `start_failover`, and `NotStarted`."""
        client = await self._connected()
        found = await protection(client, request.application)
        if found is not None:
            request = on_terms(request, found.view)
        return await start_failover(client, request, runbook=self._runbook)

    async def client(self) -> Client:
        """The connection. Raises `TemporalUnreachable`."""
        return await self._connected()

    async def wake(self, application: ApplicationRef) -> bool:
        """Let a failover that is under way look again; `False` where none is. Raises `TemporalUnreachable`."""
        return await wake(await self._connected(), failover_id(application))

    async def check(self) -> None:
        """Raise `TemporalUnreachable` where nothing could be started now."""
        client = await self._connected()
        with asking("reach Temporal"):
            await client.service_client.check_health(timeout=CALL_TIMEOUT)

    async def _connected(self) -> Client:
        async with self._lock:
            if self._client is None:
                with connecting():
                    self._client = await self._connecting()
            return self._client
