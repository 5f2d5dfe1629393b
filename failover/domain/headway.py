"""Whether a new copy that is not healthy yet gets further.

Headway is a change of what it is (status, reason, cause), or more of what its kind counts than there ever
was (`failover.domain.health.progress`): 4 of 10 replicas after 3. One that falls back and gets as far again
has not got further. While there is headway, `healthyWithinSeconds` begins anew. `maxSeconds` ends a copy
that changes without end, but none whose count still rises: a long restore is not thrown away.
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
    grew_at: datetime | None = None
    """When the count last rose."""

    def is_made_by(self, found: Observation) -> bool:
        """Whether this shows it further than it was, or as something else."""
        return found.differs(self.seen) or found.advances(self.reached)

    def is_over_for(self, limit: str, last: Observation) -> bool:
        """Whether this limit, which has come, ends it, by a last look."""
        match limit:
            case "NoProgress":
                return self.seen is None or not self.is_made_by(last)
            case "TookTooLong":
                return self.reached is None or not last.advances(self.reached)
            case _:
                return True  # a grace period is over, whatever the copy shows

    def saw(self, found: Observation, now: datetime) -> Headway:
        """What is known after this."""
        counts = (each for each in (self.reached, found.health.progress) if each is not None)
        return Headway(
            since=now if self.is_made_by(found) else self.since,
            seen=found,
            reached=max(counts, default=None),
            grew_at=now if found.advances(self.reached) else self.grew_at,
        )

    def not_before(self, end: datetime, patience: timedelta) -> datetime:
        """The end of all patience; while the count has risen within `patience`, that is not over."""
        return end if self.grew_at is None else max(end, self.grew_at + patience)


def told_after(limit: timedelta) -> timedelta:
    """How long mere counting up waits to be told where one is given up after `limit`."""
    return limit / TOLD_PER_LIMIT
