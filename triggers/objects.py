"""Policies as objects of a cluster: every kind followed by list and watch, each change taken up live.

    follow  →  declared (what is in force of each object)  →  the set  →  conditions on our own kinds

What cannot be seen changes nothing: what is known of it stays in force. A kind that the cluster does
not serve, such as Karmada's where there is no Karmada, has no objects.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator

from failover.domain.errors import Forbidden, UnknownKind
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, name_of, namespace_of, uid_of
from failover.domain.overrides import Override
from failover.domain.policy import Policy
from failover.domain.policy.accepting import Declared, declared
from failover.domain.policy.problems import Problem
from failover.domain.rbac import POLICY_KINDS
from failover.domain.rules import HealthRule
from failover.fleet import Change, Cluster
from triggers.conditions import Conditions
from triggers.policies import PolicySet

logger = logging.getLogger("watcher")

GATHER_SECONDS = 0.1
_WAITING, _SEEN = "NotSeenYet", ""
_NOT_SERVED = UnknownKind.__name__
_DEFINITE = frozenset({_SEEN, _NOT_SERVED, Forbidden.__name__})
"""What lets the first set be given: waiting would not help."""

Key = tuple[GroupKind, str, str]


class PolicyObjects:
    """The policies of one cluster, for ever."""

    def __init__(self, cluster: Cluster, conditions: Conditions | None = None) -> None:
        """Nothing is asked yet. Without `conditions`, nothing is written."""
        self._cluster, self._conditions = cluster, conditions
        self._sight = dict.fromkeys(POLICY_KINDS, _WAITING)
        self._declared: dict[Key, Declared] = {}
        self._changed = asyncio.Event()

    def __str__(self) -> str:
        return f"cluster {self._cluster.name}"

    async def sets(self) -> AsyncGenerator[PolicySet, None]:
        """All that is in force, once every kind was looked at, and again on each change."""
        work = asyncio.create_task(self._work())
        given: PolicySet | None = None
        try:
            while True:
                await self._next_change(work)
                found = self._set()
                if self._conditions is not None:
                    self._conditions.say(tuple(self._declared.values()), found)
                if found != given and (given is not None or self._seen_once):
                    given = found
                    yield found
        finally:
            work.cancel()
            await asyncio.wait({work})

    async def read(self) -> PolicySet:
        """All that can be used now, asked once. Raises what hides a kind: it may hold what counts."""
        listed = await asyncio.gather(*map(self._list, POLICY_KINDS))
        for kind, manifests in zip(POLICY_KINDS, listed, strict=True):
            self._see(kind, _SEEN)
            for each in manifests:
                self._present(kind, each)
        return self._set()

    async def _list(self, kind: GroupKind) -> list[Manifest]:
        try:
            return await self._cluster.list(kind)
        except UnknownKind:
            return []
        except Forbidden as error:
            message = f"{error.message}, with --holds-policies for those of policies"
            raise Forbidden(message, reason=error.reason) from error

    async def _next_change(self, work: asyncio.Task[None]) -> None:
        """Return a moment after a change: many come together. Raises what ended the work."""
        change = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait({change, work}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            change.cancel()
        if work.done():
            work.result()
        await asyncio.sleep(GATHER_SECONDS)
        self._changed.clear()

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as group:
            for kind in POLICY_KINDS:
                group.create_task(self._follow(kind))
            if self._conditions is not None:
                group.create_task(self._conditions.run(self._cluster))

    async def _follow(self, kind: GroupKind) -> None:
        async with self._cluster.follow(kind) as changes:
            async for change in changes:
                match change.type:
                    case "Present":
                        self._present(kind, change.manifest)
                    case "Deleted":
                        self._deleted(kind, change.manifest)
                    case "Synced":
                        self._see(kind, _SEEN)
                    case "Stale":
                        self._lose(kind, change)
                self._changed.set()

    def _present(self, kind: GroupKind, manifest: Manifest) -> None:
        key = _key(kind, manifest)
        self._declared[key] = declared(manifest, self._declared.get(key))

    def _deleted(self, kind: GroupKind, manifest: Manifest) -> None:
        key = _key(kind, manifest)
        known = self._declared.get(key)
        if known is not None and uid_of(known.manifest) == uid_of(manifest):
            del self._declared[key]

    def _see(self, kind: GroupKind, reason: str) -> str:
        before, self._sight[kind] = self._sight[kind], reason
        return before

    def _lose(self, kind: GroupKind, change: Change) -> None:
        if self._see(kind, change.reason) == change.reason:
            return
        extra = {"cluster": self._cluster.name, "reason": change.reason}
        if change.reason == _NOT_SERVED:
            logger.info("%s is not served, and is looked for again", kind, extra=extra)
            return
        text = "%s cannot be seen, and what is known of it stays in force: %s"
        logger.warning(text, kind, change.message, extra=extra)

    @property
    def _seen_once(self) -> bool:
        """Whether every kind has been looked at, or definitely cannot be."""
        return all(reason in _DEFINITE for reason in self._sight.values())

    def _set(self) -> PolicySet:
        ordered = [each for _, each in sorted(self._declared.items(), key=lambda pair: pair[0])]
        in_force = [each.in_force for each in ordered]
        return PolicySet(
            tuple(each for each in in_force if isinstance(each, Policy)),
            tuple(each for each in in_force if isinstance(each, Override)),
            tuple(problem for each in ordered for problem in self._problems(each)),
            tuple(each for each in in_force if isinstance(each, HealthRule)),
            unseen=tuple(self._unseen()),
        )

    def _unseen(self) -> Iterator[str]:
        """Kinds that may have objects, or other ones, that are not known."""
        kept = {kind for kind, _, _ in self._declared}
        for kind, reason in self._sight.items():
            if reason != _SEEN and (reason != _NOT_SERVED or kind in kept):
                yield str(kind)

    def _problems(self, one: Declared) -> Iterator[Problem]:
        where = f"{namespace_of(one.manifest) or '-'}/{name_of(one.manifest)}"
        origin = f"{self}: {one.manifest['kind']} {where}"
        for each in one.findings:
            yield Problem(each.severity, origin, 0, None, each.path, each.reason, each.message)
        if not one.accepted and one.in_force is not None:
            message = f"generation {one.generation_in_force} stays in force until it is mended."
            yield Problem("Warning", origin, 0, None, "", "LastGoodInForce", message)


def _key(kind: GroupKind, manifest: Manifest) -> Key:
    return kind, namespace_of(manifest), name_of(manifest)
