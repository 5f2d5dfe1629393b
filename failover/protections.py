"""Protections and failovers in Temporal, as activities have to know of them.

A protection is an open `Application` workflow under the id of its application. Nothing that moves an
application waits for one: it is told, and looks for itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from failover.domain.identity import ApplicationRef, application_id, failover_id
from failover.temporal import SEARCH, WAKE_SIGNAL, TemporalUnreachable


@dataclass(frozen=True)
class Moved:
    """What Temporal knows of the newest failover of an application."""

    under_way: bool = False
    generation: int = 0

    def accounts_for(self, generation: int) -> bool:
        """Whether that failover made this generation, or may be making it."""
        return self.under_way or generation <= self.generation


@dataclass(frozen=True)
class Protections:
    """Asks and tells Temporal."""

    client: Client

    async def newest_move(self, application: ApplicationRef) -> Moved:
        """The newest failover, as the server has it this moment. Raises `TemporalUnreachable`."""
        try:
            found = await self.client.get_workflow_handle(failover_id(application)).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return Moved()
            message = f"Temporal does not say how {application} was moved last: {error.message}"
            raise TemporalUnreachable(message) from error
        shown = found.typed_search_attributes
        # One that has told its outcome makes no generation any more, though it runs until all have been told:
        # the protection is woken by that very telling.
        running = found.status is WorkflowExecutionStatus.RUNNING
        return Moved(
            running and shown.get(SEARCH.outcome) is None, shown.get(SEARCH.generation) or 0
        )

    async def wake(self, application: ApplicationRef) -> bool:
        """Let the protection look again; `False` where there is none. Raises `TemporalUnreachable`."""
        try:
            await self.client.get_workflow_handle(application_id(application)).signal(WAKE_SIGNAL)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            message = f"the protection of {application} could not be woken: {error.message}"
            raise TemporalUnreachable(message) from error
        return True
