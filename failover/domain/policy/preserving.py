"""What a policy's `statePreservation` may get wrong, found before anything depends on it."""

from __future__ import annotations

from collections.abc import Iterator

from failover.domain.errors import FailoverError
from failover.domain.jsonpath import Template
from failover.domain.policy.model import ApplicationFailover
from failover.domain.policy.problems import Finding, error, warning
from failover.domain.preservation import validate_alias


def check_preservation(application: ApplicationFailover, place: str) -> Iterator[Finding]:
    """Whether each rule can be carried out, and none takes another's label."""
    preservation = application.state_preservation
    if preservation is None:
        return
    here = f"{place}.statePreservation.rules"
    if not preservation.rules:
        message = "is empty, so nothing is preserved; write a rule, or take statePreservation out."
        yield error(here, "EmptyRules", message)
    seen: dict[str, int] = {}
    for index, rule in enumerate(preservation.rules):
        alias = rule.alias_label_name
        if alias in seen:
            message = (
                f"{alias!r} is the label of rule {seen[alias]} already; each rule needs its own."
            )
            yield error(f"{here}[{index}].aliasLabelName", "DuplicateAlias", message)
        seen.setdefault(alias, index)
        yield from _check_alias(alias, f"{here}[{index}].aliasLabelName")
        yield from _check_path(rule.json_path, f"{here}[{index}].jsonPath")


def _check_alias(alias: str, place: str) -> Iterator[Finding]:
    try:
        validate_alias(alias)
    except FailoverError as problem:
        yield error(place, problem.reason, f"{problem.message}.")


def _check_path(text: str, place: str) -> Iterator[Finding]:
    try:
        template = Template.parse(text)
    except FailoverError as problem:
        yield error(place, problem.reason, f"{problem.message}.")
        return
    if template.is_constant:
        message = (
            f"{text!r} has no braces, so it is this very text for every object; write {{{text}}}."
        )
        yield warning(place, "ConstantPath", message)
