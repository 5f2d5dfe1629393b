"""Where applications live now, for those who ask often: by the records on the clusters.

Every move is recorded on two clusters at least, so the newest record is seen as long as one cluster
at most hides what it knows; with more of them silent nobody is told anything, rather than something
old. Until a move is finished, home is where it was, and `moving` says so. An application without a
record has never moved, and lives where its object is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from failover.domain.errors import DefiniteError, FailoverError, NotFound, TransientError
from failover.domain.identity import ApplicationRef
from failover.domain.manifest import Manifest, text
from failover.domain.record import (
    LABEL,
    NAMESPACE,
    application_of,
    generation_of,
    home_of,
    is_open,
    state_of,
)
from failover.fleet import Cluster, Fleet
from failover.records import SECRET
from triggers.locating import locate

FRESH_SECONDS = 5.0
RECORDS_MAX = 1000
IN_FLIGHT_MAX = 20
HIDDEN_MAX = 1


class ClustersHidden(TransientError):
    """Too many clusters do not show their records, so the newest one may be among those."""


class TooManyHomes(DefiniteError):
    """More applications are meant than one answer may hold."""


@dataclass(frozen=True)
class Home:
    """Where an application lives."""

    application: ApplicationRef
    cluster: str
    generation: int = 0
    moving: bool = False
    """Whether a failover is under way, or was interrupted."""
    state: Mapping[str, str] = field(default_factory=dict[str, str])
    """The labels that its last move has carried over."""
    since: str = ""
    """When its object was created there; empty where it is not there now."""


@dataclass(frozen=True)
class Wanted:
    """Which applications somebody asks for; what is empty is any."""

    name: str = ""
    namespace: str = ""
    kind: str = ""
    """`Kind`, or `Kind.group`."""

    def means(self, application: ApplicationRef) -> bool:
        """Whether this is one of them."""
        kinds = {"", application.kind, str(application.group_kind)}
        return (
            self.name in {"", application.name}
            and self.namespace in {"", application.namespace}
            and self.kind in kinds
        )

    @property
    def is_one(self) -> bool:
        """Whether it names exactly one."""
        return bool(self.name and self.namespace and self.kind)


class Homes:
    """Reads the records, and remembers them for a few seconds."""

    def __init__(self, fleet: Fleet) -> None:
        """Nothing is read before somebody asks."""
        self._fleet = fleet
        self._one_reader = asyncio.Lock()
        self._turns = asyncio.Semaphore(IN_FLIGHT_MAX)
        self._read_at = float("-inf")
        self._known: tuple[Home, ...] = ()

    async def find(self, wanted: Wanted) -> tuple[Home, ...]:
        """Those that are meant, in a fixed order.

        Raises `ClustersHidden`, `TooManyHomes`, and for one without a record the errors of `locate`.
        """
        found = tuple(each for each in await self._records() if wanted.means(each.application))
        if len(found) > RECORDS_MAX:
            message = f"{len(found)} applications are meant, more than {RECORDS_MAX} at once; give a namespace or a kind in input.parameters"
            raise TooManyHomes(message)
        if not found and wanted.is_one:
            return await self._unmoved(wanted)
        return tuple(await asyncio.gather(*map(self._dated, found)))

    async def _records(self) -> tuple[Home, ...]:
        async with self._one_reader:
            now = asyncio.get_running_loop().time()
            if now - self._read_at >= FRESH_SECONDS:
                names = [each.name for each in self._fleet.facts]
                seen = await asyncio.gather(*(_heads(self._fleet.cluster(n)) for n in names))
                hidden = [n for n, each in zip(names, seen, strict=True) if each is None]
                if len(hidden) > HIDDEN_MAX or len(hidden) == len(names):
                    message = f"{' and '.join(hidden)} do not show their records now; where applications live cannot be told"
                    raise ClustersHidden(message)
                self._known = newest(head for each in seen for head in each or ())
                self._read_at = now
            return self._known

    async def _dated(self, home: Home) -> Home:
        """With the moment since which the object is there."""
        app = home.application
        async with self._turns:
            try:
                manifest = await self._fleet.cluster(home.cluster).find(
                    app.group_kind, app.namespace, app.name
                )
            except FailoverError:
                return home  # a date is not worth an answer less
        return Home(app, home.cluster, home.generation, home.moving, home.state, _created(manifest))

    async def _unmoved(self, wanted: Wanted) -> tuple[Home, ...]:
        kind = await self._kind(wanted.kind)
        app = ApplicationRef(
            group=kind[0], kind=kind[1], namespace=wanted.namespace, name=wanted.name
        )
        try:
            found = await locate(self._fleet, app)
        except NotFound:
            return ()
        return (Home(app, found.cluster, since=_created(found.manifest)),)

    async def _kind(self, word: str) -> tuple[str, str]:
        """The group and the kind that are meant, as the first cluster knows them that answers."""
        problem: FailoverError | None = None
        for each in self._fleet.facts:
            try:
                resource = await self._fleet.cluster(each.name).lookup(word)
            except FailoverError as error:
                problem = error
                continue
            return resource.group, resource.kind
        assert problem is not None, "a fleet has a cluster"
        raise problem


def newest(heads: Iterable[Manifest]) -> tuple[Home, ...]:
    """Of each application the record of the highest generation; of equal ones, one that is closed."""
    best: dict[ApplicationRef, tuple[int, bool, Manifest]] = {}
    for head in heads:
        application = application_of(head)
        if application is None or not home_of(head):
            continue
        rank = (generation_of(head), not is_open(head))
        if application not in best or rank > best[application][:2]:
            best[application] = (*rank, head)
    found = (
        Home(app, home_of(head), generation, moving=not closed, state=state_of(head))
        for app, (generation, closed, head) in best.items()
    )
    return tuple(sorted(found, key=lambda each: each.application.key))


async def _heads(cluster: Cluster) -> list[Manifest] | None:
    """The records of a cluster; `None` where it hides them."""
    try:
        return await cluster.list(SECRET, NAMESPACE, label_selector=f"{LABEL}=true")
    except FailoverError:
        return None


def _created(manifest: Manifest | None) -> str:
    return text(manifest, "metadata", "creationTimestamp") if manifest else ""
