"""One application as the shared watches show it: its object, what that owns, and what lies deeper."""

from __future__ import annotations

from collections.abc import Iterator

from failover.domain.health import Health, HealthStatus, judge
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, uid_of
from failover.domain.rules import looked_at, looked_at_when_ill
from failover.domain.steps import Look, Observation
from failover.expressions.asking import judge_by
from failover.fleet import Change

_NOBODY_MAY_LOOK = frozenset({"Forbidden", "UnknownKind"})


class View:
    """What the watches have shown so far; complete once each of them has been in step.

    The object's own is number 0. Each further one is of a kind and an owner: of what its health is checked
    against, and, where it matters whose fault it is, of what lies deeper, level by level.
    """

    def __init__(self, look: Look) -> None:
        """Nothing is seen yet."""
        self._look = look
        self._manifest: Manifest | None = None
        self._numbers: dict[tuple[GroupKind, str], int] = {}
        self._kinds: dict[int, GroupKind] = {}
        self._found: dict[int, dict[str, Manifest]] = {}
        self._in_step: set[int] = set()
        self._stale: dict[int, Health] = {}
        self._settled: Observation | None = None
        kind, rule = look.application.group_kind, look.health_rule
        self._owned_kinds = looked_at(kind, rule)
        self._ways = looked_at_when_ill(kind, rule) if look.whose_fault else ()
        self._judge = judge_by(rule)

    @property
    def uid(self) -> str:
        """The object's; empty where it is not there."""
        return uid_of(self._manifest) if self._manifest else ""

    def to_follow(self) -> Iterator[tuple[int, GroupKind, str]]:
        """What has to be followed beside the object, and is not yet."""
        for asked in (*self._asked_of_owned(), *self._asked_deeper()):
            if asked not in self._numbers:
                self._numbers[asked] = number = len(self._numbers) + 1
                self._kinds[number] = asked[0]
                yield number, *asked

    def take(self, number: int, change: Change) -> None:
        """What the following of this number has given."""
        found = self._found.setdefault(number, {})
        match change.type:
            case "Synced":
                self._in_step.add(number)
                self._stale.pop(number, None)
            case "Stale" if change.reason in _NOBODY_MAY_LOOK and self._is_deeper(number):
                self._in_step.add(number)  # absence of evidence is not held against it
                found.clear()
            case "Stale":
                reason = change.reason or "ClusterUnreachable"
                self._stale[number] = Health(
                    status=HealthStatus.UNKNOWN, reason=reason, message=change.message
                )
            case "Present" if number == 0:
                self._manifest = change.manifest
            case "Deleted" if number == 0:
                self._manifest = None
            case "Present":
                found[uid_of(change.manifest)] = change.manifest
            case "Deleted":
                found.pop(uid_of(change.manifest), None)

    def settle(self, seen: Observation) -> None:
        """A quorum read did not confirm this: wait for the next change before looking again."""
        self._settled = seen

    def observation(self) -> Observation | None:
        """What all of it amounts to; `None` where it is not complete, or is settled."""
        if self._stale:
            return self._unless_settled(
                Observation(found=False, health=next(iter(self._stale.values())))
            )
        if 0 not in self._in_step:
            return None
        if self._manifest is None:
            return self._unless_settled(absent(self._look))
        asked_of_owned, asked_deeper = self._asked_of_owned(), self._asked_deeper()
        if not all(self._sees(*each) for each in (*asked_of_owned, *asked_deeper)):
            return None
        owned = self._children(asked_of_owned) if self._owned_kinds else None
        deeper = self._children(asked_deeper)
        health = judge(self._manifest, owned, self._judge, deeper=deeper)
        return self._unless_settled(present(self._look, self.uid, health))

    def _asked_of_owned(self) -> list[tuple[GroupKind, str]]:
        return [(kind, self.uid) for kind in self._owned_kinds if self.uid]

    def _asked_deeper(self) -> list[tuple[GroupKind, str]]:
        """On each way, level by level, as far as the level before is known."""
        asked: list[tuple[GroupKind, str]] = []
        roots = [self.uid] if self.uid else []
        if self._owned_kinds:
            roots = [uid_of(each) for each in self._children(self._asked_of_owned())]
        for way in self._ways:
            owners = roots
            for kind in way:
                level = [(kind, owner) for owner in owners]
                owners = [uid_of(each) for each in self._children(level)]
                asked += level
        return asked

    def _children(self, asked: list[tuple[GroupKind, str]]) -> list[Manifest]:
        found = (self._found.get(self._numbers.get(each, -1), {}) for each in asked)
        return [manifest for each in found for manifest in each.values()]

    def _sees(self, kind: GroupKind, owner: str) -> bool:
        return self._numbers.get((kind, owner)) in self._in_step

    def _is_deeper(self, number: int) -> bool:
        return any(self._kinds.get(number) in way for way in self._ways)

    def _unless_settled(self, seen: Observation) -> Observation | None:
        known = self._settled
        if known is not None and not (seen.differs(known) or seen.advances(known.health.progress)):
            return None
        self._settled = None
        return seen


def absent(look: Look) -> Observation:
    """The object is not there."""
    message = f"{look.application} is not on {look.cluster}"
    health = Health(status=HealthStatus.UNHEALTHY, reason="NotThere", message=message)
    return Observation(found=False, health=health)


def present(look: Look, uid: str, health: Health, *, open_record: bool = False) -> Observation:
    """The object is there, and looks like this."""
    replaced = bool(look.uid) and uid != look.uid
    return Observation(
        found=True, uid=uid, replaced=replaced, health=health, open_record=open_record
    )
