"""How far an application has come that is not well yet: one number, comparable with its own of before.

It says nothing about health, and is asked of one kind at a time only: more is further. It is read from the
counts that the kinds of the catalogue write into their status, and from those of the objects that an
application owns. `None` where nobody counts; then a change of status, reason or cause is all the progress
that can be seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from failover.domain.health.pods import POD
from failover.domain.health.verdict import holds
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, field, mapping

COUNTS: tuple[tuple[str, ...], ...] = (
    ("updatedReplicas",),
    ("readyReplicas",),
    ("availableReplicas",),
    ("currentNumberScheduled",),
    ("numberReady",),
    ("numberAvailable",),
    ("ready",),  # Job; Percona's databases
    ("succeeded",),
    ("readyInstances",),  # CloudNativePG
    ("cluster", "onlineInstances"),  # MySQL's InnoDBCluster
    ("availableNodes",),  # Elasticsearch
    ("readyWorkerReplicas",),  # Ray
    ("availableWorkerReplicas",),
    ("running",),  # Volcano
    ("restoredBytes",),
    ("progress",),  # Argo's "3/7", and the "42.5%" of imports
)
"""Where a status counts upwards while something comes up."""

_COUNTED = re.compile(r"(\d{1,15})(?:\.(\d))?(?:/\d+|%)?", re.ASCII)
_COUNT_MAX = 2**62


def progress_of(workload: Manifest, owned: Iterable[Manifest] | None) -> int | None:
    """The sum of all that is counted of it and of what it owns; `None` where nothing is."""
    counts = [*_counts(workload), *_executors(workload)]
    for each in owned or ():
        counts += _ready_pod(each) if GroupKind.of(each) == POD else _counts(each)
    return min(sum(counts), _COUNT_MAX) if counts else None


def _counts(manifest: Manifest) -> Sequence[int]:
    found = (_count(field(manifest, "status", *place)) for place in COUNTS)
    return [each for each in found if each is not None]


def _count(value: object) -> int | None:
    """A whole number; of a text like `3/7` or `42.5%` the tenths that are done."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return max(value, 0)
    if isinstance(value, str) and (found := _COUNTED.fullmatch(value)):
        return int(found[1]) * 10 + int(found[2] or 0)
    return None


def _executors(workload: Manifest) -> Sequence[int]:
    """Spark's executors, by name."""
    states = mapping(workload, "status", "executorState").values()
    return [sum(1 for each in states if each == "RUNNING")] if states else []


def _ready_pod(pod: Manifest) -> Sequence[int]:
    """A pod counts once when it is scheduled, and once more when it is ready."""
    return [sum(1 for each in ("PodScheduled", "Ready") if holds(pod, each) is not None)]
