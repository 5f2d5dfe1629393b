"""How long an application may be unhealthy before it is moved.

The timeline is workflow state: `Clock` holds the unhealthy time accumulated so far and what was seen
last, and when. All moments are the workflow's (the Temporal server's); no other clock is compared
with them. As in Karmada, the limit must be *exceeded*; unlike Karmada, `Unknown` does not reset the
clock unless the policy says so (`onUnknown`: Pause, Count, Reset), and a limit of 0 acts at once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from failover.domain.health import HealthStatus

OnUnknown = Literal["Pause", "Count", "Reset"]


class Clock(BaseModel):
    """Accumulated unhealthy time, and the observation that counts since `since`."""

    model_config = ConfigDict(frozen=True)

    status: HealthStatus = HealthStatus.UNKNOWN
    since: datetime
    accumulated: timedelta = timedelta(0)

    def counts(self, on_unknown: OnUnknown) -> bool:
        """Whether time passes towards the limit now."""
        match self.status:
            case HealthStatus.UNHEALTHY:
                return True
            case HealthStatus.UNKNOWN:
                return on_unknown == "Count"
            case HealthStatus.HEALTHY:
                return False

    def total(self, now: datetime, on_unknown: OnUnknown) -> timedelta:
        """The unhealthy time up to `now`."""
        running = max(now - self.since, timedelta(0)) if self.counts(on_unknown) else timedelta(0)
        return self.accumulated + running

    def saw(self, status: HealthStatus, now: datetime, on_unknown: OnUnknown) -> Clock:
        """The clock after an observation at `now`."""
        total = self.total(now, on_unknown)
        resets = status is HealthStatus.HEALTHY or (
            status is HealthStatus.UNKNOWN and on_unknown == "Reset"
        )
        return Clock(status=status, since=now, accumulated=timedelta(0) if resets else total)

    def remaining(self, limit: timedelta, now: datetime, on_unknown: OnUnknown) -> timedelta | None:
        """Time until the limit is used up if nothing changes; `None` while the clock stands still."""
        if not self.counts(on_unknown):
            return None
        return max(limit - self.total(now, on_unknown), timedelta(0))
