"""How objects are named in requests and in messages."""

from __future__ import annotations

from urllib.parse import quote

from failover.domain.errors import InvalidInput
from failover.domain.identity import GroupKind
from failover.fleet import FIELD_MANAGER, Manifest, Resource
from failover.kube.errors import Doing
from failover.kube.plain import node, nodes


def path_of(resource: Resource, namespace: str, name: str = "", subresource: str = "") -> str:
    """The path of a collection, of one object in it, or of a part of that one."""
    root = f"/apis/{resource.group}" if resource.group else "/api"
    parts = [root, resource.version]
    if resource.namespaced and namespace:
        parts += ["namespaces", quote(namespace, safe="")]
    parts.append(resource.plural)
    if name:
        parts.append(quote(name, safe=""))
    if subresource:
        parts.append(subresource)
    return "/".join(parts)


def doing_to(verb: str, kind: GroupKind, namespace: str, name: str, cluster: str) -> Doing:
    """What a request does to one object, or to a collection when there is no name."""
    what = f"{kind.kind} {namespace}/{name}" if namespace else f"{kind.kind} {name}"
    if not name:
        what = f"{kind} in {namespace}" if namespace else f"{kind} in all namespaces"
    return Doing(verb, what, cluster, secret=kind == GroupKind("", "Secret"))


def identity(manifest: Manifest) -> tuple[GroupKind, str, str]:
    """Kind, namespace and name of an object that is to be written."""
    metadata = node(manifest.get("metadata"))
    name = str(metadata.get("name") or "")
    if not name:
        raise InvalidInput("an object without metadata.name cannot be written")
    return GroupKind.of(manifest), str(metadata.get("namespace") or ""), name


def writing(*, dry_run: bool) -> tuple[tuple[str, str], ...]:
    """The query of every request that writes an object."""
    manager = (("fieldManager", FIELD_MANAGER),)
    return (*manager, ("dryRun", "All")) if dry_run else manager


def items_of(page: Manifest) -> list[Manifest]:
    """The objects of one page of a list."""
    # The items of a list of built-in kinds come without the kind that the list names.
    own = {"apiVersion": page["apiVersion"], "kind": str(page["kind"]).removesuffix("List")}
    return [{**own, **item} for item in nodes(page.get("items"))]
