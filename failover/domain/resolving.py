"""What a person may decide about a failover, by where it stands: the resolve table.

| failing in | Retry | Skip | Replan | Abort |
|---|---|---|---|---|
| Planning, Capturing | yes | one rule, by name | yes | Aborted |
| Purging, before a delete was accepted | yes | no | yes | Aborted |
| Purging, after | yes | as DeclareGone, with actor and note | target only | once gone, restore |
| Starting | yes | no | after withdrawing | after withdrawing, restore |
| Verifying | yes | accept as healthy | yes | withdraw, restore |
| Withdrawing | yes | as DeclareGone, with actor and note | no | no |
| Held, for its budget | no | with a note | yes | yes |
| Restoring | yes | no | yes | no |
| Finishing | yes | yes | no | no |

`refusal` answers for one decision; everything that is not refused is allowed.
"""

from __future__ import annotations

from dataclasses import dataclass

from failover.domain.budget import BUDGET_REASONS
from failover.domain.phases import Action, Phase

_ABORTABLE_RUNNING = frozenset(set(Phase) - {Phase.FINISHING, Phase.RESTORING, Phase.WITHDRAWING})
_REPLANNABLE_WAITING = frozenset(
    {Phase.AWAITING_APPROVAL, Phase.HELD, Phase.WAITING_FOR_CLUSTER, Phase.TOLERATING}
)
_LOOKED_AT_AGAIN = frozenset({Phase.HELD, Phase.PLANNING, Phase.CAPTURING})


@dataclass(frozen=True)
class Standing:
    """What the table needs to know of a failover."""

    phase: Phase
    blocked: bool
    delete_accepted: bool
    verified: bool = False
    """Whether the new copy has been seen healthy."""
    held: str = ""
    """Why it was not admitted at the last try."""


@dataclass(frozen=True)
class Decision:
    """A person's decision, as the table sees it."""

    action: Action
    note: str = ""
    rule: str = ""
    cold_start: bool = False
    declare_gone: bool = False
    remove_finalizer: str = ""


def refusal(standing: Standing, decision: Decision) -> str | None:
    """Why this decision makes no sense now, as a sentence; `None` where it does."""
    if decision.remove_finalizer and not (
        standing.phase in {Phase.PURGING, Phase.WITHDRAWING} and decision.action is Action.RETRY
    ):
        return "a finalizer can only be removed by a Retry of a purge that waits for it"
    match decision.action:
        case Action.ABORT:
            return _abort_refusal(standing)
        case Action.REPLAN:
            return _replan_refusal(standing)
        case Action.RETRY:
            return None if standing.blocked else _not_blocked(standing, "retry")
        case Action.SKIP:
            return _skip_refusal(standing, decision)


def _not_blocked(standing: Standing, verb: str) -> str:
    return f"there is nothing to {verb}: the failover is {standing.phase} and not Blocked"


def _abort_refusal(standing: Standing) -> str | None:
    if standing.phase is Phase.PURGING and standing.delete_accepted and standing.verified:
        return "the new copy is healthy and the original is being deleted; retry or skip instead"
    if standing.phase in _ABORTABLE_RUNNING:
        return None
    return f"{standing.phase} cannot be aborted, since it only tidies up or puts back; retry it instead"


def _replan_refusal(standing: Standing) -> str | None:
    if standing.phase in {Phase.FINISHING, Phase.WITHDRAWING}:
        return f"{standing.phase} leaves nothing to plan; retry or skip it instead"
    if standing.blocked or standing.phase in _REPLANNABLE_WAITING:
        return None
    return _not_blocked(standing, "replan")


def _skip_refusal(standing: Standing, decision: Decision) -> str | None:
    if not standing.blocked:
        return _held_refusal(standing, decision)
    match standing.phase:
        case Phase.PLANNING | Phase.CAPTURING:
            if standing.delete_accepted:
                return "the state is captured already; retry or replan instead"
            if not decision.rule or not decision.cold_start:
                return "name the one rule to skip and confirm that its state is lost: rule and coldStart: true"
            return None
        case Phase.PURGING | Phase.WITHDRAWING:
            if not standing.delete_accepted and standing.phase is Phase.PURGING:
                return (
                    "no delete was accepted yet, so the copy runs; retry, replan or abort instead"
                )
            if not decision.declare_gone or not decision.note:
                return "only as declareGone: true with a note saying how you know that no process of it runs"
            return None
        case Phase.VERIFYING | Phase.FINISHING:
            return None
        case _:
            return f"{standing.phase} cannot be skipped"


def _held_refusal(standing: Standing, decision: Decision) -> str | None:
    """Held and looked at again in turns, it stands in one of three phases."""
    if standing.phase not in _LOOKED_AT_AGAIN or not standing.held:
        return _not_blocked(standing, "skip")
    if standing.held not in BUDGET_REASONS:
        return "it is held by a pause, which ends with failover resume"
    if not decision.note:
        return "say with a note why it is moved although it was moved so often: --reason"
    return None


def allowed(standing: Standing) -> tuple[Action, ...]:
    """The actions that some decision can take now, for display."""
    widest = Decision(Action.SKIP, note="-", rule="-", cold_start=True, declare_gone=True)
    candidates = (Decision(Action.RETRY), widest, Decision(Action.REPLAN), Decision(Action.ABORT))
    return tuple(each.action for each in candidates if refusal(standing, each) is None)
