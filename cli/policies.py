"""Policies as the verbs that act take them: from files, all of which must be usable, and from clusters.

A file is the work of whoever names it, so an error in it ends the verb. A cluster holds everybody's
policies: what cannot be used there is told and left out, as by everyone who follows them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cli.context import surroundings
from cli.files import policy_files, read_text, shown
from cli.printing import tell
from failover.domain.errors import InvalidInput
from failover.domain.identity import ApplicationRef
from failover.domain.policy import Policy
from failover.domain.policy.matching import Ambiguous, NoPolicy
from failover.domain.policy.places import apart
from failover.domain.policy.problems import Problem
from failover.domain.policy.reading import Reading, read_policies
from triggers.policies import PolicySet
from triggers.sources import read_once

_PASSED_OVER = "NotAPolicy"


async def load(places: Sequence[str]) -> PolicySet:
    """All that files, directories and clusters hold.

    Raises `InvalidInput` with the first error of a file, telling the others, and what hides a cluster's policies.
    """
    files, clusters = apart(places)
    reading = _of_files(files)
    for found in (await held_by(clusters)).values():
        _tell(found.warnings, style="yellow")
        _tell(found.errors, style="red")
        reading += found
    return PolicySet(reading.policies, reading.overrides, reading.problems, reading.rules)


async def held_by(clusters: Sequence[str]) -> dict[str, Reading]:
    """What each of these clusters holds, by `cluster:CONTEXT`. Raises where one of them hides it."""
    kubeconfig = surroundings().settings.kubeconfig or None
    held: dict[str, Reading] = {}
    for each in clusters:
        found = await read_once(each, kubeconfig)
        held[each] = Reading(found.policies, found.overrides, found.problems, found.rules)
    return held


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


def _of_files(paths: Sequence[str]) -> Reading:
    reading = Reading()
    for file in policy_files(paths):
        reading += read_policies(read_text(file), shown(file))
    _tell([each for each in reading.warnings if each.reason != _PASSED_OVER], style="yellow")
    if reading.errors:
        first, *others = reading.errors
        _tell(others, style="red")
        raise InvalidInput(_without_severity(first), reason=first.reason)
    return reading


def _tell(problems: Sequence[Problem], *, style: str) -> None:
    for each in problems:
        tell(str(each), style=style)


def _without_severity(problem: Problem) -> str:
    """The problem as an error's message: `error:` stands before it already."""
    return str(problem).replace(": error: ", ": ", 1)
