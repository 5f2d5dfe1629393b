"""Where an application lives: its object, health and record on every cluster of the fleet."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from activities.seeing import find_application, health_now
from cli.exits import Refused
from failover.domain.budget import CountedMove
from failover.domain.errors import FailoverError, NotFound, TransientError
from failover.domain.health import Health
from failover.domain.identity import ApplicationRef
from failover.domain.manifest import Manifest, uid_of
from failover.domain.marks import superseded_by
from failover.domain.record import Move, RecordDamaged, counted_of, generation_of, is_open
from failover.domain.rules import HealthRule
from failover.fleet import Fleet
from failover.records import read_head, read_record


@dataclass(frozen=True)
class Place:
    """One cluster, and what of the application is there."""

    cluster: str
    manifest: Manifest | None = None
    health: Health | None = None
    open_generation: int = 0
    """The generation of a move that is under way, or was interrupted; 0: none."""
    error: FailoverError | None = None
    counted: tuple[CountedMove, ...] = ()
    """The moves that the record here has counted."""

    @property
    def lives(self) -> bool:
        """Whether a copy that counts is here."""
        return self.manifest is not None and superseded_by(self.manifest) is None

    @property
    def uid(self) -> str:
        """The uid of the object here."""
        return uid_of(self.manifest) if self.manifest else ""

    @property
    def told(self) -> str:
        """What is here, as a person would say it."""
        if self.error is not None:
            return f"not seen: {self.error.message}"
        if self.manifest is None:
            return ""
        if (by := superseded_by(self.manifest)) is not None:
            return f"superseded by the copy on {by}"
        return "lives here"


async def look(
    fleet: Fleet, application: ApplicationRef, rule: HealthRule | None = None
) -> tuple[Place, ...]:
    """Look on all clusters side by side, in quorum reads; one that does not answer says so."""
    return tuple(
        await asyncio.gather(*(_look(fleet, application, f.name, rule) for f in fleet.facts))
    )


async def _look(
    fleet: Fleet, application: ApplicationRef, name: str, rule: HealthRule | None
) -> Place:
    cluster = fleet.cluster(name)
    try:
        manifest, head = await asyncio.gather(
            find_application(cluster, application), read_head(cluster, application)
        )
        health = await health_now(cluster, manifest, rule) if manifest is not None else None
    except FailoverError as error:
        return Place(name, error=error)
    generation = generation_of(head) if head is not None and is_open(head) else 0
    counted = counted_of(head) if head is not None else ()
    return Place(name, manifest, health, generation, counted=counted)


async def interrupted_move(
    fleet: Fleet, application: ApplicationRef, places: Iterable[Place]
) -> Move | None:
    """The newest move that was left open, from any cluster that answers."""
    opened = sorted(
        (each for each in places if each.open_generation), key=lambda each: -each.open_generation
    )
    for each in opened:
        try:
            found = await read_record(fleet.cluster(each.cluster), application)
        except (TransientError, RecordDamaged):
            continue  # another cluster holds the same record
        if found is not None and found.record.move is not None:
            return found.record.move
    return None


def home(application: ApplicationRef, places: Sequence[Place], asked: str = "") -> Place | None:
    """The one place where it lives; `None`: nowhere.

    Raises `Refused` where it lives on several clusters, `NotFound` where it is not where it was said
    to be, and the cluster's own error where nobody can look there.
    """
    living = [each for each in places if each.lives]
    if len(living) > 1:
        names = " and ".join(each.cluster for each in living)
        message = (
            f"{application} lives on {names}; one cluster per application: delete the copy that is not the "
            "real one, then start again"
        )
        raise Refused(message, reason="LivesOnTwoClusters")
    if not asked:
        return living[0] if living else None
    place = next(each for each in places if each.cluster == asked)
    if place.error is not None:
        raise place.error
    if place.lives:
        return place
    if any(each.open_generation for each in places):
        return None
    where = f"; it lives on {living[0].cluster}" if living else ""
    raise NotFound(f"{application} is not on {asked}{where}")


def not_there(application: ApplicationRef, places: Iterable[Place]) -> NotFound:
    """It is nowhere: says where was looked, and where nobody could look."""
    seen = [each.cluster for each in places if each.error is None]
    unseen = [f"{each.cluster} ({each.error.reason})" for each in places if each.error is not None]
    looked = f"looked on: {', '.join(seen)}" if seen else "no cluster answered"
    hidden = f"; not seen: {', '.join(unseen)}" if unseen else ""
    return NotFound(f"{application} is on no cluster of the fleet ({looked}{hidden})")
