"""A look at all clusters: the application's object and record on each, and who did not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from activities.seeing import find_application
from failover.domain.budget import CountedMove, cut_off, merged, without
from failover.domain.errors import FailoverError
from failover.domain.identity import ApplicationRef
from failover.domain.manifest import Manifest
from failover.domain.record import claim_of, counted_of, generation_of, good_of, is_open
from failover.domain.states import StateGeneration, newest_good
from failover.fleet import Fleet
from failover.records import read_head


@dataclass
class Snapshot:
    """What was seen on all clusters, at about the same time."""

    objects: dict[str, Manifest | None] = field(default_factory=dict[str, Manifest | None])
    heads: dict[str, Manifest] = field(default_factory=dict[str, Manifest])
    failures: dict[str, FailoverError] = field(default_factory=dict[str, FailoverError])

    @property
    def generation_seen(self) -> int:
        """The highest generation on any cluster that answered."""
        return max((generation_of(head) for head in self.heads.values()), default=0)

    @property
    def counted(self) -> tuple[CountedMove, ...]:
        """The moves that any record counts, but for one that was cut off: the next one begins it anew."""
        heads = self.heads.values()
        stands = ((generation_of(head), claim_of(head), is_open(head)) for head in heads)
        known = merged(*(counted_of(head) for head in heads))
        return without(known, cut_off(stands, ""))

    @property
    def good(self) -> StateGeneration | None:
        """The newest good state that any record knows."""
        return newest_good(good_of(head) for head in self.heads.values())

    def open_heads(self, ours: str) -> Iterable[tuple[str, Manifest]]:
        """Clusters whose record says that a move is under way which is not ours, newest first."""
        found = [
            (name, head)
            for name, head in self.heads.items()
            if is_open(head) and claim_of(head) != ours
        ]
        return sorted(found, key=lambda item: -generation_of(item[1]))


async def look_everywhere(fleet: Fleet, application: ApplicationRef) -> Snapshot:
    """The application's object and record on every cluster; what cannot be seen is noted."""
    snapshot = Snapshot()

    async def look(name: str) -> None:
        cluster = fleet.cluster(name)
        try:
            head, manifest = await asyncio.gather(
                read_head(cluster, application),
                find_application(cluster, application),
            )
        except FailoverError as error:
            snapshot.failures[name] = error
            return
        snapshot.objects[name] = manifest
        if head is not None:
            snapshot.heads[name] = head

    await asyncio.gather(*(look(each.name) for each in fleet.facts))
    return snapshot
