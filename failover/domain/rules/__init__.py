"""Health rules that people write themselves: what they say, how they are checked, how they judge."""

from __future__ import annotations

from failover.domain.rules.judging import (
    Answer,
    Applies,
    CannotTell,
    Evaluate,
    NoneApplies,
    agreed,
    looked_at,
    looked_at_when_ill,
    ruled,
)
from failover.domain.rules.model import HealthClause, HealthRule, HealthRuleSpec, KindRef

__all__ = [
    "Answer",
    "Applies",
    "CannotTell",
    "Evaluate",
    "HealthClause",
    "HealthRule",
    "HealthRuleSpec",
    "KindRef",
    "NoneApplies",
    "agreed",
    "looked_at",
    "looked_at_when_ill",
    "ruled",
]
