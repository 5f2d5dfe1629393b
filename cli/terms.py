"""New terms for a failover that is under way: what the policies of `replan -f` say about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cli.context import surroundings
from cli.policies import load, policy_of
from cli.topology import look
from failover.domain.errors import FailoverError, InvalidInput
from failover.domain.identity import ApplicationRef
from failover.domain.manifest import labels_of
from failover.domain.overrides import Override
from failover.domain.policy import Policy


@dataclass(frozen=True)
class Terms:
    """A policy and override policies; `None` for what is to stay as it is."""

    policy: Policy | None = None
    overrides: tuple[Override, ...] | None = None


async def terms_of(places: Sequence[str], application: ApplicationRef) -> Terms:
    """The policy and the override policies about the application; what they have none of stays.

    Selectors by label are tried on the object, where it is seen.
    """
    policies = await load(places)
    if not policies.policies and not policies.overrides:
        raise InvalidInput(f"{', '.join(places)}: there is neither a policy nor an override policy")
    labels = await _labels(application)
    return Terms(
        policy_of(policies, application, labels) if policies.policies else None,
        policies.overrides_of(application, labels) if policies.overrides else None,
    )


async def _labels(application: ApplicationRef) -> dict[str, str]:
    try:
        async with surroundings().fleet() as fleet:
            places = await look(fleet, application)
    except FailoverError:
        return {}  # selectors by name still tell
    nothing: dict[str, str] = {}
    return next((labels_of(each.manifest) for each in places if each.manifest), nothing)
