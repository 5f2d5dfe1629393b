"""How often an application may be moved by itself: at most so often in a window, with a rest in between.

What ends a ping-pong: an application that falls ill wherever it goes is not cured by going on. Each move
is counted when it is staged, in the record on both clusters (`failover/domain/record.py`), so that the
count outlives the run, its history and Temporal's database.

Rules kept here:
- A move counts once, however often a step of it is repeated: its claim is its name.
- A move that was cut off before it took effect, and is begun anew, counts as the one that follows it.
- A move that is counted has been admitted, and goes on.
- Moments are those of Temporal's server. One that is ahead of now counts as now: a server's clock that
  was put back holds a move longer, and never lets one through.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from failover.domain.policy import Budget
from failover.domain.policy.model import MAX_FAILOVERS_MOST

BudgetReason = Literal["BudgetExhausted", "CoolingDown"]
BUDGET_REASONS: frozenset[str] = frozenset({"BudgetExhausted", "CoolingDown"})

COUNTED_MAX = MAX_FAILOVERS_MOST
"""Moves that a record remembers; no policy may ask for a larger budget."""


class CountedMove(BaseModel):
    """One move of an application, as its record remembers it."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    """When it was staged, by Temporal's server."""
    claim: str


class BudgetUse(BaseModel):
    """How much of a budget is used, as people are shown it."""

    model_config = ConfigDict(frozen=True)

    moves: int
    """Moves in the window that ends now."""
    max_failovers: int
    window_seconds: int
    last_move_at: datetime | None = None
    next_move_at: datetime | None = None
    """When the next move is allowed; `None`: now."""


class NotAdmitted(BaseModel):
    """The budget does not allow this move yet."""

    model_config = ConfigDict(frozen=True)

    reason: BudgetReason
    message: str
    until: datetime


def admission(
    budget: Budget, counted: Iterable[CountedMove], *, claim: str, now: datetime
) -> NotAdmitted | None:
    """Why the move with this claim has to wait; `None` where it may go on."""
    moves = tuple(counted)
    if any(each.claim == claim for each in moves):
        return None
    use = use_of(budget, moves, now)
    if use.next_move_at is None:
        return None
    exhausted = use.moves >= budget.max_failovers
    known = _exhausted(use) if exhausted else _cooling_down(budget, use)
    return NotAdmitted(
        reason="BudgetExhausted" if exhausted else "CoolingDown",
        message=f"{known}; the next move is allowed at {_shown(use.next_move_at)}",
        until=use.next_move_at,
    )


def use_of(budget: Budget, counted: Iterable[CountedMove], now: datetime) -> BudgetUse:
    """How much of this budget the counted moves use, and when there is room again."""
    moments = sorted(min(each.at, now) for each in counted)
    within = [each for each in moments if each > now - budget.window]
    ends = [moments[-1] + budget.cool_down] if moments else []
    if len(within) >= budget.max_failovers:
        ends.append(within[len(within) - budget.max_failovers] + budget.window)
    until = max(ends, default=now)
    return BudgetUse(
        moves=len(within),
        max_failovers=budget.max_failovers,
        window_seconds=budget.window_seconds,
        last_move_at=moments[-1] if moments else None,
        next_move_at=until if until > now else None,
    )


def merged(*histories: Iterable[CountedMove]) -> tuple[CountedMove, ...]:
    """All moves that any of these knows of, the oldest first."""
    by_claim = {each.claim: each for history in histories for each in history}
    return tuple(sorted(by_claim.values(), key=lambda each: (each.at, each.claim)))[-COUNTED_MAX:]


def counting(counted: Iterable[CountedMove], claim: str, at: datetime) -> tuple[CountedMove, ...]:
    """The moves with this one among them."""
    kept = tuple(counted)
    if any(each.claim == claim for each in kept):
        return merged(kept)
    return merged(kept, (CountedMove(at=at, claim=claim),))


def cut_off(stands: Iterable[tuple[int, str, bool]], claim: str) -> frozenset[str]:
    """Claims of moves that were interrupted, and that the move with this claim begins anew.

    `stands`: generation, claim, and whether its move is still open, of each record that was read.
    """
    listed = tuple(stands)
    newest = max((generation for generation, _, _ in listed), default=0)
    closed = {each for _, each, is_open in listed if not is_open}
    opened = {each for at, each, is_open in listed if is_open and at == newest}
    return frozenset(opened - closed - {claim})


def without(counted: Iterable[CountedMove], claims: Iterable[str]) -> tuple[CountedMove, ...]:
    """The moves but for those with one of these claims."""
    left_out = frozenset(claims)
    return tuple(each for each in counted if each.claim not in left_out)


def told(use: BudgetUse) -> str:
    """The use of a budget in a few words."""
    window = timedelta(seconds=use.window_seconds)
    text = f"{use.moves} of {use.max_failovers} moves in {_duration(window)} used"
    return f"{text}; the next one at {_shown(use.next_move_at)}" if use.next_move_at else text


def remembered(counted: Iterable[CountedMove]) -> str:
    """The counted moves in a sentence; empty where there are none."""
    moments = sorted(each.at for each in counted)
    if not moments:
        return ""
    times = "once" if len(moments) == 1 else f"{len(moments)} times"
    return f"It was moved {times}, as far as its records remember; last at {_shown(moments[-1])}."


def _exhausted(use: BudgetUse) -> str:
    window = timedelta(seconds=use.window_seconds)
    times = "once" if use.moves == 1 else f"{use.moves} times"
    return (
        f"it was moved {times} in the last {_duration(window)}, and the policy's budget allows "
        f"{use.max_failovers}: it falls ill wherever it goes, or moving is no cure"
    )


def _cooling_down(budget: Budget, use: BudgetUse) -> str:
    last = f" at {_shown(use.last_move_at)}" if use.last_move_at else ""
    return f"its last move was begun{last}, less than {budget.cool_down_seconds} s ago"


def _shown(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _duration(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    if seconds % 3600 == 0 and seconds >= 7200:
        return f"{seconds // 3600} h"
    return f"{seconds // 60} min" if seconds % 60 == 0 and seconds >= 120 else f"{seconds} s"
