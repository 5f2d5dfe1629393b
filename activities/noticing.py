"""Leaving a notice where an application is not any more, and taking it away where it lives.

Both in the end, when the copy is healthy: nothing waits for it in between, since the guard lets
pass what a newer move creates. A notice that cannot be written ends no failover; it is told.
"""

from __future__ import annotations

from activities.sweeping import Guard
from failover.domain.dependents import CONFIG_MAP
from failover.domain.errors import AlreadyExists, Conflict, DefiniteError, NotFound
from failover.domain.identity import ApplicationRef, record_name
from failover.domain.manifest import Manifest, text, uid_of
from failover.domain.notice import Notice, noticed_generation
from failover.domain.record import NAMESPACE
from failover.fleet import Cluster


async def leave_notice(cluster: Cluster, notice: Notice, may_write: Guard) -> tuple[str, ...]:
    """Say on a cluster where the application lives; an equally new or newer notice stays."""
    try:
        there = await _find(cluster, notice.application)
    except DefiniteError as error:
        return (_failed(cluster, error),)
    if there is not None and noticed_generation(there) >= notice.generation:
        return ()
    await may_write()
    wanted = notice.to_config_map()
    try:
        if there is None:
            await cluster.create(wanted)
        else:
            version = text(there, "metadata", "resourceVersion")
            wanted["metadata"]["resourceVersion"] = version
            await cluster.replace(wanted)
    except AlreadyExists as error:
        raise Conflict(f"the notice on {cluster.name} was written meanwhile") from error
    except DefiniteError as error:
        return (_failed(cluster, error),)
    return ()


async def remove_notice(
    cluster: Cluster, application: ApplicationRef, generation: int, may_write: Guard
) -> tuple[str, ...]:
    """Take the notice away where the application lives, unless a newer move has left it."""
    try:
        there = await _find(cluster, application)
    except DefiniteError as error:
        return (_failed(cluster, error),)
    if there is None or noticed_generation(there) > generation:
        return ()
    await may_write()
    try:
        await cluster.delete(CONFIG_MAP, NAMESPACE, record_name(application), uid=uid_of(there))
    except NotFound:
        return ()
    except DefiniteError as error:
        return (_failed(cluster, error),)
    return ()


async def _find(cluster: Cluster, application: ApplicationRef) -> Manifest | None:
    return await cluster.find(CONFIG_MAP, NAMESPACE, record_name(application))


def _failed(cluster: Cluster, error: DefiniteError) -> str:
    return f"{cluster.name}: the notice for the admission guard is not up to date: {error.message}"
