"""The last known state of one watched collection, found by uid, by name and by owner.

Ten thousand objects lie here in each watcher, so an index holds no more than what it is asked by: a
name and an owner, each of which few objects have; all else is looked up in these few.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from failover.fleet import Manifest


@dataclass(frozen=True, slots=True)
class Interest:
    """What a follower asks for; an empty field means any."""

    namespace: str = ""
    name: str = ""
    owner_uid: str = ""

    @classmethod
    def all_of(cls, manifest: Manifest) -> frozenset[Interest]:
        """Every interest that an object satisfies: a handful, whatever the number of followers."""
        metadata = manifest["metadata"]
        namespace = str(metadata.get("namespace") or "")
        owners = (str(owner.get("uid")) for owner in metadata.get("ownerReferences") or ())
        fields = ({"", namespace}, {"", str(metadata["name"])}, {"", *owners})
        return frozenset(cls(*values) for values in product(*fields))


class Store:
    """Objects by uid, with an index for each narrow question."""

    def __init__(self) -> None:
        """Begin empty."""
        self._manifests: dict[str, Manifest] = {}
        self._named: dict[str, tuple[str, ...]] = {}
        self._owned: dict[str, dict[str, None]] = {}

    def uids(self) -> set[str]:
        """The uids of all objects."""
        return set(self._manifests)

    def get(self, uid: str) -> Manifest:
        """One object that is there."""
        return self._manifests[uid]

    def has(self, manifest: Manifest) -> bool:
        """Whether exactly this version of the object is there."""
        known = self._manifests.get(str(manifest["metadata"]["uid"]))
        return known is not None and _version(known) == _version(manifest)

    def put(self, manifest: Manifest) -> Manifest | None:
        """Keep an object; gives the version that it takes the place of."""
        uid = str(manifest["metadata"]["uid"])
        before = self.remove(uid)
        self._manifests[uid] = manifest
        name = _name(manifest)
        self._named[name] = (*self._named.get(name, ()), uid)
        for owner in _owners(manifest):
            self._owned.setdefault(owner, {})[uid] = None
        return before

    def remove(self, uid: str) -> Manifest | None:
        """Forget an object; gives what was known of it."""
        before = self._manifests.pop(uid, None)
        if before is None:
            return None
        name = _name(before)
        if left := tuple(each for each in self._named[name] if each != uid):
            self._named[name] = left
        else:
            del self._named[name]
        for owner in _owners(before):
            uids = self._owned[owner]
            uids.pop(uid, None)
            if not uids:
                del self._owned[owner]
        return before

    def matching(self, interest: Interest) -> Iterator[tuple[str, Manifest]]:
        """The objects that satisfy an interest."""
        few: Iterable[str] = self._manifests
        if interest.owner_uid:
            few = self._owned.get(interest.owner_uid, ())
        elif interest.name:
            few = self._named.get(interest.name, ())
        found = [(uid, self._manifests[uid]) for uid in few]
        return (each for each in found if _satisfies(each[1], interest))


def _satisfies(manifest: Manifest, interest: Interest) -> bool:
    return (
        interest.namespace in ("", _namespace(manifest))
        and interest.name in ("", _name(manifest))
        and (not interest.owner_uid or interest.owner_uid in _owners(manifest))
    )


def _name(manifest: Manifest) -> str:
    return str(manifest["metadata"]["name"])


def _owners(manifest: Manifest) -> set[str]:
    return {str(each.get("uid")) for each in manifest["metadata"].get("ownerReferences") or ()}


def _namespace(manifest: Manifest) -> str:
    return str(manifest["metadata"].get("namespace") or "")


def _version(manifest: Manifest) -> str:
    return str(manifest["metadata"].get("resourceVersion"))
