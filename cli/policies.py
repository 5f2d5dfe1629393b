"""Policy files as the verbs that act take them: everything in them must be usable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cli.files import policy_files, read_text, shown
from cli.printing import tell
from failover.domain.errors import InvalidInput
from failover.domain.identity import ApplicationRef
from failover.domain.policy import Policy
from failover.domain.policy.matching import Ambiguous, NoPolicy
from failover.domain.policy.problems import Problem
from failover.domain.policy.reading import Reading, read_policies
from triggers.policies import PolicySet

_PASSED_OVER = "NotAPolicy"


def load(paths: Sequence[str]) -> PolicySet:
    """Policies and overrides of all files. Raises `InvalidInput` with the first error; tells the others."""
    reading = Reading()
    for file in policy_files(paths):
        reading += read_policies(read_text(file), shown(file))
    for each in reading.warnings:
        if each.reason != _PASSED_OVER:
            tell(str(each), style="yellow")
    if reading.errors:
        first, *others = reading.errors
        for other in others:
            tell(str(other), style="red")
        raise InvalidInput(_without_severity(first), reason=first.reason)
    return PolicySet(reading.policies, reading.overrides, reading.problems, reading.rules)


def policy_of(
    policies: PolicySet, application: ApplicationRef, labels: Mapping[str, str]
) -> Policy:
    """The one policy about the application. Raises `InvalidInput` where there is none, or several."""
    found = policies.about(application, labels)
    if isinstance(found, NoPolicy | Ambiguous):
        raise InvalidInput(found.message, reason=found.reason)
    if found.spec.failover is None or found.spec.failover.application is None:
        message = (
            f"{found} is about {application}, but has no spec.failover.application, so it moves nothing; "
            "add it, with purgeMode and decisionConditions"
        )
        raise InvalidInput(message)
    return found


def _without_severity(problem: Problem) -> str:
    """The problem as an error's message: `error:` stands before it already."""
    return str(problem).replace(": error: ", ": ", 1)
