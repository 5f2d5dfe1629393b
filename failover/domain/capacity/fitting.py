"""Does it fit? Pod by pod onto nodes, the largest first, each onto the fullest node that takes it.

First what others are about to bring, then the application itself. It is arithmetic, no scheduler:
affinities, spread constraints and volumes are not looked at, so "fits" is a good guess, and "full"
is meant: there is no way to put so much into what is free.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from failover.domain.capacity.pods import Pods, total_of
from failover.domain.capacity.quantities import Amounts, shown, summed
from failover.domain.capacity.room import Node, Room, free_of

_SHOWN_FIRST = ("cpu", "memory", "pods")
_JUDGED_BY = ("cpu", "memory")


@dataclass
class _Slot:
    """A node while it is being filled."""

    node: Node
    free: dict[str, int]

    def put(self, pods: Pods, count: int) -> int:
        """Put as many of them here as fit; answers how many those were."""
        if not self.node.takes(pods):
            return 0
        asked = [(name, value) for name, value in pods.requests.items() if value > 0]
        fitting = min((self.free.get(name, 0) // value for name, value in asked), default=count)
        placed = max(min(fitting, count), 0)
        for name, value in asked:
            self.free[name] = self.free.get(name, 0) - value * placed
        return placed


def shortage(room: Room, demand: Sequence[Pods], ahead: Sequence[Pods]) -> str:
    """Why it does not fit, with the numbers; empty where it does, or where nothing is known."""
    if not room.is_known:
        return ""
    slots = [_Slot(node, dict(free)) for node, free in room.nodes]
    _place(slots, (*room.waiting, *ahead))
    before = [dict(each.free) for each in slots if each.node.open]
    rest = _place(slots, demand)
    return _told(room, demand, ahead, before, rest) if rest else ""


def free_percent(room: Room, ahead: Sequence[Pods]) -> int | None:
    """How empty it is: of cpu and memory the scarcer one. `None` where that is not known."""
    total = summed(node.allocatable for node, _ in room.open_nodes)
    free = free_of(free for _, free in room.open_nodes)
    taken = total_of((*room.waiting, *ahead))
    shares = [
        max(free.get(name, 0) - taken.get(name, 0), 0) * 100 // total[name]
        for name in _JUDGED_BY
        if total.get(name, 0) > 0
    ]
    return min(shares) if shares else None


def _place(slots: list[_Slot], pods: Iterable[Pods]) -> list[Pods]:
    """Put them onto the nodes; answers those of which some found no place."""
    unplaced: list[Pods] = []
    for each in sorted(pods, key=lambda one: _size(one.requests), reverse=True):
        left = each.count
        for slot in sorted(slots, key=lambda one: _size(one.free)):
            left -= slot.put(each, left)
            if not left:
                break
        unplaced += [each] if left else []
    return unplaced


def _size(amounts: Amounts) -> tuple[int, int]:
    return amounts.get("memory", 0), amounts.get("cpu", 0)


def _told(
    room: Room, demand: Sequence[Pods], ahead: Sequence[Pods], free: list[dict[str, int]],
    rest: list[Pods],
) -> str:  # fmt: skip
    nodes = room.open_nodes
    if not nodes:
        return f"none of its {len(room.nodes)} nodes is ready and takes pods"
    if not any(node.takes(each) for node, _ in nodes for each in rest):
        return f"none of its {len(nodes)} ready nodes takes such pods, by taints and nodeSelector"
    needs, left = total_of(demand), free_of(free)
    total = summed(node.allocatable for node, _ in nodes)
    promised = total_of(ahead)
    names = [name for name in _ordered(needs) if needs[name] > left.get(name, 0)]
    if names:
        return "needs " + "; ".join(
            f"{name} {shown(name, needs[name])}, {shown(name, left.get(name, 0))} free of "
            f"{shown(name, total.get(name, 0))}{_kept(name, promised)}"
            for name in names
        )
    one = rest[0].requests
    asked = " and ".join(
        f"{name} {shown(name, one[name])}" for name in _ordered(one) if name != "pods"
    )
    most = " and ".join(
        f"{name} {shown(name, max(max(each.get(name, 0), 0) for each in free))}"
        for name in _ordered(one)
        if name != "pods"
    )
    return f"has room enough altogether, but no node for each pod of {asked}: the most that one has free is {most}"


def _kept(name: str, promised: Amounts) -> str:
    value = promised.get(name, 0)
    return f" ({shown(name, value)} is reserved by other failovers)" if value else ""


def _ordered(amounts: Amounts) -> list[str]:
    first = [name for name in _SHOWN_FIRST if amounts.get(name, 0) > 0]
    return first + sorted(n for n, v in amounts.items() if v > 0 and n not in first)
