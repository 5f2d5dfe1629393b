"""The verdict itself, and what every kind's rules share."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, generation_of, items, maps, name_of, number, text

USER_ERRORS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CrashLoopBackOff")
"""Words in an operator's error text for what another cluster would not mend."""

_QUOTE_LENGTH_MAX = 80


class HealthStatus(StrEnum):
    """Well, ill, or not to be told."""

    HEALTHY = "Healthy"
    UNHEALTHY = "Unhealthy"
    UNKNOWN = "Unknown"


class Health(BaseModel):
    """A verdict with its reason (a CamelCase token) and a message for a person."""

    model_config = ConfigDict(frozen=True)

    status: HealthStatus
    reason: str
    message: str


def healthy(reason: str, message: str) -> Health:
    """Well, or nothing to move."""
    return Health(status=HealthStatus.HEALTHY, reason=reason, message=message)


def unhealthy(reason: str, message: str) -> Health:
    """Ill in a way that another cluster may cure."""
    return Health(status=HealthStatus.UNHEALTHY, reason=reason, message=message)


def unknown(reason: str, message: str) -> Health:
    """Not to be told, or not to be cured by moving."""
    return Health(status=HealthStatus.UNKNOWN, reason=reason, message=message)


def called(manifest: Manifest) -> str:
    """`FlinkDeployment orders`: how messages name the object."""
    kind = GroupKind.of(manifest).kind or "object"
    return f"{quoted(kind)} {quoted(name_of(manifest)) or '(unnamed)'}"


def quoted(word: str) -> str:
    """A word from outside, on one line and cut to a bound."""
    line = " ".join(word.split())
    return line if len(line) <= _QUOTE_LENGTH_MAX else f"{line[: _QUOTE_LENGTH_MAX - 1]}…"


def lag(manifest: Manifest) -> Health | None:
    """Unknown when the controller has not yet seen the newest spec; `None` otherwise."""
    observed = number(manifest, "status", "observedGeneration", default=-1)
    if observed < 0 or observed >= generation_of(manifest):
        return None
    return unknown(
        "StatusOutdated",
        f"{called(manifest)}: the status is of generation {observed}, the spec of "
        f"{generation_of(manifest)}; its controller has not caught up yet",
    )


def no_status_yet(manifest: Manifest) -> Health:
    """Unknown: nobody has reported on the object."""
    return unknown(
        "NoStatusYet",
        f"{called(manifest)} has no status yet; if that lasts, see whether its controller runs "
        "on this cluster",
    )


def condition(manifest: Manifest, *types: str) -> Manifest | None:
    """The first condition of one of these types, in the order of the types."""
    found = {text(each, "type"): each for each in maps(items(manifest, "status", "conditions"))}
    return next((found[each] for each in types if each in found), None)


def holds(manifest: Manifest, *types: str) -> Manifest | None:
    """The first condition of one of these types whose status is `True`."""
    each_found = (condition(manifest, each) for each in types)
    return next((each for each in each_found if each and text(each, "status") == "True"), None)


def user_error(message: str) -> str | None:
    """The word in an error text that says moving would not help."""
    return next((each for each in USER_ERRORS if each in message), None)


def belonging(workload: Manifest, owned: Iterable[Manifest], kind: GroupKind) -> list[Manifest]:
    """The owned objects of one kind, without those whose owner references name somebody else.

    An object without any owner reference is taken at the caller's word.
    """
    uid = text(workload, "metadata", "uid")
    return [each for each in owned if GroupKind.of(each) == kind and _may_belong(each, uid)]


def _may_belong(manifest: Manifest, uid: str) -> bool:
    owners = [text(each, "uid") for each in maps(items(manifest, "metadata", "ownerReferences"))]
    return not owners or not uid or uid in owners
