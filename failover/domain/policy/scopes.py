"""Where the applications are that policies mean: kinds, narrowed to namespaces where they say so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from failover.domain.identity import ApplicationRef, GroupKind
from failover.domain.policy.model import Policy


@dataclass(frozen=True, order=True)
class Scope:
    """All objects of a kind in a namespace; an empty namespace means all of them."""

    kind: GroupKind
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.kind} in {self.namespace or 'all namespaces'}"


def scopes_of(policies: Iterable[Policy]) -> frozenset[Scope]:
    """What must be looked at to see every application of these policies, and nothing twice."""
    scopes = {scope for policy in policies for scope in _scopes(policy)}
    whole = {each.kind for each in scopes if not each.namespace}
    return frozenset(each for each in scopes if not each.namespace or each.kind not in whole)


def with_applications(
    scopes: frozenset[Scope], applications: Iterable[ApplicationRef]
) -> frozenset[Scope]:
    """The scopes, and what else must be looked at to see these applications; nothing twice."""
    whole = {each.kind for each in scopes if not each.namespace}
    more = {Scope(each.group_kind, each.namespace) for each in applications}
    return scopes | {each for each in more if each.kind not in whole}


def _scopes(policy: Policy) -> Iterator[Scope]:
    if policy.application is None:
        return  # it moves nothing
    for selector in policy.spec.resource_selectors:
        if policy.namespace and selector.namespace not in {"", policy.namespace}:
            continue  # a policy means nothing outside its own namespace
        yield Scope(selector.group_kind, selector.namespace or policy.namespace)
