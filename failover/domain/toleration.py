"""How long an application may be unhealthy before it is moved.

The timeline is workflow state: `Clock` holds the unhealthy time accumulated so far and what was seen
last, and when. All moments are the workflow's (the Temporal server's); no other clock is compared
with them. As in Karmada, the limit must be *exceeded*; unlike Karmada, `Unknown` does not reset the
clock unless the policy says so (`onUnknown`: Pause, Count, Reset), and a limit of 0 acts at once.

Flapping neither postpones for ever nor moves without need. What was ill is recovered once it has been
well, without interruption, for as long as it was ill before, and for a minute at most. Until then the
time so far stands, and being ill again goes on from there; so an application that is ill more than it is
well uses its toleration up, however often one sight shows it well. Time well never counts as ill, and
what decides at the end is how it looks then.

`bearing` is the one place that says what a sight does to a failover, the clock's and the planner's:
what is *known* not to be cured by moving (a user error, a change under way) stands still, whatever
`onUnknown` says, since that is about what is not known.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from failover.domain.health import Cause, Health, HealthStatus

OnUnknown = Literal["Pause", "Count", "Reset"]

RECOVERY_MAX = timedelta(seconds=60)
"""Well for so long is recovered, however long it was ill."""
RECOVERY_LEAST = timedelta(seconds=1)
"""What would be recovered sooner is recovered at once: so short an illness is none."""


class Bearing(StrEnum):
    """What a sight of the application does to its failover."""

    COUNTS = "Counts"
    """Time passes towards the limit; past it, the application moves."""
    STANDS = "Stands"
    """Nothing passes, and nothing moves."""
    HEALS = "Heals"
    """Time passes towards recovery; past it, the failover is over. The time so far stands."""
    RESETS = "Resets"
    """The time so far is forgotten."""


def bearing(status: HealthStatus, cause: Cause | None, on_unknown: OnUnknown) -> Bearing:
    """What a verdict of this status and cause does under this policy."""
    match status:
        case HealthStatus.HEALTHY if cause is None:
            return Bearing.HEALS
        case HealthStatus.HEALTHY:  # finished, or asleep: there is nothing to move, nor to wait for
            return Bearing.RESETS
        case HealthStatus.UNHEALTHY:
            return Bearing.COUNTS
        case HealthStatus.UNKNOWN if cause is not None:
            return Bearing.STANDS
        case HealthStatus.UNKNOWN:
            return _ON_UNKNOWN[on_unknown]


_ON_UNKNOWN: dict[OnUnknown, Bearing] = {
    "Pause": Bearing.STANDS,
    "Count": Bearing.COUNTS,
    "Reset": Bearing.RESETS,
}


def may_move(health: Health, on_unknown: OnUnknown) -> bool:
    """Whether an application that looks like this may be moved once it was tolerated."""
    return bearing(health.status, health.cause, on_unknown) is Bearing.COUNTS


class Clock(BaseModel):
    """Accumulated unhealthy time, and the observation that counts since `since`."""

    model_config = ConfigDict(frozen=True)

    status: HealthStatus = HealthStatus.UNKNOWN
    cause: Cause | None = None
    since: datetime
    """For what heals: since when it has been well without interruption."""
    accumulated: timedelta = timedelta(0)
    seen_ill: bool = False
    """Whether it was, and not only said to be: what nobody saw ill has nothing to recover from."""

    def counts(self, on_unknown: OnUnknown) -> bool:
        """Whether time passes towards the limit now."""
        return bearing(self.status, self.cause, on_unknown) is Bearing.COUNTS

    def total(self, now: datetime, on_unknown: OnUnknown) -> timedelta:
        """The unhealthy time up to `now`."""
        running = max(now - self.since, timedelta(0)) if self.counts(on_unknown) else timedelta(0)
        return self.accumulated + running

    def saw(self, health: Health, now: datetime, on_unknown: OnUnknown) -> Clock:
        """The clock after an observation at `now`."""
        seen = bearing(health.status, health.cause, on_unknown)
        forgets = seen is Bearing.RESETS or (seen is Bearing.HEALS and not self.seen_ill)
        still_well = seen is Bearing.HEALS and self._heals
        return Clock(
            status=health.status,
            cause=health.cause,
            since=self.since if still_well else now,
            accumulated=timedelta(0) if forgets else self.total(now, on_unknown),
            seen_ill=self.seen_ill or seen is Bearing.COUNTS,
        )

    def remaining(self, limit: timedelta, now: datetime, on_unknown: OnUnknown) -> timedelta | None:
        """Time until the limit is used up if nothing changes; `None` while the clock stands still."""
        if not self.counts(on_unknown):
            return None
        return max(limit - self.total(now, on_unknown), timedelta(0))

    def recovery(self, limit: timedelta, now: datetime) -> timedelta | None:
        """Time until it is recovered if it stays well, zero once it is; `None` while it is not well.

        Nobody waits longer to be believed well than to be moved (`limit`).
        """
        if self.status is not HealthStatus.HEALTHY:
            return None
        whole = min(self.accumulated, limit, RECOVERY_MAX)
        if whole < RECOVERY_LEAST:
            return timedelta(0)
        return max(whole - max(now - self.since, timedelta(0)), timedelta(0))

    @property
    def _heals(self) -> bool:
        return self.status is HealthStatus.HEALTHY and self.cause is None
