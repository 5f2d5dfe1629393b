"""Whose fault an illness is: what lies deeper than an application's health, listed for many at once.

A list for each level and scope, never a read for each application, and none where nobody is ill.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping

from failover.domain.errors import FailoverError, Forbidden, UnknownKind
from failover.domain.health import ways_when_ill
from failover.domain.identity import ApplicationRef
from failover.domain.manifest import Manifest, owner_uids_of, uid_of
from failover.domain.policy.scopes import Scope
from failover.fleet import Cluster

ASKED_SECONDS_MAX = 10.0


async def found_deeper(
    cluster: Cluster, scope: Scope, roots: Mapping[str, ApplicationRef]
) -> Mapping[ApplicationRef, list[Manifest]]:
    """What lies below these uids, by whom it works for; nothing where nobody may look."""
    found: dict[ApplicationRef, list[Manifest]] = defaultdict(list)
    try:
        for way in ways_when_ill(scope.kind):
            above = roots
            for kind in way:
                level = await _children(cluster, Scope(kind, scope.namespace), above)
                for manifest, application in level:
                    found[application].append(manifest)
                above = {uid_of(manifest): application for manifest, application in level}
    except (Forbidden, UnknownKind):
        return {}
    return found


async def found_deeper_soon(
    cluster: Cluster, scope: Scope, roots: Mapping[str, ApplicationRef]
) -> Mapping[ApplicationRef, list[Manifest]]:
    """The same, and nothing where the cluster does not answer soon: then the illness counts as it is."""
    try:
        async with asyncio.timeout(ASKED_SECONDS_MAX):
            return await found_deeper(cluster, scope, roots)
    except (FailoverError, TimeoutError):
        return {}


async def _children(
    cluster: Cluster, scope: Scope, owners: Mapping[str, ApplicationRef]
) -> list[tuple[Manifest, ApplicationRef]]:
    if not owners:
        return []

    def keep(manifest: Manifest) -> tuple[Manifest, ApplicationRef] | None:
        owner = next((each for each in owner_uids_of(manifest) if each in owners), None)
        return (manifest, owners[owner]) if owner is not None else None

    return list(filter(None, await cluster.sift(scope.kind, keep, scope.namespace)))
