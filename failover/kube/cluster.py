"""One cluster's verbs, as plain requests: the `Cluster` of `failover.fleet` on a real API server.

Every object is created, replaced, patched or deleted, never applied server-side: what is written is
exactly what was decided, and an object of somebody else is never taken over silently.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, TypeVar

from failover.domain.errors import InvalidInput, NotFound
from failover.domain.identity import GroupKind
from failover.fleet import Change, Manifest, Resource
from failover.kube.connection import Call, Connection
from failover.kube.discovery import Discovery
from failover.kube.errors import Doing
from failover.kube.following import Followings
from failover.kube.kinds import Kinds
from failover.kube.lean import whole
from failover.kube.listing import KindCollection, list_all, sift
from failover.kube.objects import doing_to, identity, path_of, writing
from failover.kube.watching import Patience

T = TypeVar("T")

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class KubeCluster:
    """A cluster reached through one connection."""

    def __init__(
        self,
        connection: Connection,
        patience: Patience | None = None,
        keep: Callable[[Manifest], Manifest] = whole,
    ) -> None:
        """Nothing is opened before the first request; `keep` is what watches hold of each object."""
        self._keep = keep
        self._connection = connection
        self._kinds = Kinds(connection)
        self._followings = Followings(self._collection, patience or Patience(), keep=keep)

    @property
    def name(self) -> str:
        """The cluster's name in the fleet."""
        return self._connection.cluster

    async def uid(self) -> str:
        """The uid of `kube-system`, read now."""
        return await self._kinds.uid()

    async def resource(self, kind: GroupKind) -> Resource:
        """How the cluster serves a kind."""
        return await self._kinds.ask(lambda discovery: discovery.resource(kind))

    async def resources(self) -> Sequence[Resource]:
        """All kinds, each in its preferred version."""
        return await self._kinds.ask(
            lambda discovery: [one.resource for one in discovery.preferred.values()]
        )

    async def lookup(self, word: str) -> Resource:
        """The kind that a person means."""
        return await self._kinds.ask(lambda discovery: discovery.lookup(word))

    async def get(self, kind: GroupKind, namespace: str, name: str) -> Manifest:
        """The object, read from a quorum."""
        doing = self._doing("get", kind, namespace, name)
        return await self._on_kind(
            kind, lambda resource: Call(doing, "GET", path_of(resource, namespace, name))
        )

    async def find(self, kind: GroupKind, namespace: str, name: str) -> Manifest | None:
        """The object, or `None` where it is definitely not there."""
        try:
            return await self.get(kind, namespace, name)
        except NotFound:
            return None

    async def list(
        self,
        kind: GroupKind,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
    ) -> list[Manifest]:
        """All objects, page by page."""
        query = _selecting(label_selector, field_selector)
        items, _ = await list_all(self._kinds, self._connection, kind, namespace, query)
        return items

    async def sift(
        self,
        kind: GroupKind,
        keep: Callable[[Manifest], T],
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
    ) -> Sequence[T]:
        """What `keep` makes of each object, page by page."""
        query = _selecting(label_selector, field_selector)
        collection = self._collection(kind, namespace)
        return await sift(collection, query, keep, metadata_only=metadata_only)

    def known(self, kind: GroupKind, namespace: str, owner_uid: str) -> Sequence[Manifest] | None:
        """What a shared watch that is in step has with this owner; `None` where none is."""
        return self._followings.known(kind, namespace, owner_uid)

    def follow(
        self, kind: GroupKind, namespace: str = "", *, name: str = "", owner_uid: str = ""
    ) -> AbstractAsyncContextManager[AsyncIterator[Change]]:
        """List, then watch, for ever, through the one shared watch."""
        return self._followings.follow(kind, namespace, name=name, owner_uid=owner_uid)

    async def create(self, manifest: Manifest, *, dry_run: bool = False) -> Manifest:
        """Create exactly this object; fields that the cluster does not know are an error."""
        kind, namespace, name = identity(manifest)
        doing = self._doing("try to create" if dry_run else "create", kind, namespace, name)
        query = (("fieldValidation", "Strict"), *writing(dry_run=dry_run))
        return await self._on_version(
            manifest,
            lambda resource: Call(doing, "POST", path_of(resource, namespace), query, manifest),
        )

    async def replace(self, manifest: Manifest) -> Manifest:
        """Replace the object if nobody has changed it since it was read."""
        kind, namespace, name = identity(manifest)
        doing = self._doing("replace", kind, namespace, name)
        if not manifest["metadata"].get("resourceVersion"):
            raise InvalidInput(f"{doing}: its resourceVersion is missing")
        query = (("fieldValidation", "Strict"), *writing(dry_run=False))
        return await self._on_version(
            manifest,
            lambda resource: Call(
                doing, "PUT", path_of(resource, namespace, name), query, manifest
            ),
        )

    async def patch(
        self,
        kind: GroupKind,
        namespace: str,
        name: str,
        operations: Sequence[dict[str, Any]],
        *,
        subresource: str = "",
        dry_run: bool = False,
    ) -> Manifest:
        """Apply a JSON patch; a failed test is a `Conflict`."""
        doing = self._doing("patch", kind, namespace, name)
        return await self._on_kind(
            kind,
            lambda resource: Call(
                doing,
                "PATCH",
                path_of(resource, namespace, name, subresource),
                writing(dry_run=dry_run),
                list(operations),
                content_type="application/json-patch+json",
            ),
        )

    async def delete(
        self,
        kind: GroupKind,
        namespace: str,
        name: str,
        *,
        uid: str,
        resource_version: str | None = None,
        propagation: Literal["Background", "Foreground", "Orphan"] = "Background",
    ) -> None:
        """Ask the API server to delete exactly this incarnation of the object."""
        preconditions = {"uid": uid}
        if resource_version:
            preconditions["resourceVersion"] = resource_version
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": preconditions,
            "propagationPolicy": propagation,
        }
        doing = self._doing("delete", kind, namespace, name)
        await self._on_kind(
            kind,
            lambda resource: Call(doing, "DELETE", path_of(resource, namespace, name), (), options),
        )

    async def allowed(self, kind: GroupKind, verb: str, namespace: str = "") -> bool:
        """Whether our credentials may do this."""
        resource = await self.resource(kind)
        attributes = {
            "group": resource.group,
            "resource": resource.plural,
            "verb": verb,
            "namespace": namespace,
        }
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        doing = Doing("check", f"whether we may {verb} {resource.plural}", self.name)
        answer = await self._connection.request(Call(doing, "POST", _REVIEWS, (), review))
        return bool(answer.get("status", {}).get("allowed"))

    async def close(self) -> None:
        """End all watches and connections."""
        await self._followings.close()
        await self._connection.close()

    def _collection(self, kind: GroupKind, namespace: str) -> KindCollection:
        return KindCollection(self._kinds, self._connection, kind, namespace, self._keep)

    async def _on_kind(self, kind: GroupKind, call: Callable[[Resource], Call]) -> Manifest:
        return await self._request(lambda discovery: discovery.resource(kind), call)

    async def _on_version(self, manifest: Manifest, call: Callable[[Resource], Call]) -> Manifest:
        kind, api_version = GroupKind.of(manifest), str(manifest.get("apiVersion", ""))
        return await self._request(lambda discovery: discovery.version(api_version, kind), call)

    async def _request(
        self, question: Callable[[Discovery], Resource], call: Callable[[Resource], Call]
    ) -> Manifest:
        async def send(resource: Resource) -> Manifest:
            answer: Manifest = await self._connection.request(call(resource))
            return answer

        return await self._kinds.using(question, send)

    def _doing(self, verb: str, kind: GroupKind, namespace: str, name: str) -> Doing:
        return doing_to(verb, kind, namespace, name, self.name)


def _selecting(labels: str, fields: str) -> tuple[tuple[str, str], ...]:
    selectors = (("labelSelector", labels), ("fieldSelector", fields))
    return tuple((key, value) for key, value in selectors if value)
