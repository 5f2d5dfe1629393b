"""Which applications policies mean, as the clusters have them now."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from failover.domain.errors import FailoverError, UnknownKind
from failover.domain.identity import ApplicationRef
from failover.domain.manifest import Manifest, labels_of, name_of, namespace_of
from failover.domain.policy.scopes import Scope, scopes_of
from failover.domain.sighting import is_left_alone
from failover.fleet import Fleet
from triggers.policies import PolicySet


@dataclass
class Selected:
    """The applications with their labels, and what could not be looked at."""

    applications: dict[ApplicationRef, Mapping[str, str]] = field(
        default_factory=dict[ApplicationRef, Mapping[str, str]]
    )
    errors: dict[str, FailoverError] = field(default_factory=dict[str, FailoverError])
    """By what could not be listed, in words."""


async def select(fleet: Fleet, policies: PolicySet, namespace: str = "") -> Selected:
    """All applications that a policy may mean, by listing their kinds on every cluster."""
    selected = Selected()

    async def look(cluster: str, scope: Scope) -> None:
        try:
            found = await fleet.cluster(cluster).list(scope.kind, namespace or scope.namespace)
        except UnknownKind:
            return  # served on other clusters, or on none: then nothing is found
        except FailoverError as error:
            selected.errors[f"{scope} on {cluster}"] = error
            return
        for manifest in found:
            _take(selected, policies, scope, manifest)

    scopes = [
        each
        for each in sorted(scopes_of(policies.policies))
        if not namespace or each.namespace in {"", namespace}
    ]
    await asyncio.gather(*(look(each.name, scope) for each in fleet.facts for scope in scopes))
    return selected


def _take(selected: Selected, policies: PolicySet, scope: Scope, manifest: Manifest) -> None:
    kind = scope.kind
    application = ApplicationRef(
        group=kind.group,
        kind=kind.kind,
        namespace=namespace_of(manifest),
        name=name_of(manifest),
    )
    if not is_left_alone(manifest) and policies.may_be_about(application):
        selected.applications[application] = labels_of(manifest)
