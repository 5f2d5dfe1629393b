"""A look at an application under protection: where it lives, in which generation, and how it is."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio import activity

from activities.attempts import effect
from activities.looking import Snapshot, look_everywhere
from activities.seeing import health_now, unreachable_health
from failover.domain.application import ApplicationLook, ApplicationSeen
from failover.domain.errors import Forbidden, TransientError
from failover.domain.health import Health
from failover.domain.protecting import whereabouts
from failover.fleet import Fleet
from failover.protections import Protections


@dataclass(frozen=True)
class Protecting:
    """Looks; it writes nothing."""

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
        moved = await self.protections.newest_move(look.application)
        return ApplicationSeen(
            home=found.home,
            generation=found.generation,
            health=found.unseen or await self._health(look, snapshot, found.home),
            accounted=moved.accounts_for(found.generation),
        )

    async def _health(self, look: ApplicationLook, snapshot: Snapshot, home: str) -> Health:
        manifest = snapshot.objects[home]
        assert manifest is not None, "whereabouts names a home only where the object is"
        try:
            return await health_now(self.fleet.cluster(home), manifest, look.health_rule)
        except (TransientError, Forbidden) as error:
            return unreachable_health(error)
