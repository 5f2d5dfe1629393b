"""All objects of a kind: page by page, and as a collection that can be watched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from failover.domain.errors import DefiniteError
from failover.domain.identity import GroupKind
from failover.fleet import Manifest, Resource
from failover.kube.connection import Call, Connection
from failover.kube.errors import Doing, Expired
from failover.kube.kinds import Kinds
from failover.kube.lean import whole
from failover.kube.objects import doing_to, items_of, path_of

PAGE_SIZE = 500
LIST_OBJECTS_MAX = 100_000
_RESTARTS_MAX = 3

METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
"""Asks for a list without spec, status and data; who does not know that sends the whole objects."""

Query = tuple[tuple[str, str], ...]
T = TypeVar("T")


async def list_all(
    kinds: Kinds, connection: Connection, kind: GroupKind, namespace: str, query: Query = ()
) -> tuple[list[Manifest], str]:
    """All objects, from a quorum, and the resourceVersion of the whole, to watch from."""
    return await sift_all(_Listing(kinds, connection, kind, namespace, query), lambda each: each)


@dataclass(frozen=True)
class _Listing:
    """What is listed, and how."""

    kinds: Kinds
    connection: Connection
    kind: GroupKind
    namespace: str
    query: Query = ()
    accept: str = "application/json"


async def sift(
    collection: KindCollection, query: Query, keep: Callable[[Manifest], T], *, metadata_only: bool
) -> list[T]:
    """What `keep` makes of each object, with one page of objects in memory at a time."""
    listing = _Listing(
        collection.kinds,
        collection.connection,
        collection.kind,
        collection.namespace,
        query,
        METADATA_ONLY if metadata_only else "application/json",
    )
    kept, _ = await sift_all(listing, keep)
    return kept


async def sift_all(listing: _Listing, keep: Callable[[Manifest], T]) -> tuple[list[T], str]:
    """What `keep` makes of each object, and the resourceVersion of the whole."""
    for _ in range(_RESTARTS_MAX - 1):
        try:
            return await _pages(listing, keep)
        except Expired:
            # The version that the pages have in common was compacted away in the middle.
            continue
    return await _pages(listing, keep)


async def _pages(listing: _Listing, keep: Callable[[Manifest], T]) -> tuple[list[T], str]:
    doing = doing_to("list", listing.kind, listing.namespace, "", listing.connection.cluster)
    items: list[T] = []
    token = ""
    while True:
        kept, token, version = await _page(listing, doing, token, keep)
        items += kept
        if len(items) > LIST_OBJECTS_MAX:
            raise DefiniteError(
                f"{doing}: more than {LIST_OBJECTS_MAX} objects, and so many are not read at once; "
                "clear out what nobody needs there, or name the namespaces that are meant in the policies",
                reason="TooManyObjects",
            )
        if not token:
            return items, version


async def _page(
    listing: _Listing, doing: Doing, token: str, keep: Callable[[Manifest], T]
) -> tuple[list[T], str, str]:
    """What is kept of one page, the token of the next, and the version: the page itself is in no memory any more."""

    async def page(resource: Resource) -> Manifest:
        paging = (("limit", str(PAGE_SIZE)), *((("continue", token),) if token else ()))
        query = (*listing.query, *paging)
        path = path_of(resource, listing.namespace)
        call = Call(doing, "GET", path, query, accept=listing.accept)
        answer: Manifest = await listing.connection.request(call)
        return answer

    answer = await listing.kinds.using(lambda discovery: discovery.resource(listing.kind), page)
    metadata = answer["metadata"]
    return (
        [keep(each) for each in items_of(answer)],
        str(metadata.get("continue") or ""),
        str(metadata.get("resourceVersion") or ""),
    )


@dataclass(frozen=True)
class KindCollection:
    """One kind in one namespace, or in all, as something to watch."""

    kinds: Kinds
    connection: Connection
    kind: GroupKind
    namespace: str
    keep: Callable[[Manifest], Manifest] = whole

    async def list_at(self) -> tuple[list[Manifest], str]:
        """All objects, and the version to watch from."""
        listing = _Listing(self.kinds, self.connection, self.kind, self.namespace)
        return await sift_all(listing, self.keep)

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
