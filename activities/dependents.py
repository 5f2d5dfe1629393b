"""What an application needs beside itself: planned, then created on the target before the purge."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from activities.together import Together
from failover.domain.dependents import as_dependent, compare, dependents_of, immovable
from failover.domain.errors import AlreadyExists, DefiniteError
from failover.domain.identity import ObjectRef
from failover.domain.manifest import Manifest, text
from failover.domain.marks import created_by, without_created_by
from failover.domain.plan import PlannedDependent
from failover.domain.policy import Policy
from failover.domain.record import Move
from failover.fleet import Cluster
from failover.records import NAMESPACE_KIND

DEPENDENTS_MAX = 200


class DependentConflict(DefiniteError):
    """An object that the application needs is on the target already, and differs."""


Needs = Mapping[ObjectRef, Manifest | None]
"""What an application names, as it is on its source; `None` for what is not there."""


async def needs_on(
    cluster: Cluster, policy: Policy, manifest: Manifest, *, known: Needs | None = None
) -> Needs:
    """What the application needs, read on its source; nothing unless the policy propagates it.

    What is `known`, read just now, is not read again.
    """
    if not policy.spec.propagate_deps:
        return {}
    wanted = dependents_of(manifest)
    if len(wanted) > DEPENDENTS_MAX:
        message = (
            f"{ObjectRef.of(manifest)} on {cluster.name} names {len(wanted)} dependents, of which at most {DEPENDENTS_MAX} "
            "are moved; split it, or set propagateDeps: false in a FailoverPolicy and bring them to the target yourself"
        )
        raise DefiniteError(message, reason="TooManyDependents")
    known = known or {}
    read = await find_all(cluster, [each for each in wanted if each not in known])
    return {each: known[each] if each in known else read[each] for each in wanted}


async def find_all(cluster: Cluster, refs: Sequence[ObjectRef]) -> Needs:
    """These objects, side by side; `None` for what is not there."""
    found = await asyncio.gather(
        *(cluster.find(each.group_kind, each.namespace, each.name) for each in refs)
    )
    return dict(zip(refs, found, strict=True))


def needs_of_record(move: Move) -> Needs:
    """What the application needs, as it was captured."""
    return {ObjectRef.of(each): each for each in move.dependents}


async def plan_dependents(
    cluster: Cluster, policy: Policy, needs: Needs
) -> tuple[PlannedDependent, ...]:
    """What will be done about each dependent on this target. Raises `DependentConflict`."""
    planned = await asyncio.gather(
        *(_plan_one(cluster, policy, ref, each) for ref, each in needs.items())
    )
    return tuple(each for each in planned if each is not None)


async def _plan_one(
    cluster: Cluster, policy: Policy, ref: ObjectRef, wanted: Manifest | None
) -> PlannedDependent | None:
    if wanted is None:
        return PlannedDependent(ref=ref, action="Missing")
    if immovable(wanted) is not None:
        return None
    there = await cluster.find(ref.group_kind, ref.namespace, ref.name)
    if there is None:
        return PlannedDependent(ref=ref, action="Create")
    differences = compare(as_dependent(wanted, failover=""), there)
    if not differences:
        return PlannedDependent(ref=ref, action="Keep")
    if policy.spec.conflict_resolution == "Overwrite":
        return PlannedDependent(ref=ref, action="Overwrite")
    message = (
        f"{ref} is on {cluster.name} already and differs in {', '.join(differences)}; make them equal, delete the one "
        "there, or set conflictResolution: Overwrite"
    )
    raise DependentConflict(message)


def movable(needs: Needs, failover: str) -> tuple[Manifest, ...]:
    """The dependents as they will be created on a target, marked as ours."""
    kept = (each for each in needs.values() if each is not None and immovable(each) is None)
    return tuple(as_dependent(each, failover=failover) for each in kept)


async def namespace_is_there(cluster: Cluster, namespace: str) -> bool:
    """Whether the namespace exists; what has none needs none."""
    return not namespace or await cluster.find(NAMESPACE_KIND, "", namespace) is not None


async def create_namespace(cluster: Cluster, namespace: str) -> None:
    """Create the namespace, unless somebody was faster."""
    try:
        await cluster.create(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        )
    except AlreadyExists:
        return  # what counts is that it is there


async def create_dependents(
    cluster: Cluster, policy: Policy, dependents: tuple[Manifest, ...]
) -> None:
    """Create each dependent that is absent, side by side; equal ones are kept."""
    async with Together() as writes:
        for each in dependents:
            writes.begin(_ensure(cluster, policy, each))


async def _ensure(cluster: Cluster, policy: Policy, wanted: Manifest) -> None:
    ref = ObjectRef.of(wanted)
    try:
        await cluster.create(wanted)
    except AlreadyExists:
        there = await cluster.find(ref.group_kind, ref.namespace, ref.name)
        if there is None or not compare(wanted, there):
            return
        if policy.spec.conflict_resolution != "Overwrite":
            message = f"{ref} on {cluster.name} was created or changed after the plan, and differs"
            raise DependentConflict(message) from None
        # what was somebody's before is not ours to take away again, whatever is in it now
        ours = wanted if created_by(there) else without_created_by(wanted)
        replacement = {**ours, "metadata": {**ours["metadata"]}}
        for key in ("resourceVersion", "uid"):
            replacement["metadata"][key] = text(there, "metadata", key)
        await cluster.replace(replacement)
