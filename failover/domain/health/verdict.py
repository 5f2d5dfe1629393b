"""The verdict itself, and what every kind's rules share.

A verdict has a *status* (is it well) and a *cause* (why it is as it is, where that is known). The
status alone says whether an application is ill; the cause says whether moving is an answer:

    status      cause         made by       what it does to a failover
    Healthy     -             healthy       ends it
    Healthy     Finished      finished      ends it: there is nothing to move
    Healthy     Suspended     suspended     ends it: somebody wants it so
    Unhealthy   Fault         unhealthy     counts towards the toleration
    Unhealthy   Progressing   starting      counts too: it is not up yet, or not up again
    Unknown     Progressing   progressing   the clock stands: a change is under way, part of it serves
    Unknown     UserError     user_error    the clock stands, and it never moves: it would be no better
                                            elsewhere
    Unknown     -             unknown       as the policy's `onUnknown` says

`failover.domain.toleration` draws these conclusions, in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

from pydantic import BaseModel

from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, generation_of, items, maps, name_of, number, text

USER_ERRORS = (
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CrashLoopBackOff",
)
"""Words in an operator's error text for what another cluster would not mend."""

_QUOTE_LENGTH_MAX = 80


class HealthStatus(StrEnum):
    """Well, ill, or not to be told."""

    HEALTHY = "Healthy"
    UNHEALTHY = "Unhealthy"
    UNKNOWN = "Unknown"


class Cause(StrEnum):
    """Why an application is as it is, as far as moving it is concerned."""

    FAULT = "Fault"
    """Something is broken that another cluster may mend."""
    USER_ERROR = "UserError"
    """What its author wrote is wrong: it would be as ill elsewhere."""
    PROGRESSING = "Progressing"
    """It is on its way: starting, restarting, or in the middle of a change."""
    FINISHED = "Finished"
    """It has done its work."""
    SUSPENDED = "Suspended"
    """Somebody wants it to stand still."""


class Health(BaseModel, frozen=True):
    """A verdict with its reason (a CamelCase token) and a message for a person."""

    status: HealthStatus
    reason: str
    message: str
    cause: Cause | None = None
    """What the top of this module says; `None` where there is nothing to add to the status."""
    progress: int | None = None
    """How far it has come, where it is not well and its kind counts (`progress.py`); more is further."""


def healthy(reason: str, message: str) -> Health:
    """Well."""
    return Health(status=HealthStatus.HEALTHY, reason=reason, message=message)


def finished(reason: str, message: str) -> Health:
    """Nothing to move: its work is done."""
    return Health(status=HealthStatus.HEALTHY, reason=reason, message=message, cause=Cause.FINISHED)


def suspended(reason: str, message: str) -> Health:
    """Nothing to move: it is meant to stand still."""
    return Health(
        status=HealthStatus.HEALTHY, reason=reason, message=message, cause=Cause.SUSPENDED
    )


def unhealthy(reason: str, message: str) -> Health:
    """Ill in a way that another cluster may cure."""
    return Health(status=HealthStatus.UNHEALTHY, reason=reason, message=message, cause=Cause.FAULT)


def starting(reason: str, message: str) -> Health:
    """Not up yet, or not up again: ill if it lasts, and so it counts."""
    return Health(
        status=HealthStatus.UNHEALTHY, reason=reason, message=message, cause=Cause.PROGRESSING
    )


def progressing(reason: str, message: str) -> Health:
    """In the middle of a change that its controller is at, while a part of it serves."""
    return Health(
        status=HealthStatus.UNKNOWN, reason=reason, message=message, cause=Cause.PROGRESSING
    )


def user_error(reason: str, message: str) -> Health:
    """Not well, and no better anywhere else."""
    return Health(
        status=HealthStatus.UNKNOWN, reason=reason, message=message, cause=Cause.USER_ERROR
    )


def unknown(reason: str, message: str) -> Health:
    """Not to be told."""
    return Health(status=HealthStatus.UNKNOWN, reason=reason, message=message)


def may_be_its_own_fault(health: Health) -> bool:
    """Whether what lies deeper could change the verdict: ill, or not known why it is as it is."""
    match health.status:
        case HealthStatus.HEALTHY:
            return False
        case HealthStatus.UNHEALTHY:
            return True
        case HealthStatus.UNKNOWN:
            return health.cause is None


Verdict = Callable[[str, str], Health]
"""One of the functions above."""

States = Mapping[str, tuple[Verdict, str, str]]
"""What each word of a status means: the verdict, its reason, and what to tell of it."""


def judge_state(manifest: Manifest, state: str, states: States, *, note: str = "") -> Health:
    """What a table says about a state; a state that it does not have is Unknown, never ill."""
    if not state:
        return no_status_yet(manifest)
    if state not in states:
        return unrecognized(manifest, state)
    verdict, reason, said = states[state]
    return verdict(reason, f"{called(manifest)}: {said}{note}")


def unrecognized(manifest: Manifest, state: str) -> Health:
    """Unknown: a word of a release that we do not know."""
    return unknown(
        "UnrecognizedState", f"{called(manifest)}: its state {quoted(state)} is not known here"
    )


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


def error_word(message: str) -> str | None:
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
