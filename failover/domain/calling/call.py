"""One wait of one failover that a person has to hear of, and how far the calling has come.

    begins ── patience ──▶ called ── repeat ──▶ called … ── over ──▶ resolved, to those who were reached

Repeats come at the interval that the receivers' file says; after the twelfth they come half as often
each time, once a day in the end: a failover may wait for months, and its history has a bound. Where there
is nobody to call, somebody is looked for again, ever more seldom: a receiver that comes later is called.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import Field

from failover.domain.identity import ApplicationRef
from failover.domain.phases import BLOCKED, Phase
from failover.domain.wire import Wire

SLOWER_FROM = 12
INTERVAL_MAX = timedelta(days=1)
LOOKED_FOR_AGAIN_MIN = timedelta(seconds=60)
LOOKED_FOR_AGAIN_SHARE = 8
"""Where there was nobody to call, somebody is looked for again after this part of the time waited so far."""
RETRY_AFTER = timedelta(seconds=60)
"""How long after a call that did not get through, the first time; then twice as long each time."""
_DOUBLINGS_MAX = 20

PATIENCE: dict[str, timedelta] = {
    BLOCKED: timedelta(0),
    Phase.AWAITING_APPROVAL.value: timedelta(0),
    Phase.HELD.value: timedelta(seconds=60),
    Phase.WAITING_FOR_CLUSTER.value: timedelta(seconds=60),
}
"""What a person is called for, and how long it has to last: a lane is free again in a moment."""

_PLANNED_AGAIN = frozenset({Phase.PLANNING})
GOES_ON: dict[str, frozenset[Phase]] = {
    BLOCKED: frozenset(),
    Phase.AWAITING_APPROVAL.value: _PLANNED_AGAIN | {Phase.AWAITING_APPROVAL},
    Phase.HELD.value: _PLANNED_AGAIN | {Phase.CAPTURING, Phase.HELD},
    Phase.WAITING_FOR_CLUSTER.value: _PLANNED_AGAIN | {Phase.WAITING_FOR_CLUSTER},
}
"""The phases through which a wait goes on: it is looked at again and again, and stays the same one."""


class Call(Wire):
    """What a person is told."""

    application: ApplicationRef
    failover: str
    waiting: str
    """`Blocked`, `AwaitingApproval`, `Held` or `WaitingForCluster`."""
    reason: str = ""
    message: str = ""
    since: datetime
    source: str = ""
    target: str = ""
    copies: str = ""
    """A sentence: does a copy run now, and where."""
    command: str = ""
    """The one command to type."""

    @property
    def key(self) -> str:
        """The same for all calls of one wait, and for its end."""
        return f"{self.failover}@{self.since:%Y%m%dT%H%M%S}"

    def headline(self, *, resolved: bool = False) -> str:
        """What it is, in one line."""
        app = self.application
        where = f" in {app.namespace}" if app.namespace else ""
        name = f"{app.kind} {app.name}{where}"
        if resolved:
            return f"The failover of {name} waits no more ({self.waiting})"
        return f"The failover of {name} is {self.waiting}" + (
            f": {self.reason}" if self.reason else ""
        )


class OpenCall(Wire):
    """A wait, and who was called for it so far; carried over when the run continues as new."""

    call: Call
    number: int = 0
    """How often somebody was called."""
    called_at: datetime | None = None
    reached: tuple[str, ...] = ()
    """Receivers that were told, and so have to hear of the end."""
    problems: tuple[str, ...] = ()
    """What kept the last call from a receiver, in words."""
    again_at: datetime | None = None
    """`None`: not again."""
    again_only: tuple[str, ...] = ()
    """The receivers that the next call is for; empty: all."""

    @property
    def told(self) -> str:
        """Who was called, as a sentence; empty as long as nobody was."""
        missed = f"not reached: {'; '.join(self.problems)}" if self.problems else ""
        if self.called_at is None or not (self.reached or missed):
            return ""
        names = ", ".join(self.reached)
        times = "once" if self.number == 1 else f"{self.number} times"
        at = f"{self.called_at:%Y-%m-%d %H:%M:%S} UTC"
        called = f"called {times}, last at {at}" + (f": {names}" if names else "")
        return f"{called}; {missed}" if missed else called


class CallRequest(Wire):
    """Call a person, or say that the wait is over."""

    call: Call
    number: int = 0
    """How often somebody was called for this wait before."""
    only: tuple[str, ...] = ()
    """The receivers meant, by name; empty: all that want to hear of such a wait."""
    resolved: bool = False


class Called(Wire):
    """Who was reached, and when to call again."""

    reached: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    again_in_seconds: float | None = None
    """`None`: never. Where nobody was to be called, it is when to look for somebody again."""
    again_only: tuple[str, ...] = Field(default=())


def repeat_after(interval: timedelta, number: int) -> timedelta:
    """How long after the call of this number (from 0) the next one comes."""
    slower: timedelta = interval * 2 ** min(max(number + 1 - SLOWER_FROM, 0), _DOUBLINGS_MAX)
    return min(slower, max(interval, INTERVAL_MAX))


def look_after(waited: timedelta) -> timedelta:
    """How long after nobody was there to be called somebody is looked for again."""
    return min(max(waited / LOOKED_FOR_AGAIN_SHARE, LOOKED_FOR_AGAIN_MIN), INTERVAL_MAX)


def retry_after(number: int) -> timedelta:
    """How long after a call of this number that did not get through it is tried again."""
    later: timedelta = RETRY_AFTER * 2 ** min(number, _DOUBLINGS_MAX)
    return min(later, INTERVAL_MAX)
