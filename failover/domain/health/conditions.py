"""Any kind whose controller writes standard conditions."""

from __future__ import annotations

from failover.domain.health.verdict import (
    Health,
    called,
    condition,
    finished,
    healthy,
    holds,
    lag,
    no_status_yet,
    progressing,
    quoted,
    suspended,
    unhealthy,
    unknown,
)
from failover.domain.manifest import Manifest, generation_of, mapping, number, text

FINISHED = ("Complete", "Completed", "Succeeded")
DECIDING = ("Ready", "Available", "Healthy", "Running")
"""The first of these that is there decides."""


def judge_by_conditions(workload: Manifest) -> Health:
    """Finished, suspended, failed, stalled; else what `Ready` (or `Available`, …) says."""
    if not mapping(workload, "status"):
        return no_status_yet(workload)
    if behind := lag(workload):
        return behind
    return _judge_ends(workload) or _judge_deciding(workload)


def _judge_ends(workload: Manifest) -> Health | None:
    name = called(workload)
    if found := holds(workload, "Failed"):
        return unhealthy("Failed", f"{name}: condition Failed is True{_why(found)}")
    if found := holds(workload, *FINISHED):
        return finished(
            "Finished", f"{name}: condition {_type(found)} is True; there is nothing to move"
        )
    if holds(workload, "Suspended"):
        return suspended(
            "Suspended", f"{name}: condition Suspended is True; there is nothing to move"
        )
    if found := holds(workload, "Stalled"):
        return unhealthy("Stalled", f"{name}: its controller has given up{_why(found)}")
    return None


def _judge_deciding(workload: Manifest) -> Health:
    name = called(workload)
    found = condition(workload, *DECIDING)
    if found is None:
        return _judge_without(workload)
    if 0 <= number(found, "observedGeneration", default=-1) < generation_of(workload):
        return unknown("StatusOutdated", f"{name}: condition {_type(found)} is of an older spec")
    match text(found, "status"):
        case "True":
            return healthy(_type(found), f"{name}: condition {_type(found)} is True")
        case "False":
            return unhealthy(
                f"Not{_type(found)}", f"{name}: condition {_type(found)} is False{_why(found)}"
            )
        case _:
            return unknown(
                f"{_type(found)}Unknown",
                f"{name}: condition {_type(found)} is neither True nor False{_why(found)}",
            )


def _judge_without(workload: Manifest) -> Health:
    name = called(workload)
    if holds(workload, "Reconciling", "Progressing"):
        return progressing(
            "Reconciling", f"{name}: its controller is at work, and no condition Ready says how far"
        )
    return unknown(
        "NoConditions",
        f"{name} has none of the conditions {', '.join(DECIDING)}; "
        "its health cannot be told from its status",
    )


def _type(found: Manifest) -> str:
    return text(found, "type")


def _why(found: Manifest) -> str:
    reason = quoted(text(found, "reason"))
    return f" ({reason})" if reason else ""
