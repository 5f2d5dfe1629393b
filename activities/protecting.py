"""An application under protection: a look at it, and keeping what has proved good of its state."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio import activity

from activities.attempts import effect
from activities.keeping import forget, keep
from activities.looking import Snapshot, look_everywhere
from activities.seeing import health_now, unreachable_health
from failover.domain.application import (
    ApplicationLook,
    ApplicationSeen,
    KeepAnswer,
    KeepRequest,
)
from failover.domain.errors import Forbidden, TransientError
from failover.domain.health import Health
from failover.domain.identity import ApplicationRef
from failover.domain.protecting import whereabouts
from failover.domain.states import values_of
from failover.fleet import Fleet
from failover.protections import Protections


@dataclass(frozen=True)
class Protecting:
    """Looks, which writes nothing; and keeps standing records."""

    fleet: Fleet
    protections: Protections

    @activity.defn
    @effect
    async def look_at_application(self, look: ApplicationLook) -> ApplicationSeen:
        """Where it lives by the newest record, then by its object; in quorum reads.

        A cluster that does not answer makes the health `Unknown`, never an error.
        """
        snapshot = await look_everywhere(self.fleet, look.application)
        found = whereabouts(look.application, snapshot.objects, snapshot.heads, snapshot.failures)
        manifest = snapshot.objects.get(found.home)
        return ApplicationSeen(
            home=found.home,
            generation=found.generation,
            health=found.unseen or await self._health(look, snapshot, found.home),
            accounted=await self._accounts_for(look.application, found.generation),
            values=values_of(look.rules, manifest) if manifest is not None else None,
            good=snapshot.good,
            counted=snapshot.counted,
        )

    @activity.defn
    @effect
    async def keep_state(self, request: KeepRequest) -> KeepAnswer:
        """Write the last good state into standing records, or say why not now."""
        return await keep(self.fleet, request)

    @activity.defn
    @effect
    async def forget_state(self, application: ApplicationRef) -> None:
        """Take it out of them, where they answer."""
        await forget(self.fleet, application)

    async def _accounts_for(self, application: ApplicationRef, generation: int) -> bool:
        """Whether a failover that Temporal knows has made this generation; of one that was never moved it need not know."""
        if not generation:
            return True
        moved = await self.protections.newest_move(application)
        return moved.accounts_for(generation)

    async def _health(self, look: ApplicationLook, snapshot: Snapshot, home: str) -> Health:
        manifest = snapshot.objects[home]
        assert manifest is not None, "whereabouts names a home only where the object is"
        try:
            return await health_now(self.fleet.cluster(home), manifest, look.health_rule)
        except (TransientError, Forbidden) as error:
            return unreachable_health(error)
