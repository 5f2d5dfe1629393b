"""Where an application lives that somebody speaks of: its object, in quorum reads of the clusters."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from activities.seeing import find_application
from failover.domain.errors import (
    DefiniteError,
    FailoverError,
    NotFound,
    UnknownCluster,
    UnknownKind,
)
from failover.domain.identity import ApplicationRef
from failover.domain.manifest import Manifest
from failover.domain.sighting import is_left_alone
from failover.fleet import Fleet
from triggers.requesting import Found

Sighting = Manifest | FailoverError | None


class LivesOnTwoClusters(DefiniteError):
    """Copies are on several clusters, and nothing says which one is meant."""


async def locate(fleet: Fleet, application: ApplicationRef, cluster: str = "") -> Found:
    """Find the one copy that counts, on this cluster or on any.

    Raises `UnknownCluster`, `NotFound`, `LivesOnTwoClusters`, or the error of a cluster that hides it.
    """
    names = [each.name for each in fleet.facts]
    if cluster and cluster not in names:
        message = f"{fleet.name} has no cluster {cluster[:60]!r}; it has: {', '.join(names)}"
        raise UnknownCluster(message)
    asked = [cluster] if cluster else names
    seen = await asyncio.gather(*(_look(fleet, each, application) for each in asked))
    return home(application, dict(zip(asked, seen, strict=True)))


def home(application: ApplicationRef, seen: Mapping[str, Sighting]) -> Found:
    """The one copy that counts. One that is going, or that a failover has left behind, does not.

    While it is seen on one cluster, another one that does not answer hinders nothing, as with the
    watcher; only where it is seen nowhere, the error of that cluster is the answer.
    """
    living = [
        Found(application, cluster, each)
        for cluster, each in seen.items()
        if isinstance(each, dict) and not is_left_alone(each)
    ]
    if len(living) == 1:
        return living[0]
    if living:
        names = " and ".join(each.cluster for each in living)
        message = f"{application} lives on {names}; say which one with a label failover_cluster"
        raise LivesOnTwoClusters(message)
    errors = [each for each in seen.values() if isinstance(each, FailoverError)]
    if errors:
        raise _first(errors)
    raise NotFound(f"{application} is not on {' or '.join(seen)}")


def _first(errors: Sequence[FailoverError]) -> FailoverError:
    """What may be otherwise in a moment comes first: then it is worth asking again."""
    return next((each for each in errors if each.transient), errors[0])


async def _look(fleet: Fleet, cluster: str, application: ApplicationRef) -> Sighting:
    try:
        return await find_application(fleet.cluster(cluster), application)
    except UnknownKind:
        return None
    except FailoverError as error:
        return error
