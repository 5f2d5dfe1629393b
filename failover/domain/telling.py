"""What a failover says about itself: the texts of the Temporal UI, the CLI and Kubernetes Events.

Lists are numbered and tables are avoided, since the Temporal UI renders Markdown tables without
any padding.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from failover.domain.calling.call import Call
from failover.domain.identity import ApplicationRef
from failover.domain.phases import Action, Phase
from failover.domain.policy import ApplicationFailover
from failover.domain.request import FailoverRequest, State, Status, StepEntry

PLAN_AHEAD = "plan ahead"
"""How the summary of a plan begins that is made while tolerating."""
WHEN_DUE = "when its toleration ends"
"""How the summary of a capture ends that waits for that."""


def summary(request: FailoverRequest) -> str:
    """One line: what is moved off where, and why."""
    app = request.application
    why = f": {request.trigger.reason}" if request.trigger.reason else ""
    return f"{app.name} ({app.kind}) off {request.source}{why}"


def static_details(request: FailoverRequest, runbook: str = "") -> str:
    """Markdown that stands in the UI without any worker: trigger, policy, limits, what to paste."""
    app, policy = request.application, request.policy
    rules = policy.active.rules
    state = ", ".join(f"`{rule.alias_label_name}` ← `{rule.json_path}`" for rule in rules) or "none"
    seen = (request.trigger.reason, request.trigger.message)
    lines = [
        f"**{app.kind} {_qualified(app)}** {_why(request)} **{request.source}**.",
        "",
        f"- Trigger: {request.trigger.kind} by {request.trigger.actor or 'unknown'}",
        f"- Seen: {': '.join(each for each in seen if each) or 'unknown'}",
        f"- Policy: {policy}",
        f"- Toleration: {_toleration(policy.active)}, purge mode {policy.active.purge_mode}",
        f"- State carried over: {state}",
        f"- A step is Blocked after {request.limits.blocked_after_seconds:g} s of transient errors",
        "",
        "To decide, More Actions → Send an Update:",
        "",
        *(f"- `{name}` with `{json.dumps(value)}`" for name, value in _UPDATES),
        "",
        "or with the command line:",
        "",
        f"- `failover status {addressed(app)}`",
        f"- `failover retry|skip|replan|abort {addressed(app)}`",
    ]
    if runbook:
        lines += ["", f"[Runbook]({runbook})"]
    return "\n".join(lines)


def _qualified(application: ApplicationRef) -> str:
    where = f"{application.namespace}/" if application.namespace else ""
    return f"{where}{application.name}"


def _why(request: FailoverRequest) -> str:
    """A person may move what is well."""
    if request.force_reason:
        return f"is moved as a person wants it ({request.force_reason}), off"
    return "is unhealthy on"


def _toleration(policy: ApplicationFailover) -> str:
    usual, initial = (policy.tolerated(starting_up=each) for each in (False, True))
    if initial == usual:
        return seconds(usual)
    return f"{seconds(usual)}, {seconds(initial)} until it was healthy there once"


_UPDATES: tuple[tuple[str, dict[str, object]], ...] = (
    ("resolve", {"action": "Retry", "actor": "you", "note": "why"}),
    ("resolve", {"action": "Replan", "actor": "you", "note": "why"}),
    ("resolve", {"action": "Skip", "rule": "aliasLabelName", "coldStart": True, "actor": "you"}),
    ("resolve", {"action": "Skip", "declareGone": True, "actor": "you", "note": "how you know"}),
    ("resolve", {"action": "Abort", "actor": "you", "note": "why"}),
    ("approve", {"digest": "as in the query status", "actor": "you"}),
    ("deny", {"digest": "as in the query status", "actor": "you", "note": "why"}),
    ("retarget", {"cluster": "another one", "actor": "you"}),
)


def current_details(status: Status) -> str:
    """Markdown for the UI: phase, waiting for, done so far, captured state, point of no return."""
    passed = "passed: a delete was accepted" if status.point_of_no_return_passed else "not passed"
    lines = [f"**{status.display_phase}** · {waiting_for(status)}", ""]
    if status.block is not None:
        lines += [
            f"**{status.block.reason}**: {status.block.message}",
            "",
            "Decide with one of:",
            "",
        ]
        lines += [f"- `{command}`" for command in commands(status)]
        lines += ["", "Now:", ""]
    lines += [f"- Copies: {status.copies}", f"- Point of no return: {passed}"]
    labels = ", ".join(f"`{key}={value}`" for key, value in sorted(status.labels.items()))
    lines += [f"- Captured state: {labels or 'none yet'}"]
    if status.called:
        lines += [f"- A person: {status.called}"]
    if status.leftovers:
        lines += [f"- Left over: {'; '.join(status.leftovers)}"]
    lines += ["", "Done so far:", ""]
    lines += [f"{number}. {_step(step)}" for number, step in enumerate(status.steps, start=1)]
    return "\n".join(lines)


def _step(step: StepEntry) -> str:
    took = f" ({seconds(step.ended_at - step.started_at)})" if step.ended_at else " (now)"
    where = f" on {step.cluster}" if step.cluster else ""
    note = f" – {step.note}" if step.note else ""
    return f"{step.phase}{where}{took}{note}"


def waiting_for(status: Status) -> str:
    """What would have to happen for it to go on, as a short sentence."""
    if status.outcome is not None and status.display_phase == status.outcome:
        return status.message or "over"
    if status.block is not None:
        return "a person has to decide"
    match status.phase:
        case Phase.TOLERATING:
            if status.recovers_at is not None:
                return (
                    "it to stay well: it is recovered after as long as it was ill, at most a minute"
                )
            if status.toleration_ends_at is None:
                return "the clock stands still while the health is not known"
            return f"unhealthy for {seconds(status.tolerated)} of {seconds(status.toleration)} tolerated"
        case Phase.AWAITING_APPROVAL:
            return f"an approval of plan {status.plan_digest}"
        case Phase.HELD:
            return status.message or "admission"
        case Phase.WAITING_FOR_CLUSTER:
            return status.message or "a cluster that can take it"
        case Phase.PURGING:
            return f"the copy on {status.source} to be confirmed gone"
        case Phase.VERIFYING:
            return f"the copy on {status.target} to be healthy"
        case _:
            return f"{status.phase} to be done"


def commands(status: Status) -> tuple[str, ...]:
    """The exact commands that resolve a blocked failover, safest first."""
    where = addressed(status.application)
    texts = {
        Action.RETRY: f"failover retry {where}",
        Action.REPLAN: f"failover replan {where}",
        Action.SKIP: f"failover skip {where}{_skip_options(status)}",
        Action.ABORT: f"failover abort {where}",
    }
    return tuple(
        texts[action]
        for action in (Action.RETRY, Action.REPLAN, Action.SKIP, Action.ABORT)
        if action in status.allowed
    )


def addressed(application: ApplicationRef) -> str:
    """How a command names the application."""
    where = f" -n {application.namespace}" if application.namespace else ""
    return f"{application.short}{where}"


def call_of(status: Status, waiting: str, failover: str, since: datetime) -> Call:
    """What a person is told who is called because it waits."""
    plan = f"plan {status.plan_digest}: {status.source} to {status.target}"
    awaiting = waiting == Phase.AWAITING_APPROVAL.value
    return Call(
        application=status.application,
        failover=failover,
        waiting=waiting,
        reason=status.reason or ("ApprovalWanted" if awaiting else ""),
        message=plan if awaiting else status.message,
        since=since,
        source=status.source,
        target=status.target,
        copies=status.block.copy_runs if status.block else status.copies,
        command=_first_command(status, waiting),
    )


def _first_command(status: Status, waiting: str) -> str:
    """The one to type: it resolves the wait where one command does, and shows all of it where none does."""
    where = addressed(status.application)
    if waiting == Phase.AWAITING_APPROVAL.value:
        return f"failover approve {where}"
    return next(iter(commands(status)), "") if status.block else f"failover status {where}"


def _skip_options(status: Status) -> str:
    """What has to be said for a step to be skipped: it depends on what would be lost."""
    match status.block.phase if status.block else None:
        case Phase.PURGING | Phase.WITHDRAWING:
            return " --declare-gone --reason 'how you know that nothing of it runs'"
        case Phase.PLANNING | Phase.CAPTURING:
            return " --rule ALIAS_LABEL_NAME --cold-start"
        case _:
            return ""


def copies(state: State, source: str) -> str:
    """Does a copy run now, and where: one sentence."""
    made = state.plan
    origin = made.source if made else source
    if state.restored_uid:
        return f"the original is back on {origin}"
    if state.verified and state.target:
        also = "" if state.source_gone else f", the original is still on {origin}"
        return f"a healthy copy runs on {state.target}{also}"
    started = f"a copy is on {state.target}, not seen healthy yet" if state.target_uid else ""
    if state.source_gone:
        return started or "NO copy runs now: the original is gone, no new one has started"
    if state.delete_accepted or is_purging(state):
        return started or f"the original on {origin} is being deleted; no new copy has started"
    untouched = f"the original is untouched on {origin}"
    return f"{untouched}; {started}" if started else untouched


def is_purging(state: State) -> bool:
    """Whether a delete of the original is under way: nobody can say that it was not accepted."""
    return state.phase is Phase.PURGING and state.block is None and not state.source_gone


def phase_seconds(steps: Sequence[StepEntry]) -> dict[str, float]:
    """Seconds spent in each phase, summed over its entries."""
    total: dict[str, float] = {}
    for step in steps:
        if step.ended_at is not None:
            took = (step.ended_at - step.started_at).total_seconds()
            total[step.phase.value] = total.get(step.phase.value, 0.0) + took
    return total


def seconds(value: timedelta) -> str:
    """A duration as a person says it: `0.03 s`, `42 s`, `3 min 5 s`, `2 h 10 min`."""
    total = value.total_seconds()
    if total < 10:
        return f"{total:.2f}".rstrip("0").rstrip(".") + " s"
    if total < 120:
        return f"{total:.0f} s"
    minutes, rest = divmod(int(total), 60)
    if minutes < 120:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"
