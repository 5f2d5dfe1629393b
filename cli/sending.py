"""Sending a decision to a failover: the frame that all verbs which steer have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from temporalio.client import Client

from cli.addressing import address
from cli.context import actor, run, surroundings
from cli.exits import TimedOut
from cli.printing import Output, print_data, say
from failover.domain.identity import ApplicationRef
from failover.domain.phases import Action
from failover.domain.request import Reply, Resolution
from triggers import steering

M = TypeVar("M", bound=steering.Message)

Update = Callable[[Client, ApplicationRef, M], Awaitable[Reply]]
"""How a message of this sort is sent."""

Make = Callable[[Client, ApplicationRef], Awaitable[M]]
"""Writes the message, once it is known whom it is for."""


@dataclass(frozen=True)
class Letter:
    """Which failover is meant, who decides and why, and the form of the answer."""

    target: str
    namespace: str
    reason: str
    by: str
    output: Output

    def signed(self, **content: Any) -> dict[str, Any]:
        """The content of a message, with the name of who decides."""
        return {"actor": actor(self.by), "note": self.reason, **content}

    def resolve(self, action: Action, **details: Any) -> None:
        """Send this decision, and show what the failover answers."""
        resolution = Resolution(action=action, **self.signed(**details))

        async def make(_client: Client, _application: ApplicationRef) -> Resolution:
            return resolution

        self.send(steering.resolve, make)

    def send(self, update: Update[M], make: Make[M]) -> None:
        """Write the message, send it, and show what the failover answers."""
        run(self._send(update, make))

    async def _send(self, update: Update[M], make: Make[M]) -> None:
        here = surroundings()
        client = await here.client()
        application = await address(here, client, self.target, self.namespace)
        try:
            reply = await update(client, application, await make(client, application))
        except steering.NoWorker as error:
            raise TimedOut(error.message, reason=error.reason) from error
        if self.output.is_data:
            print_data(reply, self.output)
        else:
            say(f"{application.short}: {reply.message} ({reply.phase})")
