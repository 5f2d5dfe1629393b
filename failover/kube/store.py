"""The last known state of one watched collection, found by uid, by name and by owner."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from failover.fleet import Manifest


@dataclass(frozen=True)
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
        self._narrow: dict[Interest, dict[str, None]] = {}

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
        for interest in _narrow(manifest):
            self._narrow.setdefault(interest, {})[uid] = None
        return before

    def remove(self, uid: str) -> Manifest | None:
        """Forget an object; gives what was known of it."""
        before = self._manifests.pop(uid, None)
        for interest in _narrow(before) if before else ():
            uids = self._narrow[interest]
            uids.pop(uid, None)
            if not uids:
                del self._narrow[interest]
        return before

    def matching(self, interest: Interest) -> Iterator[tuple[str, Manifest]]:
        """The objects that satisfy an interest."""
        if interest.name or interest.owner_uid:
            uids = list(self._narrow.get(interest, ()))
        else:
            uids = [
                u for u, m in self._manifests.items() if interest.namespace in ("", _namespace(m))
            ]
        return ((uid, self._manifests[uid]) for uid in uids)


def _narrow(manifest: Manifest) -> list[Interest]:
    return [one for one in Interest.all_of(manifest) if one.name or one.owner_uid]


def _namespace(manifest: Manifest) -> str:
    return str(manifest["metadata"].get("namespace") or "")


def _version(manifest: Manifest) -> str:
    return str(manifest["metadata"].get("resourceVersion"))
