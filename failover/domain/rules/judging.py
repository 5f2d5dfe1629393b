"""From a rule and an evaluator to a judge, as the catalogue has one for each kind.

Whatever keeps a rule from giving a verdict is `Unknown` with a reason: an expression that fails, one
that is stopped because it costs too much, none that is true. A rule never falls back to the built-in
verdict: whoever wrote it wanted another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from failover.domain.health import Health, owned_kinds, ways_when_ill
from failover.domain.health.entries import Judge, Way
from failover.domain.health.verdict import (
    Verdict,
    called,
    finished,
    healthy,
    progressing,
    quoted,
    starting,
    suspended,
    unhealthy,
    unknown,
    user_error,
)
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest
from failover.domain.rules.model import HealthClause, HealthRule, HealthRuleSpec, VerdictWord


@dataclass(frozen=True)
class Applies:
    """This expression is the first that is true."""

    index: int


@dataclass(frozen=True)
class NoneApplies:
    """None is true."""


@dataclass(frozen=True)
class CannotTell:
    """No answer, and why."""

    reason: str
    message: str


Answer: TypeAlias = Applies | NoneApplies | CannotTell
Evaluate = Callable[[tuple[str, ...], Manifest, Sequence[Manifest]], Answer]
"""Which of the expressions is the first to be true of an object and what it owns. Never raises."""

_VERDICTS: dict[VerdictWord, Verdict] = {
    "Healthy": healthy,
    "Finished": finished,
    "Suspended": suspended,
    "Unhealthy": unhealthy,
    "Starting": starting,
    "Progressing": progressing,
    "UserError": user_error,
    "Unknown": unknown,
}


def ruled(rule: HealthRule, evaluate: Evaluate) -> Judge:
    """The judge that this rule is."""

    def judge(workload: Manifest, owned: Sequence[Manifest] | None) -> Health:
        name = called(workload)
        if owned is None and rule.owned_kinds:
            kinds = ", ".join(str(each) for each in rule.owned_kinds)
            return unknown("OwnedNotSeen", f"{name}: {rule} asks what it owns ({kinds}): not seen")
        answer = evaluate(rule.expressions, workload, owned or ())
        match answer:
            case Applies(index):
                return _given(rule.spec.rules[index], name)
            case NoneApplies():
                return unknown(
                    "NoClauseApplies", f"{name}: no clause of {rule} is true; add one for this case"
                )
            case CannotTell(reason, message):
                return unknown(reason, f"{name}: {rule}: {message}")
            case _:
                assert_never(answer)

    return judge


def looked_at(kind: GroupKind, rule: HealthRule | None) -> tuple[GroupKind, ...]:
    """What must be looked at to judge this kind, by its own rule or by the catalogue's."""
    return owned_kinds(kind) if rule is None else rule.owned_kinds


def looked_at_when_ill(kind: GroupKind, rule: HealthRule | None) -> tuple[Way, ...]:
    """The ways to what tells whose fault an illness is; a rule of somebody's own names all that it asks."""
    return ways_when_ill(kind) if rule is None else ()


def agreed(rules: Iterable[HealthRule]) -> Iterator[HealthRule]:
    """One rule for each kind; where several mean the same kind, one that can tell nothing.

    None of them may win by chance, nor the built-in rule, which all of them were to replace.
    """
    by_kind: dict[GroupKind, list[HealthRule]] = {}
    for each in rules:
        by_kind.setdefault(each.target, []).append(each)
    for found in by_kind.values():
        if len(found) == 1 or len(set(found)) == 1:
            yield found[0]
        else:
            name = " and ".join(sorted({each.name for each in found}))
            spec = HealthRuleSpec(target=found[0].spec.target)
            yield HealthRule(name=f"{name} (several for one kind)", spec=spec)


def _given(clause: HealthClause, name: str) -> Health:
    told = quoted(clause.message) or f"{clause.verdict} by its rule"
    return _VERDICTS[clause.verdict](clause.reason, f"{name}: {told}")
