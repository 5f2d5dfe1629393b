"""What a sweep does about one application under protection: nothing, wake its protection, or begin a failover.

A sweep is for what nobody has told: a watcher that is dead, an event that was lost, a failover that
was ended before its end. It looks at levels only, claims nothing, and starts what a watcher would have
started; the failover tolerates and looks for itself, from its own beginning.

The invariant: nothing begins for an application whose protection knows less than the clusters show. It
is woken first, and decides whether what it finds is accounted for; the next sweep goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import Field

from failover.domain.application import ApplicationView
from failover.domain.health import Health, HealthStatus
from failover.domain.sighting import start_again_after
from failover.domain.wire import Wire

REMEMBERED = timedelta(hours=1)
"""Failovers that began within this time count for how long the next one is waited for."""


INTERRUPTED = "Interrupted"

SWEPT_A_MINUTE = 1200
"""So many protections are looked at a minute, on average: one to one and a half milliseconds of a worker's time each, so some 3 % of a core at most."""
REST_MAX = timedelta(minutes=8)
"""What nobody has told of is noticed within ten minutes, however many are protected."""


class SweepRequest(Wire):
    """The one argument of a sweep."""

    at_once: int = Field(default=20, ge=1, le=200)
    """So many calls of Temporal side by side."""


class Swept(Wire):
    """What a sweep has seen and done, in numbers."""

    protected: int = 0
    seen: int = 0
    """Those of which a copy, or that none is there, could be told."""
    in_flight: int = 0
    held: int = 0
    """Those for which nothing is started by itself: suspended, or of a newer generation."""
    unhealthy: int = 0
    started: int = 0
    taken_up: int = 0
    """Of those started: moves that somebody had interrupted."""
    merged: int = 0
    waiting: int = 0
    """Unhealthy still after a failover of theirs; the next one is not due yet."""
    woken: int = 0
    errors: dict[str, int] = Field(default_factory=dict[str, int])
    """What could not be looked at or done, by reason."""

    def __str__(self) -> str:
        told = (
            f"{self.protected} protected, {self.seen} seen, {self.in_flight} in flight, {self.held} held; "
            f"{self.unhealthy} unhealthy: {self.started} started ({self.taken_up} taken up), {self.merged} merged, "
            f"{self.waiting} not due yet; {self.woken} woken"
        )
        errors = ", ".join(f"{count} {reason}" for reason, count in sorted(self.errors.items()))
        return told + (f"; errors: {errors}" if errors else "")


@dataclass(frozen=True)
class Copy:
    """The application's object on one cluster."""

    cluster: str
    uid: str
    generation: int
    """By its mark; 0 where it has none."""
    health: Health


@dataclass(frozen=True)
class OpenMove:
    """A move that the records have open, and no run is in flight."""

    home: str
    """Where the application lived when it began."""
    held_by: str
    """A cluster whose record has it open: at home, if that one has."""
    generation: int

    @property
    def source(self) -> str:
        """Where a failover looks first to find it: at home, unless that cluster has nothing to say of it."""
        return self.home if self.held_by == self.home else self.held_by

    @property
    def message(self) -> str:
        """What has happened, as the failover that takes it up says it."""
        return f"a move off {self.home or '?'} was interrupted (generation {self.generation})"


def newer(one: OpenMove | None, other: OpenMove) -> OpenMove:
    """Of two clusters' words the newer one; of the same move what home says."""
    if one is None:
        return other
    return max(one, other, key=lambda each: (each.generation, each.held_by == each.home))


@dataclass(frozen=True)
class Seen:
    """All that a sweep knows of one application."""

    copies: Sequence[Copy] = ()
    blind: AbstractSet[str] = frozenset()
    """Clusters where it could not be looked for."""
    open_move: OpenMove | None = None


@dataclass(frozen=True)
class Begin:
    """A failover is to begin."""

    source: str
    uid: str
    reason: str
    message: str
    takes_up: bool = False


@dataclass(frozen=True)
class Decision:
    """What is to be done about an application."""

    begin: Begin | None = None
    wake: bool = False


def decide(view: ApplicationView, seen: Seen) -> Decision:
    """What is to be done about an application without a failover in flight."""
    known, move = view.known, seen.open_move
    newest = max((each.generation for each in seen.copies), default=0)
    if move is not None:
        newest = max(newest, move.generation)
    if known.health is None or newest > max(known.generation, known.newer_generation):
        return Decision(wake=True)
    living = _living(view, seen.copies)
    wake = _differs(view, seen, living)
    if not view.starts:
        return Decision(wake=wake)
    if move is not None and view.declaration.mode != "Observe":
        message = move.message
        return Decision(Begin(move.source, "", INTERRUPTED, message, takes_up=True), wake)
    if living is not None and living.health.status is HealthStatus.UNHEALTHY:
        health = living.health
        return Decision(Begin(living.cluster, living.uid, health.reason, health.message), wake)
    return Decision(wake=wake)


def rest_after(protected: int) -> timedelta:
    """How long nothing is swept after a sweep of so many; a schedule's minute has gone by when it ends, where they are few."""
    minutes = max(protected / SWEPT_A_MINUTE - 1, 0)
    return min(timedelta(minutes=minutes), REST_MAX)


def is_due(began: Sequence[datetime], now: datetime) -> bool:
    """Whether the next failover may begin after those that began at these times, as a watcher counts it."""
    recent = [each for each in began if now - each < REMEMBERED]
    return not recent or now - max(recent) >= start_again_after(len(recent) - 1)


def _living(view: ApplicationView, copies: Sequence[Copy]) -> Copy | None:
    """The copy that counts: at home, or the only one."""
    home = next((each for each in copies if each.cluster == view.known.home), None)
    return home or (copies[0] if len(copies) == 1 else None)


def _differs(view: ApplicationView, seen: Seen, living: Copy | None) -> bool:
    """Whether a look would show the protection something else than it knows."""
    known = view.known
    if living is not None:
        status = known.health.status if known.health is not None else None
        return (known.home, status) != (living.cluster, living.health.status)
    if seen.copies or seen.blind:
        return False
    return known.health is None or known.health.status is not HealthStatus.UNKNOWN
