"""The kinds that one cluster serves, kept in memory, and what a person means by a word for one.

Read in one go where the API server can aggregate, else group by group. A group that does not answer
is remembered as such: its kinds are then not "unknown" but "not served at the moment".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from failover.domain.errors import ClusterBusy, FailoverError, InvalidInput, UnknownKind
from failover.domain.identity import GroupKind
from failover.fleet import Resource
from failover.kube.connection import Call, Connection
from failover.kube.errors import Doing
from failover.kube.plain import node, nodes

_AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
    "application/json"
)
_CANDIDATES_MAX = 12


@dataclass(frozen=True)
class Served:
    """One kind in one version, with the word for one of it."""

    resource: Resource
    singular: str

    def means(self, word: str) -> bool:
        """Whether a lower-case word without group is this kind's name."""
        names = (self.resource.kind.lower(), self.resource.plural, self.singular)
        return word in names or word in self.resource.short_names


@dataclass(frozen=True)
class Discovery:
    """All kinds of a cluster; the versions of each group in the cluster's order of preference."""

    cluster: str
    served: tuple[Served, ...]
    silent_groups: frozenset[str]
    preferred: dict[GroupKind, Served] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        preferred: dict[GroupKind, Served] = {}
        for one in self.served:
            preferred.setdefault(one.resource.group_kind, one)
        object.__setattr__(self, "preferred", preferred)

    def resource(self, kind: GroupKind) -> Resource:
        """A kind in its preferred version."""
        if kind in self.preferred:
            return self.preferred[kind].resource
        raise self._missing(str(kind), self.silent_groups & {kind.group})

    def version(self, api_version: str, kind: GroupKind) -> Resource:
        """A kind in exactly this version."""
        versions = [one.resource for one in self.served if one.resource.group_kind == kind]
        for resource in versions:
            if resource.api_version == api_version:
                return resource
        if versions:
            known = ", ".join(resource.api_version for resource in versions)
            raise UnknownKind(f"{self.cluster} serves {kind} as {known}, not as {api_version}")
        raise self._missing(str(kind), self.silent_groups & {kind.group})

    def lookup(self, word: str) -> Resource:
        """The kind that a person means.

        The word is a kind, plural, singular or short name, alone or with `.group` or
        `.version.group` after it.
        """
        name, _, group = word.strip().partition(".")
        version, _, rest = group.partition(".")
        found = [
            one.resource
            for one in self.preferred.values()
            if one.means(name.lower())
            and (
                group in ("", one.resource.group)
                or (rest == one.resource.group and version in self._versions(one.resource))
            )
        ]
        # As kubectl: a core kind goes before one of the same name in another group.
        found = [one for one in found if not one.group] or found
        if len(found) == 1:
            return found[0]
        if not found:
            raise self._missing(word, self.silent_groups & {group} if group else self.silent_groups)
        names = sorted(f"{one.plural}.{one.group}" for one in found)
        listed = ", ".join(names[:_CANDIDATES_MAX])
        raise InvalidInput(
            f"{word!r} means several kinds on {self.cluster}; say which: {listed}",
            reason="AmbiguousKind",
        )

    def _versions(self, resource: Resource) -> set[str]:
        kind = resource.group_kind
        return {one.resource.version for one in self.served if one.resource.group_kind == kind}

    def _missing(self, what: str, silent: frozenset[str]) -> FailoverError:
        if silent:
            return ClusterBusy(
                f"{self.cluster} cannot say whether it serves {what}: the API group "
                f"{', '.join(sorted(silent))} does not answer; look at its APIService there",
                reason="GroupSilent",
            )
        return UnknownKind(
            f"{self.cluster} serves no kind {what}; is its CRD installed there, "
            "and is it spelt right?"
        )


async def discover(connection: Connection) -> Discovery:
    """Read all kinds of a cluster."""
    served: list[Served] = []
    silent: set[str] = set()
    for root in ("/api", "/apis"):
        answer = await _read(connection, root, _AGGREGATED)
        if answer.get("kind") == "APIGroupDiscoveryList":
            for group in nodes(answer.get("items")):
                served += _aggregated(group, silent)
        else:
            served += await _one_by_one(connection, root, answer, silent)
    return Discovery(connection.cluster, tuple(served), frozenset(silent))


def _aggregated(group: dict[str, Any], silent: set[str]) -> list[Served]:
    name = str(node(group.get("metadata")).get("name") or "")
    found: list[Served] = []
    for version in nodes(group.get("versions")):
        if version.get("freshness") == "Stale":
            silent.add(name)
        entries = [_plain(entry) for entry in nodes(version.get("resources"))]
        found += [_served(name, version["version"], entry) for entry in entries if entry["kind"]]
    return found


def _plain(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry of an aggregated document as one of a plain document."""
    return {
        **entry,
        "name": entry["resource"],
        "kind": node(entry.get("responseKind")).get("kind"),
        "namespaced": entry.get("scope") == "Namespaced",
        "singularName": entry.get("singularResource"),
    }


async def _one_by_one(
    connection: Connection, root: str, answer: dict[str, Any], silent: set[str]
) -> list[Served]:
    found: list[Served] = []
    for group, version in _versions(answer):
        path = f"{root}/{group}/{version}" if group else f"{root}/{version}"
        try:
            listed = await _read(connection, path, "application/json")
        except (ClusterBusy, UnknownKind):
            # An aggregated API whose server is down must not hide all the others.
            silent.add(group)
            continue
        entries = nodes(listed.get("resources"))
        found += [_served(group, version, entry) for entry in entries if "/" not in entry["name"]]
    return found


def _versions(answer: dict[str, Any]) -> Sequence[tuple[str, str]]:
    if "groups" not in answer:
        return [("", version) for version in answer.get("versions") or ()]
    ordered: list[tuple[str, str]] = []
    for group in nodes(answer["groups"]):
        preferred = node(group.get("preferredVersion")).get("version")
        versions = [entry["version"] for entry in nodes(group.get("versions"))]
        versions.sort(key=lambda version: version != preferred)
        ordered += [(group["name"], version) for version in versions]
    return ordered


def _served(group: str, version: str, entry: dict[str, Any]) -> Served:
    resource = Resource(
        group=group,
        version=version,
        kind=entry["kind"],
        plural=entry["name"],
        namespaced=bool(entry["namespaced"]),
        verbs=frozenset(entry.get("verbs") or ()),
        short_names=tuple(entry.get("shortNames") or ()),
    )
    return Served(resource, str(entry.get("singularName") or ""))


async def _read(connection: Connection, path: str, accept: str) -> dict[str, Any]:
    doing = Doing("discover", f"the kinds at {path}", connection.cluster)
    answer = await connection.request(Call(doing, "GET", path, accept=accept))
    return node(answer)
