"""What pods ask for, by the rules of the scheduler.

A pod needs what its containers need together, or what one of its init containers needs if that is
more; init containers that stay (`restartPolicy: Always`) count with the containers, and with each
init container that comes after them. A request that is left out is the limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from failover.domain.capacity.quantities import THOUSAND, Amounts, amounts, larger, summed
from failover.domain.manifest import Manifest, items, mapping, maps, text

Which = Literal["requests", "limits"]


@dataclass(frozen=True)
class Pods:
    """Some pods that all ask for the same."""

    count: int
    requests: Amounts
    """Of each one; `pods` itself among them, since a node takes only so many."""
    limits: Amounts = field(default_factory=dict[str, int])
    node_selector: Mapping[str, str] = field(default_factory=dict[str, str])
    tolerations: tuple[Manifest, ...] = ()


def pods_of(spec: Manifest, count: int) -> Pods:
    """So many pods of this spec."""
    selector = mapping(spec, "nodeSelector")
    return Pods(
        count,
        requests_of(spec),
        pod_amounts(spec, "limits"),
        {key: value for key, value in selector.items() if isinstance(value, str)},
        tuple(maps(items(spec, "tolerations"))),
    )


def requests_of(spec: Manifest) -> dict[str, int]:
    """What one pod of this spec takes of a node."""
    return {**pod_amounts(spec, "requests"), "pods": THOUSAND}


def pod_amounts(spec: Manifest, which: Which) -> dict[str, int]:
    """Its requests or its limits, all containers together."""
    containers = [container_amounts(each, which) for each in maps(items(spec, "containers"))]
    staying: dict[str, int] = {}
    highest: dict[str, int] = {}
    for container in maps(items(spec, "initContainers")):
        own = container_amounts(container, which)
        if text(container, "restartPolicy") == "Always":
            staying = summed((staying, own))
            highest = larger(highest, staying)
        else:
            highest = larger(highest, summed((staying, own)))
    needed = larger(summed((*containers, staying)), highest)
    pod_level = container_amounts(spec, which)  # of newer clusters: it counts where it is written
    return summed(({**needed, **pod_level}, amounts(mapping(spec, "overhead"))))


def container_amounts(container: Manifest, which: Which) -> dict[str, int]:
    """What stands under its `resources`."""
    limits = amounts(mapping(container, "resources", "limits"))
    if which == "limits":
        return limits
    return {**limits, **amounts(mapping(container, "resources", "requests"))}


def total_of(demand: Iterable[Pods], which: Which = "requests") -> dict[str, int]:
    """What all of them ask for together."""
    total: dict[str, int] = {}
    for each in demand:
        for name, value in (each.requests if which == "requests" else each.limits).items():
            total[name] = total.get(name, 0) + value * each.count
    return total
