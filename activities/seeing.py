"""How an application is looked at: its object in a quorum read, what it owns through a shared watch.

What a decision to move hangs on is never taken from the watch alone: children that it names are read
again, and where it names none, that is confirmed by a list. What speaks for leaving it where it is (whose
fault the pods say it is) may come from the watch: that is wrong for a moment at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from failover.domain.closure import OwnedRef, closure
from failover.domain.errors import ClusterUnreachable, Forbidden, TransientError, UnknownKind
from failover.domain.health import Health, HealthStatus, judge, may_be_its_own_fault
from failover.domain.health.entries import Way
from failover.domain.identity import ApplicationRef, GroupKind
from failover.domain.manifest import Manifest, name_of, namespace_of, owner_uids_of, uid_of
from failover.domain.rules import HealthRule, looked_at, looked_at_when_ill
from failover.expressions.asking import judge_by
from failover.fleet import Cluster

FOLLOW_SECONDS_MAX = 10.0


async def find_application(cluster: Cluster, application: ApplicationRef) -> Manifest | None:
    """The application's object on this cluster, from a quorum."""
    return await cluster.find(application.group_kind, application.namespace, application.name)


async def children_seen(
    cluster: Cluster, kind: GroupKind, namespace: str, owner_uid: str
) -> list[Manifest]:
    """What the shared watch knows of this kind with this owner."""
    if (known := cluster.known(kind, namespace, owner_uid)) is not None:
        return list(known)
    found: list[Manifest] = []
    try:
        async with (
            asyncio.timeout(FOLLOW_SECONDS_MAX),
            cluster.follow(kind, namespace, owner_uid=owner_uid) as changes,
        ):
            async for change in changes:
                if change.type == "Present":
                    found.append(change.manifest)
                elif change.type == "Synced":
                    return found
                elif change.type == "Stale":
                    break
    except TimeoutError:
        pass  # the watch does not come up; the list below answers or says why
    return [
        each for each in await cluster.list(kind, namespace) if owner_uid in owner_uids_of(each)
    ]


async def children_now(
    cluster: Cluster, kind: GroupKind, namespace: str, owner_uid: str
) -> list[Manifest]:
    """The owned objects of this kind as a quorum has them now."""
    seen = await children_seen(cluster, kind, namespace, owner_uid)
    if not seen:
        return [
            each for each in await cluster.list(kind, namespace) if owner_uid in owner_uids_of(each)
        ]
    fresh = await asyncio.gather(
        *(cluster.find(kind, namespace_of(each), name_of(each)) for each in seen)
    )
    return [each for each in fresh if each is not None and owner_uid in owner_uids_of(each)]


async def owned_now(
    cluster: Cluster, kind: GroupKind, namespace: str, uid: str, rule: HealthRule | None = None
) -> list[Manifest] | None:
    """What the health of this object is checked against; `None` where nothing is, or it cannot be seen."""
    kinds = looked_at(kind, rule)
    if not kinds:
        return None
    try:
        lists = await asyncio.gather(
            *(children_now(cluster, child, namespace, uid) for child in kinds)
        )
    except (Forbidden, UnknownKind):
        return None  # nobody may look: then absence of evidence is not held against it
    return [each for found in lists for each in found]


async def health_now(
    cluster: Cluster,
    manifest: Manifest,
    rule: HealthRule | None = None,
    *,
    whose_fault: bool = True,
) -> Health:
    """The verdict on the object, from quorum reads; by the rule that somebody wrote, if there is one.

    Where it is ill, and `whose_fault` matters, what lies deeper is asked as well.
    """
    kind, namespace = GroupKind.of(manifest), namespace_of(manifest)
    owned = await owned_now(cluster, kind, namespace, uid_of(manifest), rule)
    health = judge(manifest, owned, judge_by(rule))
    ways = looked_at_when_ill(kind, rule)
    if not (ways and whose_fault and may_be_its_own_fault(health)):
        return health
    roots = (owned or ()) if looked_at(kind, rule) else (manifest,)
    deeper = await _deeper_seen(cluster, namespace, [uid_of(each) for each in roots], ways)
    return judge(manifest, owned, deeper=deeper)


async def _deeper_seen(
    cluster: Cluster, namespace: str, roots: Sequence[str], ways: Sequence[Way]
) -> list[Manifest]:
    """What the shared watches have on these ways down from these owners; nothing where nobody may look."""
    try:
        found = [await _seen_on(way, cluster, namespace, roots) for way in ways]
    except (Forbidden, UnknownKind):
        return []
    return [each for one in found for each in one]


async def _seen_on(
    way: Way, cluster: Cluster, namespace: str, owners: Sequence[str]
) -> list[Manifest]:
    """Level by level."""
    found: list[Manifest] = []
    for kind in way:
        lists = await asyncio.gather(
            *(children_seen(cluster, kind, namespace, owner) for owner in owners)
        )
        level = [each for children in lists for each in children]
        owners = [uid_of(each) for each in level]
        found += level
    return found


async def closure_of(
    cluster: Cluster, namespace: str, root_uid: str, kinds: Sequence[GroupKind]
) -> tuple[OwnedRef, ...]:
    """The transitive closure from the shared watches, level by level."""
    return closure(root_uid, await family_of(cluster, namespace, root_uid, kinds))


async def family_of(
    cluster: Cluster, namespace: str, root_uid: str, kinds: Sequence[GroupKind]
) -> list[Manifest]:
    """The objects of the transitive closure."""
    objects: dict[str, Manifest] = {}
    waiting = [root_uid]
    while waiting:
        owners = list(waiting)
        waiting.clear()
        asked = [(owner, kind) for owner in owners for kind in kinds]
        lists = await asyncio.gather(
            *(_children_if_served(cluster, kind, namespace, owner) for owner, kind in asked)
        )
        for each in (each for found in lists for each in found):
            if uid_of(each) not in objects:
                objects[uid_of(each)] = each
                waiting.append(uid_of(each))
    return list(objects.values())


async def _children_if_served(
    cluster: Cluster, kind: GroupKind, namespace: str, owner: str
) -> list[Manifest]:
    try:
        return await children_seen(cluster, kind, namespace, owner)
    except UnknownKind:
        return []  # a kind that the cluster does not serve has no objects there


def unreachable_health(error: TransientError | Forbidden) -> Health:
    """Nothing can be said of an application whose cluster does not answer."""
    reason = "ClusterUnreachable" if isinstance(error, ClusterUnreachable) else error.reason
    return Health(status=HealthStatus.UNKNOWN, reason=reason, message=error.message)
