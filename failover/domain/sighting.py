"""Whether a look at an application is worth a word to those who move it.

Levels count, not edges: an application that is unhealthy is reported at once, and again from time to
time for as long as it is, so that nothing hangs on an event that was missed. Being quiet in between
is what keeps this from being a storm:

- a failover has begun: quiet for 30 s, twice as long after every further one, at most 10 minutes.
  It doubles only where one after the other ended and the application is still unhealthy;
- the failover under way was told, or none may be started by itself: quiet for 20 s;
- the application is healthy: all is forgotten, the next illness is reported at once;
- it is ill by its own fault, as what lies deeper says when it is looked at again: quiet for as long as each
  such look says so, and over a healthy moment. A program that crashes is well between its crashes, and
  would begin a failover after each; what has been well for longer than that is reported at once again.

Moments are readings of any clock that only goes forward.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import assert_never

from failover.domain.health import Cause, Health, HealthStatus
from failover.domain.manifest import Manifest, is_deleting
from failover.domain.marks import superseded_by

START_AGAIN_AFTER = timedelta(seconds=30)
START_AGAIN_AFTER_MAX = timedelta(minutes=10)
TELL_AGAIN_AFTER = timedelta(seconds=20)
OWN_FAULT_LASTS = timedelta(minutes=20)
"""A kubelet waits five minutes at most between two crashes, and forgets them after ten that were good."""
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
    own_fault_until: timedelta | None = None
    """Until when its illness is taken for its own fault, unless it is looked at before."""

    def after(self, answer: Answer, now: timedelta) -> Attention:
        """The attention after a report was answered."""
        match answer:
            case Answer.STARTED | Answer.REFUSED:
                pause = start_again_after(self.starts)
                starts, until = self.starts + 1, now + pause
                return replace(self, starts=starts, quiet_until=until, answer=answer)
            case Answer.MERGED | Answer.DIFFERENT_INCIDENT | Answer.NOT_STARTED:
                return replace(self, quiet_until=now + TELL_AGAIN_AFTER, answer=answer)
            case _:
                assert_never(answer)

    def looked(self, now: timedelta, *, own_fault: bool) -> Attention:
        """The attention after a look at whose fault its illness is."""
        return replace(self, own_fault_until=now + OWN_FAULT_LASTS if own_fault else None)

    def recovered(self) -> Attention:
        """The attention once it is healthy."""
        return Attention(own_fault_until=self.own_fault_until)

    def is_own_fault(self, now: timedelta) -> bool:
        """Whether an illness is taken for its own fault."""
        return self.own_fault_until is not None and now < self.own_fault_until

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
            if attention.is_own_fault(now):
                return Nothing(Cause.USER_ERROR)
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
