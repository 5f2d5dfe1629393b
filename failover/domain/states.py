"""Generations of an application's state: which values it has had, and which of them have proved good.

    captured values differ ──▶ pending ──healthy for goodAfterSeconds, without interruption──▶ good
                                  │
                                  └── values differ again: a newer generation is pending

A generation is a reference: the values of the policy's preservation rules (a job's id, where its last
checkpoint lies), never the state itself. What shows no values is no generation: a copy that has not come
up has nothing to be remembered.

The invariant: the newest good generation is never dropped, whatever came after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import Field

from failover.domain.errors import StateNotCaptured
from failover.domain.manifest import Manifest
from failover.domain.preservation import PreservationRule, capture
from failover.domain.wire import Wire

KEPT_MOST = 10
"""Generations that are remembered, beside the last good one."""


class StateGeneration(Wire):
    """One set of values that an application has had."""

    number: int
    """Counted up for each application; not the number of moves, which a record counts."""
    labels: dict[str, str] = Field(default_factory=dict[str, str])
    """The values, by the labels that carry them."""
    since: datetime
    """When they were seen first, by Temporal's clock."""
    cluster: str = ""
    """Where that was."""
    healthy_since: datetime | None = None
    """Since when it was healthy with them, as far as was seen; `None`: it is not now."""
    good_since: datetime | None = None
    """When they had proved good; `None`: not yet."""

    @property
    def is_good(self) -> bool:
        """Whether they have proved good."""
        return self.good_since is not None

    @property
    def values(self) -> str:
        """The values alone, for a table."""
        return ",".join(value for _, value in sorted(self.labels.items()))

    def __str__(self) -> str:
        return told(self.labels)


def told(labels: Mapping[str, str]) -> str:
    """Values as a person reads them."""
    return ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))


def values_of(rules: Sequence[PreservationRule], manifest: Manifest) -> dict[str, str] | None:
    """What a capture would find now; `None` where that is nothing, or cannot be captured."""
    try:
        found = capture(rules, manifest)
    except StateNotCaptured:
        return None
    return found if any(found.values()) else None


def newest_good(candidates: Iterable[StateGeneration | None]) -> StateGeneration | None:
    """The newest of these that is good."""
    good = [(each.number, each.good_since, each) for each in candidates if each and each.good_since]
    return max(good, key=lambda item: item[:2])[2] if good else None


def after_look(
    states: Sequence[StateGeneration],
    values: Mapping[str, str] | None,
    *,
    cluster: str,
    healthy: bool,
    now: datetime,
    good_after: timedelta,
) -> tuple[StateGeneration, ...]:
    """The generations, the oldest first, once this was seen."""
    known = list(states)
    if values is None:
        return (*known[:-1], _lived(known[-1], healthy=False, now=now, good_after=good_after)) if known else ()  # fmt: skip
    if not known or known[-1].labels != values:
        number = known[-1].number + 1 if known else 1
        known.append(
            StateGeneration(number=number, labels=dict(values), since=now, cluster=cluster)
        )
    known[-1] = _lived(known[-1], healthy=healthy, now=now, good_after=good_after)
    return _bounded(known)


def _lived(
    newest: StateGeneration, *, healthy: bool, now: datetime, good_after: timedelta
) -> StateGeneration:
    """The newest generation, some time later. What is good stays so."""
    if newest.is_good:
        return newest
    since = (newest.healthy_since or now) if healthy else None
    good = now if since is not None and now - since >= good_after else None
    return newest.model_copy(update={"healthy_since": since, "good_since": good})


def _bounded(known: Sequence[StateGeneration]) -> tuple[StateGeneration, ...]:
    good = newest_good(known)
    older = known[:-KEPT_MOST]
    kept = (good,) if good is not None and good in older else ()
    return (*kept, *known[-KEPT_MOST:])


def good_at(states: Sequence[StateGeneration], good_after: timedelta) -> datetime | None:
    """When the newest generation will have proved good, if nothing interrupts it; `None`: not in sight."""
    newest = states[-1] if states else None
    if newest is None or newest.is_good or newest.healthy_since is None:
        return None
    return newest.healthy_since + good_after
