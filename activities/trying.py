"""Asking what would be in the way, without a change: would a target take the copy, and clusters the record?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from failover.domain.errors import FailoverError, Forbidden, NotFound
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, namespace_of
from failover.domain.marks import Mark, with_mark
from failover.domain.plan import Warn
from failover.fleet import Cluster
from failover.records import NAMESPACE_KIND, RecordNamespaceMissing, check_namespace


async def dry_run(
    cluster: Cluster, wanted: Manifest, failover: str, labels: Mapping[str, str]
) -> bool:
    """Whether it could be tried: not in a namespace that is still to be created. Raises the refusal."""
    mark = Mark(failover=failover, generation=1, state=dict(labels))
    try:
        await cluster.create(with_mark(wanted, mark), dry_run=True)
    except NotFound:
        if await cluster.find(NAMESPACE_KIND, "", namespace_of(wanted)) is not None:
            raise
        return False
    return True


async def try_out(
    cluster: Cluster, wanted: Manifest, failover: str, labels: Mapping[str, str], *, observes: bool
) -> tuple[bool, tuple[Warn, ...]]:
    """As `dry_run`; whoever only observes needs no right to create, and is told what was not tried."""
    try:
        return await dry_run(cluster, wanted, failover, labels), ()
    except Forbidden as refusal:
        # Missing rights and a denial by admission are both a 403; only a review tells them apart.
        if not observes or await cluster.allowed(
            GroupKind.of(wanted), "create", namespace_of(wanted)
        ):
            raise
        message = (
            f"whether {cluster.name} would take the copy was not tried, for want of a mover's rights "
            f"(`failover rbac --role mover`): {refusal.message}"
        )
        return False, (Warn(reason="DryRunNotAllowed", message=message),)


async def without_records(clusters: Iterable[Cluster]) -> tuple[Warn, ...]:
    """Which of these would block the capture, for want of the namespace of the records."""

    async def missing(cluster: Cluster) -> Warn | None:
        try:
            await check_namespace(cluster)
        except RecordNamespaceMissing as error:
            return Warn(reason=error.reason, message=error.message)
        except FailoverError:
            return None  # a plan needs no answer to this
        return None

    found = await asyncio.gather(*map(missing, clusters))
    return tuple(each for each in found if each is not None)
