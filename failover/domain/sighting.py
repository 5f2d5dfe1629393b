"""Whether a look at an application is worth a word to those who move it.

Levels count, not edges: an application that is unhealthy is reported at once, and again from time to
time for as long as it is, so that nothing hangs on an event that was missed. Being quiet in between
is what keeps this from being a storm:

- a failover has begun: quiet for 30 s, twice as long after every further one, at most 10 minutes.
  It doubles only where one after the other ended and the application is still unhealthy;
- the failover under way was told, or none may be started by itself: quiet for 20 s;
- the application is healthy: all is forgotten, the next illness is reported at once.

Moments are readings of any clock that only goes forward.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import assert_never

from failover.domain.health import Health, HealthStatus
from failover.domain.manifest import Manifest, is_deleting
from failover.domain.marks import superseded_by

START_AGAIN_AFTER = timedelta(seconds=30)
START_AGAIN_AFTER_MAX = timedelta(minutes=10)
TELL_AGAIN_AFTER = timedelta(seconds=20)
_DOUBLINGS_MAX = 10


class Answer(StrEnum):
    """What became of a report."""

    STARTED = "Started"
    MERGED = "Merged"
    DIFFERENT_INCIDENT = "DifferentIncident"
    NOT_STARTED = "NotStarted"
    """Its protection says that nothing is started by itself: suspended, say."""
    REFUSED = "Refused"
    """Temporal, or the request itself, does not allow it."""


@dataclass(frozen=True)
class Attention:
    """What is remembered of an application from one look to the next."""

    starts: int = 0
    """Failovers that were begun, or refused, since it was last healthy."""
    quiet_until: timedelta | None = None
    answer: Answer | None = None
    """The answer to the last report."""

    def after(self, answer: Answer, now: timedelta) -> Attention:
        """The attention after a report was answered."""
        match answer:
            case Answer.STARTED | Answer.REFUSED:
                pause = start_again_after(self.starts)
                return Attention(self.starts + 1, now + pause, answer)
            case Answer.MERGED | Answer.DIFFERENT_INCIDENT | Answer.NOT_STARTED:
                return replace(self, quiet_until=now + TELL_AGAIN_AFTER, answer=answer)
            case _:
                assert_never(answer)

    def is_quiet(self, now: timedelta) -> bool:
        """Whether nothing is to be said yet."""
        return self.quiet_until is not None and now < self.quiet_until


@dataclass(frozen=True)
class Report:
    """The application is unhealthy: somebody has to look."""

    health: Health


@dataclass(frozen=True)
class Nothing:
    """Nobody needs to know; the reason is for those who wonder."""

    reason: str


def react(attention: Attention, health: Health, now: timedelta) -> Report | Nothing:
    """What to do about an application that looks like this now."""
    match health.status:
        case HealthStatus.HEALTHY:
            return Nothing("Healthy")
        case HealthStatus.UNKNOWN:
            return Nothing(health.cause or "Unknown")
        case HealthStatus.UNHEALTHY:
            return Nothing("ReportedAlready") if attention.is_quiet(now) else Report(health)
        case _:
            assert_never(health.status)


def is_left_alone(manifest: Manifest) -> bool:
    """Whether the object's health is nobody's business: it is going, or another copy took its place."""
    return is_deleting(manifest) or superseded_by(manifest) is not None


def start_again_after(starts: int) -> timedelta:
    """How long to wait after one more start, given those before it."""
    doubled: timedelta = START_AGAIN_AFTER * (1 << min(starts, _DOUBLINGS_MAX))
    return min(doubled, START_AGAIN_AFTER_MAX)
