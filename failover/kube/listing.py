"""All objects of a kind: page by page, and as a collection that can be watched."""

from __future__ import annotations

from dataclasses import dataclass

from failover.domain.errors import DefiniteError
from failover.domain.identity import GroupKind
from failover.fleet import Manifest, Resource
from failover.kube.connection import Call, Connection
from failover.kube.errors import Expired
from failover.kube.kinds import Kinds
from failover.kube.objects import doing_to, items_of, path_of

PAGE_SIZE = 500
LIST_OBJECTS_MAX = 100_000
_RESTARTS_MAX = 3

Query = tuple[tuple[str, str], ...]


async def list_all(
    kinds: Kinds, connection: Connection, kind: GroupKind, namespace: str, query: Query = ()
) -> tuple[list[Manifest], str]:
    """All objects, from a quorum, and the resourceVersion of the whole, to watch from."""
    for _ in range(_RESTARTS_MAX - 1):
        try:
            return await _pages(kinds, connection, kind, namespace, query)
        except Expired:
            # The version that the pages have in common was compacted away in the middle.
            continue
    return await _pages(kinds, connection, kind, namespace, query)


async def _pages(
    kinds: Kinds, connection: Connection, kind: GroupKind, namespace: str, query: Query
) -> tuple[list[Manifest], str]:
    doing = doing_to("list", kind, namespace, "", connection.cluster)
    items: list[Manifest] = []
    token = ""

    async def page(resource: Resource) -> Manifest:
        paging = (("limit", str(PAGE_SIZE)), *((("continue", token),) if token else ()))
        call = Call(doing, "GET", path_of(resource, namespace), (*query, *paging))
        answer: Manifest = await connection.request(call)
        return answer

    while True:
        answer = await kinds.using(lambda discovery: discovery.resource(kind), page)
        items += items_of(answer)
        if len(items) > LIST_OBJECTS_MAX:
            raise DefiniteError(
                f"{doing}: more than {LIST_OBJECTS_MAX} objects", reason="TooManyObjects"
            )
        token = str(answer["metadata"].get("continue") or "")
        if not token:
            return items, str(answer["metadata"].get("resourceVersion") or "")


@dataclass(frozen=True)
class KindCollection:
    """One kind in one namespace, or in all, as something to watch."""

    kinds: Kinds
    connection: Connection
    kind: GroupKind
    namespace: str

    async def list_at(self) -> tuple[list[Manifest], str]:
        """All objects, and the version to watch from."""
        return await list_all(self.kinds, self.connection, self.kind, self.namespace)

    async def watch_from(self, version: str, seconds: int) -> Call:
        """The request that watches from a version on."""
        resource = await self.kinds.ask(lambda discovery: discovery.resource(self.kind))
        query = (
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", version),
            ("timeoutSeconds", str(seconds)),
        )
        doing = doing_to("watch", self.kind, self.namespace, "", self.connection.cluster)
        return Call(doing, "GET", path_of(resource, self.namespace), query)
