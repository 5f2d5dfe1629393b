"""Taking alias labels off a copy: exactly ours, and only from the copy that is meant."""

from __future__ import annotations

from collections.abc import Container, Mapping

from activities.seeing import find_application
from activities.sweeping import Guard
from failover.domain.errors import Conflict, Invalid, NotFound
from failover.domain.identity import ApplicationRef
from failover.domain.manifest import labels_of, uid_of
from failover.domain.marks import GENERATION, mark_of
from failover.domain.overrides.patching import escape
from failover.fleet import Cluster


async def release(
    cluster: Cluster,
    application: ApplicationRef,
    uid: str,
    labels: Mapping[str, str],
    generations: Container[int],
    may_write: Guard,
) -> None:
    """Take these labels off the copy of these generations; a mismatch means released already, or newer."""
    manifest = await find_application(cluster, application)
    if manifest is None or uid_of(manifest) != uid:
        return
    ours = {key: value for key, value in labels.items() if labels_of(manifest).get(key) == value}
    mark = mark_of(manifest)
    if not ours or mark is None or mark.generation not in generations:
        return
    operations = [
        {"op": "test", "path": "/metadata/uid", "value": uid},
        {
            "op": "test",
            "path": f"/metadata/annotations/{escape(GENERATION)}",
            "value": str(mark.generation),
        },
        *(
            {"op": "test", "path": f"/metadata/labels/{escape(key)}", "value": value}
            for key, value in ours.items()
        ),
        *({"op": "remove", "path": f"/metadata/labels/{escape(key)}"} for key in ours),
    ]
    await may_write()
    try:
        await cluster.patch(
            application.group_kind, application.namespace, application.name, operations
        )
    except (Conflict, NotFound, Invalid) as error:
        if isinstance(error, Invalid) and not await _released(cluster, application, labels):
            raise
        return


async def _released(
    cluster: Cluster, application: ApplicationRef, labels: Mapping[str, str]
) -> bool:
    manifest = await find_application(cluster, application)
    return manifest is None or not any(
        labels_of(manifest).get(key) == value for key, value in labels.items()
    )
