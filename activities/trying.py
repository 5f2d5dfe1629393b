"""Asking a target, admission included, whether it would take the copy, without creating it."""

from __future__ import annotations

from collections.abc import Mapping

from failover.domain.errors import NotFound
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, namespace_of
from failover.domain.marks import Mark, with_mark
from failover.fleet import Cluster

NAMESPACE_KIND = GroupKind("", "Namespace")


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
