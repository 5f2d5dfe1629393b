"""Whether a new copy that is not healthy yet gets further.

Headway is a change of what it is (status, reason, cause), or more of what its kind counts than there ever
was (`failover.domain.health.progress`): 4 of 10 replicas after 3. One that falls back and gets as far again
has not got further. While there is headway, `healthyWithinSeconds` begins anew.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from failover.domain.steps import Observation

TOLD_PER_LIMIT = 4
"""How often mere counting up is told within `healthyWithinSeconds`: a thousand replicas are not a thousand
events, and what is told late by a quarter is told in time."""


class Headway(BaseModel):
    """How far it has come, and when it last got further."""

    model_config = ConfigDict(frozen=True)

    since: datetime
    seen: Observation | None = None
    reached: int | None = None
    """The most that was ever counted."""

    def is_made_by(self, found: Observation) -> bool:
        """Whether this shows it further than it was, or as something else."""
        return found.differs(self.seen) or found.advances(self.reached)

    def saw(self, found: Observation, now: datetime) -> Headway:
        """What is known after this."""
        counts = (each for each in (self.reached, found.health.progress) if each is not None)
        return Headway(
            since=now if self.is_made_by(found) else self.since,
            seen=found,
            reached=max(counts, default=None),
        )


def told_after(limit: timedelta) -> timedelta:
    """How long mere counting up waits to be told where one is given up after `limit`."""
    return limit / TOLD_PER_LIMIT
