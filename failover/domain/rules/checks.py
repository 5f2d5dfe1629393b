"""What a well-formed rule may still get wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator

from failover.domain.closure import CLOSURE_KINDS
from failover.domain.health import support_of
from failover.domain.health.catalogue import CATALOGUE
from failover.domain.policy.problems import Finding, error, warning
from failover.domain.rules.expressions import problem_of
from failover.domain.rules.model import HealthClause, HealthRule

CLAUSES_MAX = 50
MESSAGE_LENGTH_MAX = 200

_TOKEN = re.compile(r"[A-Z][A-Za-z0-9]{0,62}")


def check_rule(rule: HealthRule) -> Iterator[Finding]:
    """Everything that is wrong with the rule, or that a person should know about it."""
    spec = rule.spec
    if not spec.target.kind:
        yield error("spec.target.kind", "Missing", "is missing: the kind that the rule judges.")
    elif rule.target in CATALOGUE:
        level = support_of(rule.target).value.lower()
        message = f"{rule.target} has a built-in rule ({level}), which this one replaces."
        yield warning("spec.target", "ReplacesBuiltIn", message)
    for index, kind in enumerate(rule.owned_kinds):
        if kind not in CLOSURE_KINDS:
            allowed = ", ".join(str(each) for each in CLOSURE_KINDS)
            message = f"is {kind}; what is looked at beside an object is one of {allowed}."
            yield error(f"spec.owned[{index}]", "OwnedKind", message)
    if not spec.rules:
        yield error("spec.rules", "Missing", "is empty, so the rule says nothing.")
    if len(spec.rules) > CLAUSES_MAX:
        message = f"has {len(spec.rules)} clauses; {CLAUSES_MAX} are allowed."
        yield error("spec.rules", "TooMany", message)
        return
    for index, clause in enumerate(spec.rules):
        yield from _check_clause(clause, f"spec.rules[{index}]")


def _check_clause(clause: HealthClause, place: str) -> Iterator[Finding]:
    if problem := problem_of(clause.when):
        yield error(f"{place}.when", "NotAnExpression", problem)
    if not _TOKEN.fullmatch(clause.reason):
        message = f"{clause.reason[:80]!r} is no CamelCase token, as in DiskFull."
        yield error(f"{place}.reason", "NotAToken", message)
    if len(clause.message) > MESSAGE_LENGTH_MAX:
        message = f"has {len(clause.message)} characters; {MESSAGE_LENGTH_MAX} are allowed."
        yield error(f"{place}.message", "TooLong", message)
