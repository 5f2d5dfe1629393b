"""What is free on a cluster: its nodes, less what runs there or is about to.

Sums only: one entry for each node, and the number of pods for each owner. The pods themselves are
read page by page and forgotten, since a large cluster has tens of thousands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from failover.domain.capacity.pods import Pods, requests_of
from failover.domain.capacity.quantities import Amounts, amounts, summed
from failover.domain.manifest import (
    Manifest,
    controller_of,
    items,
    labels_of,
    mapping,
    maps,
    name_of,
    namespace_of,
    text,
)

_ENDED = frozenset({"Succeeded", "Failed"})
_HARD_EFFECTS = frozenset({"NoSchedule", "NoExecute"})


@dataclass(frozen=True)
class Node:
    """One node, as far as it can be counted on."""

    name: str
    allocatable: Amounts
    open: bool
    """Ready, and not cordoned."""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    taints: tuple[Manifest, ...] = ()
    """Those that keep pods away which do not tolerate them."""

    def takes(self, pods: Pods) -> bool:
        """Whether such pods may run here at all, by taints and nodeSelector."""
        selected = pods.node_selector.items() <= self.labels.items()
        return (
            self.open
            and selected
            and all(_tolerated(each, pods.tolerations) for each in self.taints)
        )


class Use(NamedTuple):
    """What one pod takes."""

    node: str
    """Empty while it waits for one."""
    namespace: str
    owner: str
    """The name of its controller, or its own: either begins with the name of the application."""
    requests: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Room:
    """What is free on a cluster."""

    nodes: tuple[tuple[Node, Amounts], ...] = ()
    """Each node, and what is free of it. None at all: the cluster says nothing of its room."""
    waiting: tuple[Pods, ...] = ()
    """Pods that the scheduler has not placed yet."""
    owners: Mapping[str, Mapping[str, int]] = field(default_factory=dict[str, Mapping[str, int]])
    """Namespace, then owner: how many pods."""

    @property
    def is_known(self) -> bool:
        """Whether it says anything; a cluster without nodes, such as one of virtual kubelets, does not."""
        return bool(self.nodes)

    @property
    def open_nodes(self) -> tuple[tuple[Node, Amounts], ...]:
        """The nodes that take new pods."""
        return tuple(each for each in self.nodes if each[0].open)

    def pods_of(self, namespace: str, name: str) -> int:
        """How many pods of this application are there, by what controllers call theirs."""
        owners = self.owners.get(namespace, {})
        return sum(
            count
            for owner, count in owners.items()
            if owner == name or owner.startswith(f"{name}-")
        )


def node_of(manifest: Manifest) -> Node:
    """A node, from its object."""
    conditions = maps(items(manifest, "status", "conditions"))
    ready = any(text(c, "type") == "Ready" and text(c, "status") == "True" for c in conditions)
    taints = maps(items(manifest, "spec", "taints"))
    return Node(
        name=name_of(manifest),
        allocatable=amounts(mapping(manifest, "status", "allocatable")),
        open=ready and mapping(manifest, "spec").get("unschedulable") is not True,
        labels=labels_of(manifest),
        taints=tuple(each for each in taints if text(each, "effect") in _HARD_EFFECTS),
    )


def use_of(manifest: Manifest) -> Use | None:
    """What a pod takes; `None` for one that has ended, or that the scheduler has given up for now."""
    if text(manifest, "status", "phase") in _ENDED:
        return None
    node = text(manifest, "spec", "nodeName")
    if not node and _is_unschedulable(manifest):
        return None
    controller = controller_of(manifest)
    owner = text(controller, "name") if controller is not None else name_of(manifest)
    requests = requests_of(mapping(manifest, "spec"))
    return Use(node, namespace_of(manifest), owner, tuple(sorted(requests.items())))


def room_of(nodes: Iterable[Node], uses: Iterable[Use]) -> Room:
    """What is free of these nodes, when these pods are there."""
    taken: dict[str, dict[str, int]] = {}
    waiting: dict[tuple[tuple[str, int], ...], int] = {}
    owners: dict[str, dict[str, int]] = {}
    for use in uses:
        counts = owners.setdefault(use.namespace, {})
        counts[use.owner] = counts.get(use.owner, 0) + 1
        if not use.node:
            waiting[use.requests] = waiting.get(use.requests, 0) + 1
            continue
        sums = taken.setdefault(use.node, {})
        for name, value in use.requests:
            sums[name] = sums.get(name, 0) + value
    return Room(
        nodes=tuple((each, less(each.allocatable, taken.get(each.name, {}))) for each in nodes),
        waiting=tuple(Pods(count, dict(each)) for each, count in waiting.items()),
        owners=owners,
    )


def less(amount: Amounts, taken: Amounts) -> dict[str, int]:
    """What is left of each resource; below zero where too much was promised."""
    return {name: value - taken.get(name, 0) for name, value in amount.items()}


def free_of(nodes: Iterable[Amounts]) -> dict[str, int]:
    """All together; a node that has promised too much takes nothing from the others."""
    return summed({name: max(value, 0) for name, value in each.items()} for each in nodes)


def _is_unschedulable(pod: Manifest) -> bool:
    conditions = maps(items(pod, "status", "conditions"))
    return any(
        text(c, "type") == "PodScheduled" and text(c, "reason") == "Unschedulable"
        for c in conditions
    )


def _tolerated(taint: Manifest, tolerations: Iterable[Manifest]) -> bool:
    return any(_tolerates(each, taint) for each in tolerations)


def _tolerates(toleration: Manifest, taint: Manifest) -> bool:
    effect, key = text(toleration, "effect"), text(toleration, "key")
    if effect not in {"", text(taint, "effect")}:
        return False
    exists = text(toleration, "operator") == "Exists"
    if not key:
        return exists
    same_value = exists or text(toleration, "value") == text(taint, "value")
    return key == text(taint, "key") and same_value
