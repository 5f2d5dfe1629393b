"""Which candidates have room, and which is the emptiest: read seldom, judged each time.

Rules kept here:
- What is free is read at most every ten seconds, what other failovers have reserved every two; in
  between this worker keeps in mind what it has planned itself. Between judging and keeping there is no
  `await`: two plans of one worker never take the same room.
- Whatever cannot be read, because of rights or otherwise, is not checked, and the plan says so. It
  never fails for it: the target's own scheduler has the last word.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from activities.shared import Patience, Shared
from failover.domain.capacity.fitting import free_percent, shortage
from failover.domain.capacity.pods import Pods
from failover.domain.capacity.quotas import Quota, exceeded, quota_of
from failover.domain.capacity.reservations import Reservation
from failover.domain.capacity.room import Room, node_of, room_of, use_of
from failover.domain.errors import FailoverError, UnknownKind
from failover.domain.identity import ApplicationRef, GroupKind
from failover.domain.plan import Warn
from failover.domain.selection import ClusterVerdict
from failover.fleet import Fleet
from failover.records import reservations_on

NODE, POD, QUOTA = GroupKind("", "Node"), GroupKind("", "Pod"), GroupKind("", "ResourceQuota")
RUNNING = "status.phase!=Succeeded,status.phase!=Failed"

_WAIT = timedelta(seconds=2)
_MINUTE = timedelta(minutes=1)
ROOM_PATIENCE = Patience(fresh=timedelta(seconds=10), usable=_MINUTE, wait=_WAIT)
PROMISES_PATIENCE = Patience(fresh=timedelta(seconds=2), usable=_MINUTE, wait=_WAIT)
KEPT = timedelta(seconds=90)
"""A plan is carried out, and stands in the record, so long after it is due at the latest."""

Demands = Mapping[str, tuple[Pods, ...] | None]
"""What the application asks for on each candidate, overrides being different; `None`: not known."""


class Capacities:
    """What is free on the clusters of a fleet, as far as this process knows."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._rooms = Shared(self._read_room, ROOM_PATIENCE)
        self._quotas = Shared(self._read_quotas, PROMISES_PATIENCE)
        self._records = Shared(self._read_reservations, PROMISES_PATIENCE)
        self._kept: dict[ApplicationRef, tuple[float, Reservation]] = {}

    async def survey(self, application: ApplicationRef, clusters: Iterable[str]) -> Survey:
        """What there is to know of these clusters, for this application."""
        found = await asyncio.gather(*(self._look(application, each) for each in clusters))
        return Survey(application, {each.cluster: each for each in found}, self)

    def keep(self, reservation: Reservation, ahead: timedelta) -> None:
        """Count this as taken until the record tells of it, instead of what was kept for it before."""
        now = asyncio.get_running_loop().time()
        self._kept = {app: kept for app, kept in self._kept.items() if kept[0] > now}
        self._kept[reservation.application] = (now + (ahead + KEPT).total_seconds(), reservation)

    def let_go(self, application: ApplicationRef) -> None:
        """Nothing is kept for it any more."""
        self._kept.pop(application, None)

    def kept_on(self, cluster: str) -> list[Reservation]:
        """What plans of this worker will bring to a cluster."""
        now = asyncio.get_running_loop().time()
        return [
            reservation
            for until, reservation in self._kept.values()
            if until > now and reservation.cluster == cluster
        ]

    async def _look(self, application: ApplicationRef, cluster: str) -> Seen:
        room, quotas = await asyncio.gather(
            self._rooms.get(cluster), self._quotas.get((cluster, application.namespace))
        )
        matters = bool(quotas) if isinstance(quotas, list) else False
        if isinstance(room, Room):
            matters = matters or room.is_known
        reserved = await self._records.get(cluster) if matters else []
        unread = [each for each in (room, quotas, reserved) if isinstance(each, FailoverError)]
        return Seen(
            cluster,
            room if isinstance(room, Room) else Room(),
            quotas if isinstance(quotas, list) else [],
            reserved if isinstance(reserved, list) else [],
            "; ".join(dict.fromkeys(each.message for each in unread)),
        )

    async def _read_room(self, cluster: str) -> Room:
        asked = self._fleet.cluster(cluster)
        try:
            nodes = await asked.sift(NODE, node_of)
            if not nodes:
                return Room()  # what says nothing of its nodes need not be asked for its pods
            uses = await asked.sift(POD, use_of, field_selector=RUNNING)
        except UnknownKind:
            return Room()
        return room_of(nodes, (each for each in uses if each is not None))

    async def _read_quotas(self, place: tuple[str, str]) -> list[Quota]:
        cluster, namespace = place
        if not namespace:
            return []
        try:
            found = await self._fleet.cluster(cluster).sift(QUOTA, quota_of, namespace)
        except UnknownKind:
            return []
        return [each for each in found if each is not None]

    async def _read_reservations(self, cluster: str) -> list[Reservation]:
        return await reservations_on(self._fleet.cluster(cluster))


@dataclass(frozen=True)
class Seen:
    """One cluster, as it was seen lately."""

    cluster: str
    room: Room
    quotas: Sequence[Quota]
    reserved: Sequence[Reservation]
    unread: str = ""
    """What could not be read."""


@dataclass(frozen=True)
class Fit:
    """How the candidates stand."""

    full: Mapping[str, ClusterVerdict] = field(default_factory=dict[str, ClusterVerdict])
    free_percent: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True)
class Survey:
    """The candidates as they were seen; judged together with what is kept at that moment."""

    application: ApplicationRef
    seen: Mapping[str, Seen]
    capacities: Capacities

    def judge(self, demands: Demands) -> Fit:
        """Which of them are full, and how empty each is."""
        full: dict[str, ClusterVerdict] = {}
        free: dict[str, int] = {}
        for name, seen in self.seen.items():
            others = self._others(seen)
            ahead = _still_to_come(seen.room, others)
            share = free_percent(seen.room, ahead)
            if share is not None:
                free[name] = share
            demand = demands.get(name)
            if demand and (why := self._why_not(seen, demand, others, ahead)):
                message = f"{name} has no room: {why}."
                full[name] = ClusterVerdict(usable=False, reason="CandidateFull", message=message)
        return Fit(full, free)

    def keep(self, cluster: str, demands: Demands, ahead: timedelta) -> None:
        """Keep the room on this cluster for this application, whose plan is made so long ahead."""
        reservation = Reservation(self.application, cluster, demands.get(cluster) or ())
        self.capacities.keep(reservation, ahead)

    def let_go(self) -> None:
        """Take back what was kept."""
        self.capacities.let_go(self.application)

    def warnings(self, target: str, demands: Demands) -> tuple[Warn, ...]:
        """What was not checked on the chosen one; nothing where it had nothing to say."""
        seen = self.seen.get(target)
        if seen is None:
            return ()
        if seen.unread:
            message = f"whether {target} has room was not checked, or not fully: {seen.unread}"
            return (Warn(reason="CapacityUnknown", message=message),)
        if demands.get(target) is None and (seen.room.is_known or seen.quotas):
            message = (
                f"what a {self.application.kind} requests is not known here, so whether {target} has "
                "room for it was not checked"
            )
            return (Warn(reason="CapacityUnknown", message=message),)
        return ()

    def _others(self, seen: Seen) -> list[Reservation]:
        kept = self.capacities.kept_on(seen.cluster)
        each = {one.application: one for one in (*seen.reserved, *kept)}
        each.pop(self.application, None)
        return list(each.values())

    def _why_not(
        self,
        seen: Seen,
        demand: tuple[Pods, ...],
        others: Sequence[Reservation],
        ahead: Sequence[Pods],
    ) -> str:
        neighbours = [
            each for each in others if each.application.namespace == self.application.namespace
        ]
        quota = exceeded(seen.quotas, demand, _still_to_come(seen.room, neighbours))
        return quota or shortage(seen.room, demand, ahead)


def _still_to_come(room: Room, reservations: Iterable[Reservation]) -> list[Pods]:
    return [
        pods
        for each in reservations
        for pods in each.still_to_come(
            room.pods_of(each.application.namespace, each.application.name)
        )
    ]
