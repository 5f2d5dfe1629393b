"""What is known of one scope on one cluster: its workloads, and what they own.

A view never guesses. Until everything that existed has been given, and while the cluster cannot be
seen, health is `Unknown`; where nobody may look at what a workload owns (no right, no such kind), its
own status decides. Changes are gathered for a moment and given together: a workload and what it owns
come on separate streams, and half of a change is not a change of health.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from prometheus_client import Gauge

from failover.domain.health import Cause, Health, HealthStatus, judge
from failover.domain.identity import ApplicationRef, GroupKind
from failover.domain.manifest import Manifest, name_of, namespace_of, owner_uids_of, uid_of
from failover.domain.policy.scopes import Scope
from failover.domain.rules import HealthRule, looked_at, looked_at_when_ill
from failover.expressions.asking import judge_by
from failover.fleet import Change, Cluster
from triggers.blaming import found_deeper_soon

logger = logging.getLogger("watcher")

GATHER_SECONDS = 0.02
_NOT_SERVED = "UnknownKind"
_NOBODY_MAY_LOOK = frozenset({_NOT_SERVED, "Forbidden"})
_WAITING = "NotSeenYet"
_SEEN = ""


@dataclass(frozen=True)
class Sight:
    """One application as it looks on one cluster."""

    cluster: str
    application: ApplicationRef
    manifest: Manifest
    health: Health


class View:
    """Follows one scope on one cluster until it is cancelled."""

    def __init__(
        self,
        cluster: Cluster,
        scope: Scope,
        staleness: Staleness,
        changed: Callable[[View, ApplicationRef], None],
        rule: HealthRule | None = None,
    ) -> None:
        """Nothing is followed before `run`."""
        self.cluster, self.scope, self.rule = cluster, scope, rule
        self._own = judge_by(rule)
        self._kinds = (scope.kind, *looked_at(scope.kind, rule))
        self._blind = dict.fromkeys(self._kinds, _WAITING)
        self._staleness, self._changed = staleness, changed
        self._workloads: dict[ApplicationRef, Manifest] = {}
        self._by_uid: dict[str, ApplicationRef] = {}
        self._owned: dict[str, dict[str, Manifest]] = {}
        self._owners: dict[str, frozenset[str]] = {}
        self._touched: dict[ApplicationRef, None] = {}
        self._gathering: asyncio.TimerHandle | None = None

    @property
    def applications(self) -> Iterator[ApplicationRef]:
        """All that are there."""
        return iter(tuple(self._workloads))

    def sight(self, application: ApplicationRef) -> Sight | None:
        """How an application looks now; `None` where it is not there."""
        manifest = self._workloads.get(application)
        if manifest is None:
            return None
        return Sight(self.cluster.name, application, manifest, self._judge(manifest))

    async def own_faults(
        self, applications: Iterable[ApplicationRef]
    ) -> dict[ApplicationRef, bool]:
        """Whether they are ill by their own fault, as what lies deeper says, listed for all at once.

        Of those only that are ill now, and of a kind that has anything deeper.
        """
        if not looked_at_when_ill(self.scope.kind, self.rule):
            return {}
        sights = [sight for each in applications if (sight := self.sight(each)) is not None]
        ill = [each for each in sights if each.health.status is HealthStatus.UNHEALTHY]
        roots = {
            uid: each.application for each in ill for uid in self._uids_above(uid_of(each.manifest))
        }
        found = await found_deeper_soon(self.cluster, self.scope, roots)
        return {
            each.application: self._judge(each.manifest, found.get(each.application, ())).cause
            is Cause.USER_ERROR
            for each in ill
        }

    def _uids_above(self, uid: str) -> tuple[str, ...]:
        """What owns what lies deeper: the workload, or what it owns that is followed anyway."""
        return tuple(self._owned.get(uid, ())) if len(self._kinds) > 1 else (uid,)

    async def run(self) -> None:
        """Follow the workloads and what they own, for ever."""
        try:
            async with asyncio.TaskGroup() as group:
                for kind in self._kinds:
                    group.create_task(self._follow(kind))
        finally:
            if self._gathering is not None:
                self._gathering.cancel()
            for kind in self._kinds:
                self._staleness.forget(self.cluster.name, kind, self.scope)

    async def _follow(self, kind: GroupKind) -> None:
        async with self.cluster.follow(kind, self.scope.namespace) as changes:
            async for change in changes:
                match change.type:
                    case "Synced":
                        self._seen(kind)
                    case "Stale":
                        self._lost(kind, change)
                    case "Present" | "Deleted" if kind == self.scope.kind:
                        self._take_workload(change)
                    case "Present" | "Deleted":
                        self._take_owned(change)

    def _seen(self, kind: GroupKind) -> None:
        before, self._blind[kind] = self._blind[kind], _SEEN
        self._staleness.set(self.cluster.name, kind, self.scope, stale=False)
        if before not in {_SEEN, _WAITING}:
            logger.info(
                "%s of %s: seen again",
                kind,
                self.cluster.name,
                extra={"cluster": self.cluster.name, "reason": "Seen"},
            )
        self._touch(*self._workloads)

    def _lost(self, kind: GroupKind, change: Change) -> None:
        before, self._blind[kind] = self._blind[kind], change.reason
        served = change.reason != _NOT_SERVED
        self._staleness.set(self.cluster.name, kind, self.scope, stale=served)
        if before != change.reason:
            extra = {"cluster": self.cluster.name, "reason": change.reason}
            what = "cannot be seen" if served else "is not served, and is looked for again"
            level = logging.WARNING if served else logging.INFO
            logger.log(
                level, "%s of %s %s: %s", kind, self.cluster.name, what, change.message, extra=extra
            )
        self._touch(*self._workloads)

    def _take_workload(self, change: Change) -> None:
        manifest = change.manifest
        application, uid = self._named(manifest), uid_of(manifest)
        if change.type == "Present":
            self._workloads[application] = manifest
            self._by_uid[uid] = application
        else:
            self._by_uid.pop(uid, None)
            if uid_of(self._workloads.get(application, {})) == uid:
                del self._workloads[application]
        self._touch(application)

    def _take_owned(self, change: Change) -> None:
        """Keep what has an owner, by its owner."""
        uid, before = (
            uid_of(change.manifest),
            self._owners.pop(uid_of(change.manifest), frozenset()),
        )
        after = owner_uids_of(change.manifest) if change.type == "Present" else frozenset[str]()
        for owner in before - after:
            self._owned[owner].pop(uid, None)
            if not self._owned[owner]:
                del self._owned[owner]
        for owner in after:
            self._owned.setdefault(owner, {})[uid] = change.manifest
        if after:
            self._owners[uid] = after
        self._touch(*(self._by_uid[owner] for owner in before | after if owner in self._by_uid))

    def _judge(self, manifest: Manifest, deeper: Sequence[Manifest] = ()) -> Health:
        if self._blind[self.scope.kind] != _SEEN:
            return self._unseen(self.scope.kind)
        blind = {kind: reason for kind, reason in self._blind.items() if reason != _SEEN}
        for kind, reason in blind.items():
            if reason not in _NOBODY_MAY_LOOK:
                return self._unseen(kind)
        looked = len(self._kinds) > 1 and not blind
        owned = list(self._owned.get(uid_of(manifest), {}).values()) if looked else None
        return judge(manifest, owned, self._own, deeper=deeper)

    def _unseen(self, kind: GroupKind) -> Health:
        reason = self._blind[kind]
        return Health(
            status=HealthStatus.UNKNOWN,
            reason=reason,
            message=f"{kind} of {self.cluster.name} cannot be seen now",
        )

    def _named(self, manifest: Manifest) -> ApplicationRef:
        kind = self.scope.kind
        return ApplicationRef(
            group=kind.group,
            kind=kind.kind,
            namespace=namespace_of(manifest),
            name=name_of(manifest),
        )

    def _touch(self, *applications: ApplicationRef) -> None:
        self._touched.update(dict.fromkeys(applications))
        if self._touched and self._gathering is None:
            self._gathering = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._give)

    def _give(self) -> None:
        self._gathering = None
        touched, self._touched = self._touched, {}
        for application in touched:
            self._changed(self, application)


class Staleness:
    """`failover_watch_stale`: a kind on a cluster is stale while any scope of it is."""

    def __init__(self, gauge: Gauge) -> None:
        """Nothing is stale yet."""
        self._gauge = gauge
        self._stale: dict[tuple[str, str], dict[tuple[Scope, GroupKind], bool]] = {}

    def set(self, cluster: str, kind: GroupKind, scope: Scope, *, stale: bool) -> None:
        """Say whether a scope can be seen."""
        scopes = self._stale.setdefault((cluster, str(kind)), {})
        scopes[scope, kind] = stale
        self._gauge.labels(cluster, str(kind)).set(any(scopes.values()))

    def forget(self, cluster: str, kind: GroupKind, scope: Scope) -> None:
        """A scope is not followed any more."""
        scopes = self._stale.get((cluster, str(kind)), {})
        if scopes.pop((scope, kind), None) is None:
            return
        if scopes:
            self._gauge.labels(cluster, str(kind)).set(any(scopes.values()))
        else:
            self._gauge.remove(cluster, str(kind))
