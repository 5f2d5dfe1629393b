"""A look at all applications under protection: lists by kind, namespace and cluster, never one read for each.

Lists come page by page from a quorum; of each page only what is protected is kept. A list from the API
server's cache (`resourceVersion=0`) would be cheaper for it, but comes whole, whatever its size.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from failover.domain.errors import FailoverError, Forbidden, UnknownKind
from failover.domain.health import Health, judge, may_be_its_own_fault, owned_kinds
from failover.domain.identity import ApplicationRef, GroupKind
from failover.domain.manifest import Manifest, name_of, namespace_of, owner_uids_of, uid_of
from failover.domain.marks import mark_of
from failover.domain.policy.scopes import Scope
from failover.domain.record import (
    LABEL,
    NAMESPACE,
    OPEN_LABEL,
    application_of,
    generation_of,
    home_of,
)
from failover.domain.rules import HealthRule, looked_at, looked_at_when_ill
from failover.domain.sighting import is_left_alone
from failover.domain.sweeping import Copy, OpenMove, Seen, newer
from failover.expressions.asking import judge_by
from failover.fleet import Cluster, Fleet
from failover.kube.lean import lean
from failover.records import SECRET
from triggers.blaming import found_deeper
from triggers.sharing import shared

Rules = Mapping[ApplicationRef, HealthRule | None]
"""What is protected, and how each is judged."""

NAMESPACES_MAX = 20
"""Of a kind in more namespaces than these, all namespaces are listed at once, where that is allowed."""
LISTS_AT_ONCE = 4
JUDGED_AT_ONCE = 100


@dataclass
class Survey:
    """What was seen, as it comes in."""

    copies: dict[ApplicationRef, list[Copy]] = field(
        default_factory=lambda: defaultdict[ApplicationRef, list[Copy]](list)
    )
    open_moves: dict[ApplicationRef, OpenMove] = field(
        default_factory=dict[ApplicationRef, OpenMove]
    )
    blind: dict[tuple[GroupKind, str], set[str]] = field(
        default_factory=lambda: defaultdict[tuple[GroupKind, str], set[str]](set)
    )
    """Clusters that did not show a kind in a namespace (empty: in all)."""
    errors: Counter[str] = field(default_factory=Counter[str])

    def of(self, application: ApplicationRef) -> Seen:
        """What was seen of one application."""
        kind = application.group_kind
        places = ((kind, application.namespace), (kind, ""))
        blind = frozenset[str]().union(*(self.blind.get(each, ()) for each in places))
        copies = tuple(self.copies.get(application, ()))
        return Seen(copies, blind, self.open_moves.get(application))


async def survey(fleet: Fleet, rules: Rules) -> Survey:
    """Look at all of them, and for moves that are open; what cannot be seen is noted."""
    found = Survey()
    bound = asyncio.Semaphore(LISTS_AT_ONCE)

    async def look(cluster: Cluster, scope: Scope) -> None:
        async with bound:
            await _look(found, cluster, scope, rules)

    async def look_for_moves(cluster: Cluster) -> None:
        async with bound:
            await _look_for_moves(found, cluster)

    clusters = [fleet.cluster(each.name) for each in fleet.facts]
    await asyncio.gather(
        *(look_for_moves(cluster) for cluster in clusters),
        *(look(cluster, scope) for cluster in clusters for scope in scopes_of(rules)),
    )
    return found


def scopes_of(rules: Rules) -> list[Scope]:
    """What has to be listed to see all of them."""
    namespaces: dict[GroupKind, set[str]] = defaultdict(set)
    for each in rules:
        namespaces[each.group_kind].add(each.namespace)
    return [
        Scope(kind, namespace)
        for kind, found in sorted(namespaces.items())
        for namespace in (sorted(found) if len(found) <= NAMESPACES_MAX else ("",))
    ]


async def _look(found: Survey, cluster: Cluster, scope: Scope, rules: Rules) -> None:
    try:
        manifests = await _workloads(cluster, scope, rules)
    except UnknownKind:
        return  # not served there, so none of it is there
    except FailoverError as error:
        if isinstance(error, Forbidden) and not scope.namespace:
            for each in _namespaces(scope.kind, rules):
                await _look(found, cluster, Scope(scope.kind, each), rules)
            return
        found.errors[error.reason] += 1
        found.blind[scope.kind, scope.namespace].add(cluster.name)
        return
    try:
        healths = await _healths(cluster, scope, manifests, rules)
    except FailoverError as error:
        found.errors[error.reason] += 1
        found.blind[scope.kind, scope.namespace].add(cluster.name)
        return
    for application, manifest in manifests.items():
        mark = mark_of(manifest)
        generation = mark.generation if mark is not None else 0
        copy = Copy(cluster.name, uid_of(manifest), generation, shared(healths[application]))
        found.copies[application].append(copy)


async def _healths(
    cluster: Cluster, scope: Scope, manifests: Mapping[ApplicationRef, Manifest], rules: Rules
) -> dict[ApplicationRef, Health]:
    """The verdict on each; of those that are ill, once more with what says whose fault that is."""
    owned = await _owned(cluster, scope, manifests, rules)
    healths: dict[ApplicationRef, Health] = {}
    looked: dict[ApplicationRef, list[Manifest] | None] = {}
    for number, (application, manifest) in enumerate(manifests.items(), start=1):
        rule = rules[application]
        theirs = owned.get(uid_of(manifest), []) if owned is not None else None
        looked[application] = theirs if looked_at(scope.kind, rule) else None
        healths[application] = judge(manifest, looked[application], judge_by(rule))
        if number % JUDGED_AT_ONCE == 0:
            await asyncio.sleep(0)  # the worker has other things to do as well
    ill = {
        each: (looked[each] or ()) if owned_kinds(scope.kind) else (manifests[each],)
        for each, health in healths.items()
        if looked_at_when_ill(scope.kind, rules[each]) and may_be_its_own_fault(health)
    }
    roots = {uid_of(one): each for each, above in ill.items() for one in above}
    for each, deeper in (await found_deeper(cluster, scope, roots)).items():
        healths[each] = judge(manifests[each], looked[each], deeper=deeper)
    return healths


def _namespaces(kind: GroupKind, rules: Rules) -> list[str]:
    """The namespaces of a kind; none where it has no namespace."""
    return sorted({each.namespace for each in rules if each.group_kind == kind} - {""})


async def _workloads(
    cluster: Cluster, scope: Scope, rules: Rules
) -> dict[ApplicationRef, Manifest]:
    kind = scope.kind

    def keep(manifest: Manifest) -> tuple[ApplicationRef, Manifest] | None:
        application = ApplicationRef(
            group=kind.group,
            kind=kind.kind,
            namespace=namespace_of(manifest),
            name=name_of(manifest),
        )
        if application not in rules or is_left_alone(manifest):
            return None
        return application, lean(manifest)

    return dict(filter(None, await cluster.sift(kind, keep, scope.namespace)))


async def _owned(
    cluster: Cluster, scope: Scope, manifests: Mapping[ApplicationRef, Manifest], rules: Rules
) -> dict[str, list[Manifest]] | None:
    """What they own, by the owner's uid; `None` where nobody may look."""
    kinds = {each for one in manifests for each in looked_at(scope.kind, rules[one])}
    uids = {uid_of(each) for each in manifests.values()}
    owned: dict[str, list[Manifest]] = defaultdict(list)

    def keep(manifest: Manifest) -> None:
        for uid in owner_uids_of(manifest) & uids:
            owned[uid].append(lean(manifest))

    try:
        for kind in sorted(kinds):
            await cluster.sift(kind, keep, scope.namespace)
    except (Forbidden, UnknownKind):
        return None
    return owned


async def _look_for_moves(found: Survey, cluster: Cluster) -> None:
    selector = f"{LABEL}=true,{OPEN_LABEL}=true"

    def keep(head: Manifest) -> tuple[ApplicationRef, OpenMove] | None:
        application = application_of(head)
        if application is None:
            return None
        return application, OpenMove(home_of(head), cluster.name, generation_of(head))

    try:
        heads = await cluster.sift(
            SECRET, keep, NAMESPACE, label_selector=selector, metadata_only=True
        )
    except FailoverError as error:
        found.errors[error.reason] += 1
        return
    for application, move in filter(None, heads):
        found.open_moves[application] = newer(found.open_moves.get(application), move)
