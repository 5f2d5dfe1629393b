"""What a failover in flight has been promised on its target, as it stands on the record there.

One annotation, so that a list of the records' metadata tells all of them. It counts for those pods
only that are not there yet: what has started is among what runs. Whose pods they are is told by
their names, which controllers begin with that of what they belong to; where another application's
begin alike, too little is reserved, never too much.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from failover.domain.capacity.pods import Pods
from failover.domain.identity import ApplicationRef
from failover.domain.manifest import items, mapping, maps, number, text

SHAPES_MAX = 50


@dataclass(frozen=True)
class Reservation:
    """The pods that an application's move is about to bring to a cluster."""

    application: ApplicationRef
    cluster: str
    pods: tuple[Pods, ...]

    def still_to_come(self, there: int) -> tuple[Pods, ...]:
        """Those that are missing when so many are there; they come in their order."""
        missing: list[Pods] = []
        for each in self.pods:
            count = max(each.count - there, 0)
            there = max(there - each.count, 0)
            missing += [replace(each, count=count)] if count else []
        return tuple(missing)


def written(cluster: str, pods: Iterable[Pods]) -> str:
    """As it stands on the record."""
    shapes = [
        {"count": each.count, "requests": dict(each.requests), "limits": dict(each.limits)}
        for each in pods
    ]
    return json.dumps({"cluster": cluster, "pods": shapes[:SHAPES_MAX]}, sort_keys=True)


def read(application: ApplicationRef, raw: str) -> Reservation | None:
    """What stands on a record; `None` where nothing is reserved, or it cannot be read."""
    try:
        found: object = json.loads(raw)
    except ValueError:
        return None
    shapes = [
        Pods(
            max(number(each, "count"), 0),
            _amounts(mapping(each, "requests")),
            _amounts(mapping(each, "limits")),
        )
        for each in maps(items(found, "pods")[:SHAPES_MAX])
    ]
    cluster = text(found, "cluster")
    return Reservation(application, cluster, tuple(shapes)) if cluster and shapes else None


def _amounts(raw: Mapping[str, object]) -> dict[str, int]:
    return {
        name: value
        for name, value in raw.items()
        if isinstance(value, int) and not isinstance(value, bool)
    }
