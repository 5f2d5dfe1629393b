"""ResourceQuotas: what a namespace may ask for altogether. Those with scopes are left to the server."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from failover.domain.capacity.pods import Pods, total_of
from failover.domain.capacity.quantities import Amounts, amounts, shown
from failover.domain.manifest import Manifest, items, mapping, name_of

_PREFIXES = (("requests.", "requests"), ("limits.", "limits"))


@dataclass(frozen=True)
class Quota:
    """One ResourceQuota: what it bounds, and what is taken of it."""

    name: str
    hard: Amounts
    used: Amounts


def quota_of(manifest: Manifest) -> Quota | None:
    """A quota, from its object; `None` where it is only about some of the pods."""
    if items(manifest, "spec", "scopes") or mapping(manifest, "spec", "scopeSelector"):
        return None
    hard = mapping(manifest, "status", "hard") or mapping(manifest, "spec", "hard")
    return Quota(name_of(manifest), amounts(hard), amounts(mapping(manifest, "status", "used")))


def exceeded(quotas: Iterable[Quota], demand: Iterable[Pods], ahead: Iterable[Pods]) -> str:
    """The quota that is too small for it, with the numbers; empty where none is.

    `ahead`: what others of the same namespace are about to bring.
    """
    wanted, promised = tuple(demand), tuple(ahead)
    for quota in quotas:
        for key, hard in quota.hard.items():
            needs, reserved = _of(key, wanted), _of(key, promised)
            left = hard - quota.used.get(key, 0) - reserved
            if needs > max(left, 0):
                kept = f", {shown(key, reserved)} reserved by other failovers" if reserved else ""
                return (
                    f"its quota {quota.name} is too small: needs {key} {shown(key, needs)}, "
                    f"{shown(key, max(left, 0))} left of {shown(key, hard)}{kept}"
                )
    return ""


def _of(key: str, pods: tuple[Pods, ...]) -> int:
    """How much of what a quota counts under this key; nothing of objects that are no pods."""
    for prefix, which in _PREFIXES:
        if key.startswith(prefix):
            return total_of(pods, "limits" if which == "limits" else "requests").get(
                key.removeprefix(prefix), 0
            )
    return total_of(pods).get(key.removeprefix("count/"), 0)
