"""One failover in words: what `status` and `timeline` show, for a person and for a program."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, assert_never

from cli.printing import age, moment, pair_lines, plain, tell
from failover.domain import budget, telling
from failover.domain.request import Status, StepEntry
from failover.pauses import Pause
from triggers.reading import NO_WORKER, Ended, Known, Live, Stored, Summary

TIMELINE = ("PHASE", "CLUSTER", "STARTED", "TOOK", "ATTEMPTS", "NOTE")

Pairs = Iterable[tuple[str, str]]


def status_lines(known: Known, now: datetime, link: str = "") -> list[str]:
    """All about a failover, one fact a line; the most pressing first."""
    match known:
        case Live():
            body = [*pair_lines(_live(known.status)), *_blocked(known.status)]
        case Stored():
            note = f"{NO_WORKER} (start one with `failover worker`)"
            body = [note, *pair_lines(_stored(known))]
        case Ended():
            body = pair_lines(_ended(known))
        case _:
            assert_never(known)
    about = known.summary
    foot = (
        ("Begun", _begun(about.detected_at, now)),
        ("Run", f"{about.id} {about.run_id}"),
        ("Link", link),
    )
    return [f"{about.application}: {_standing(known)}", *body, *pair_lines(foot)]


def _standing(known: Known) -> str:
    shown = known.status.display_phase if isinstance(known, Live) else known.summary.shown
    under = known.status.phase if isinstance(known, Live) else shown
    return shown if shown == under else f"{shown} ({under})"


def _live(status: Status) -> Pairs:
    health = status.health
    block = status.block
    passed = "passed" if status.point_of_no_return_passed else "not passed"
    yield "Waiting for", telling.waiting_for(status)
    if block is not None:
        yield "Why", f"{block.reason}: {block.message}"
    yield "Copies", block.copy_runs if block and block.copy_runs else status.copies
    yield "Called", status.called.removeprefix("called ")
    yield "From", status.source
    yield "To", status.target
    yield "Health", f"{health.status} ({health.reason}): {health.message}" if health else ""
    if status.toleration:
        told = f"{telling.seconds(status.tolerated)} of {telling.seconds(status.toleration)}"
        yield "Tolerated", told
    yield "State", _labels(status.labels)
    yield "State chosen", str(status.state) if status.state else ""
    yield "Budget", budget.told(status.budget) if status.budget else ""
    yield "No return", passed
    yield "Generation", str(status.generation or "")
    yield "Trigger", _trigger(status)
    yield "Plan", status.plan_digest
    yield from _lists(status.leftovers, status.decisions)


def _trigger(status: Status) -> str:
    by = f" by {status.trigger.actor}" if status.trigger.actor else ""
    return f"{status.trigger.kind}{by}"


def _blocked(status: Status) -> list[str]:
    if status.block is None:
        return []
    return ["Decide with one of:", *(f"  {each}" for each in telling.commands(status))]


def _stored(known: Stored) -> Pairs:
    about = known.summary
    yield "From", about.source
    yield "To", about.target
    yield "Reason", about.reason
    yield "Last failure", known.last_failure
    yield "Generation", str(about.generation or "")
    yield "Trigger", about.trigger


def _ended(known: Ended) -> Pairs:
    about, result = known.summary, known.result
    yield "Reason", (result.reason if result else "") or about.reason
    yield "Message", known.message
    yield "From", about.source
    yield "To", (result.target if result else "") or about.target
    yield "State", _labels(result.labels) if result else ""
    yield "Generation", str(about.generation or "")
    yield "Took", _total(known.steps)
    yield from _lists(result.leftovers if result else (), result.decisions if result else ())


def _lists(leftovers: Sequence[str], decisions: Sequence[str]) -> Pairs:
    yield "Left over", "; ".join(leftovers)
    yield "Decided", "; ".join(decisions)


def _labels(labels: dict[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _begun(at: datetime | None, now: datetime) -> str:
    return f"{moment(at)} ({age(at, now)} ago)" if at else ""


def timeline_rows(steps: Sequence[StepEntry], now: datetime) -> list[tuple[str, ...]]:
    """A row for each phase, in order."""
    return [
        (
            step.phase.value,
            step.cluster or "-",
            step.started_at.strftime("%H:%M:%S.%f")[:-3],
            _took(step, now),
            str(step.attempts or "-"),
            step.note or "-",
        )
        for step in steps
    ]


def _took(step: StepEntry, now: datetime) -> str:
    if step.ended_at is None:
        return f"{telling.seconds(max(now - step.started_at, timedelta(0)))} (now)"
    return telling.seconds(step.ended_at - step.started_at)


def _total(steps: Sequence[StepEntry]) -> str:
    return total(steps) if steps and steps[-1].ended_at else ""


def total(steps: Sequence[StepEntry], now: datetime | None = None) -> str:
    """How long all of it took, or has taken so far."""
    if not steps:
        return ""
    end = steps[-1].ended_at or now or steps[-1].started_at
    return telling.seconds(max(end - steps[0].started_at, timedelta(0)))


def status_data(known: Known, pauses: Sequence[Pause], link: str) -> dict[str, Any]:
    """All about a failover as JSON."""
    about = known.summary
    live = known.status if isinstance(known, Live) else None
    data = {
        **summary_data(about),
        "url": link,
        "answeredBy": "Worker" if isinstance(known, Live) else "Temporal",
        "note": NO_WORKER if isinstance(known, Stored) else "",
        "message": known.message if isinstance(known, Ended) else live.message if live else "",
        "lastFailure": known.last_failure if isinstance(known, Stored) else "",
        "commands": telling.commands(live) if live and live.block else [],
        "status": live,
        "result": known.result if isinstance(known, Ended) else None,
        "steps": known.steps,
        "pauses": pauses_data(pauses),
    }
    if live is not None:
        data |= {"phase": live.display_phase, "target": live.target, "reason": live.reason}
    return {key: plain(value) for key, value in data.items()}


def summary_data(about: Summary) -> dict[str, Any]:
    """One line of the list as JSON."""
    return {
        "id": about.id,
        "runId": about.run_id,
        "application": plain(about.application),
        "phase": about.phase,
        "outcome": about.outcome,
        "exitCode": about.exit_code,
        "source": about.source,
        "target": about.target,
        "reason": about.reason,
        "trigger": about.trigger,
        "generation": about.generation,
        "detectedAt": moment(about.detected_at) if about.detected_at else None,
        "closedAt": moment(about.closed_at) if about.closed_at else None,
    }


def tell_pauses(pauses: Iterable[Pause]) -> None:
    """On top of what is shown, and beside it: a program that reads the answer is not disturbed."""
    for each in pauses:
        tell(str(each), style="bold yellow")


def pauses_data(pauses: Sequence[Pause]) -> list[dict[str, str]]:
    """Open pauses as JSON."""
    return [
        {"id": each.id, "scope": each.scope, "reason": each.reason, "actor": each.actor}
        for each in pauses
    ]
