"""The watcher itself: what it follows, and what it remembers of what is ill.

    policies, protections → scopes → a view per scope and cluster → health → sighting → report → Temporal

It keeps nothing that it could not find again: restarting it, or running two, changes nothing, since
starting a failover that is under way only wakes it. It reads, and writes to no cluster at all.
Levels decide: what is unhealthy is reported again now and then (`failover.domain.sighting`), so that
no missed event, lost answer or ended failover leaves an application alone.
"""

from __future__ import annotations

import asyncio
import logging
import random
import socket
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from datetime import timedelta

from failover.domain.identity import ApplicationRef, failover_id
from failover.domain.manifest import labels_of
from failover.domain.marks import mark_of
from failover.domain.policy import Policy
from failover.domain.policy.matching import Ambiguous
from failover.domain.policy.scopes import Scope, scopes_of, with_applications
from failover.domain.request import FailoverRequest, Trigger
from failover.domain.rules import HealthRule
from failover.domain.sighting import Answer, Attention, Report, is_left_alone, react
from failover.domain.states import values_of
from failover.fleet import Fleet
from failover.telemetry import Metrics
from triggers.keeping import Keeper, Seen, Standing
from triggers.policies import PolicySet, PolicySource, log_changes
from triggers.reporting import Reporter, Subject
from triggers.requesting import Found, Manner, request_about
from triggers.starting import Start
from triggers.views import Sight, Staleness, View

logger = logging.getLogger("watcher")

SWEEP_EVERY = timedelta(seconds=30)
FORGET_AFTER = timedelta(minutes=20)
_SWEPT_AT_ONCE = 200
_ASKED_AT_ONCE = 10


class Watcher:
    """Everything that is followed, and what is remembered of what is ill."""

    def __init__(
        self,
        fleet: Fleet,
        source: PolicySource,
        start: Callable[[FailoverRequest], Awaitable[Start]],
        metrics: Metrics,
        manner: Manner,
        keeper: Keeper,
    ) -> None:
        """Nothing is followed before `run`."""
        self._keeper = keeper
        self._fleet, self._source, self._metrics, self._manner = fleet, source, metrics, manner
        self._policies = PolicySet()
        self._staleness = Staleness(metrics.watch_stale)
        self._views: dict[tuple[str, Scope], tuple[View, asyncio.Task[None]]] = {}
        self._ill: dict[Subject, View] = {}
        self._attention: dict[Subject, Attention] = {}
        self._ambiguous: dict[ApplicationRef, Ambiguous] = {}
        self._reporter = Reporter(
            start, self._request, self._answered, metrics.temporal_unreachable
        )

    async def run(self) -> None:
        """Watch, for ever. Raises `InvalidInput` where the source cannot be read at the start."""
        async with aclosing(self._source.sets()) as sets:
            first = await anext(sets)
            async with asyncio.TaskGroup() as self._group:
                self._group.create_task(self._reporter.run())
                self._group.create_task(self._sweep())
                self._use(first)
                self._group.create_task(self._keeper.run(self))
                async for policies in sets:
                    self._use(policies)

    def seen(self, application: ApplicationRef) -> Seen:
        """What is known of an application now, for the keeper of protections."""
        sights = (
            view.sight(application)
            for view, _ in self._views.values()
            if view.scope.kind == application.group_kind
        )
        living = (each for each in sights if each and not is_left_alone(each.manifest))
        sight = next(living, None)
        labels = labels_of(sight.manifest) if sight is not None else None
        return Seen(labels, self._policies, self._manner.observe)

    def protections_changed(self, applications: Iterable[ApplicationRef]) -> None:
        """Another declaration is another chance, as another policy is; what is new is followed."""
        self._metrics.protections.set(len(self._keeper.register))
        self._follow_what_is_wanted()
        for application in applications:
            for view, _ in tuple(self._views.values()):
                if view.scope.kind == application.group_kind:
                    self._attention.pop((view.cluster.name, application), None)
                    self._look(view, application)

    def _use(self, policies: PolicySet) -> None:
        """Let these policies count from now on."""
        before, self._policies = self._policies, policies
        log_changes(before, policies)
        if not policies.policies:
            logger.warning("%s: there are no policies, so nothing is watched", self._source)
        self._metrics.policies.set(len(policies.policies))
        self._metrics.policy_errors.set(sum(each.severity == "Error" for each in policies.problems))
        self._follow_what_is_wanted()
        self._look_again_where_changed(before)
        self._keeper.look_again(
            each for view, _ in self._views.values() for each in view.applications
        )

    def _follow_what_is_wanted(self) -> None:
        """Follow what the policies mean, and what is protected; leave the rest."""
        protected = {each: found.view.declaration for each, found in self._keeper.register.items()}
        scopes = with_applications(scopes_of(self._policies.policies), protected)
        rules = {each.group_kind: found.health_rule for each, found in protected.items()}
        rules |= {
            each.kind: found for each in scopes if (found := self._policies.rule_of(each.kind))
        }
        wanted = {(each.name, scope) for scope in scopes for each in self._fleet.facts}
        for key, (view, _) in tuple(self._views.items()):
            if key not in wanted:
                self._leave(key, "nothing is about it any more")
            elif view.rule != rules.get(view.scope.kind):
                self._leave(key, "its health rule has changed")
        for key in sorted(wanted - self._views.keys()):
            self._follow(key, rules.get(key[1].kind))

    def _follow(self, key: tuple[str, Scope], rule: HealthRule | None) -> None:
        cluster, scope = key
        view = View(self._fleet.cluster(cluster), scope, self._staleness, self._look, rule)
        self._views[key] = (view, self._group.create_task(view.run()))
        logger.info("following %s", scope, extra={"cluster": cluster})

    def _leave(self, key: tuple[str, Scope], why: str) -> None:
        view, task = self._views.pop(key)
        task.cancel()
        for subject in [each for each, its in self._ill.items() if its is view]:
            del self._ill[subject]
        logger.info("not following %s: %s", key[1], why, extra={"cluster": key[0]})

    def _look_again_where_changed(self, before: PolicySet) -> None:
        """Another policy is another chance: it does not wait for what an earlier one has earned."""
        for view, _ in self._views.values():
            for application in view.applications:
                sight = view.sight(application)
                if sight is None:
                    continue
                labels = labels_of(sight.manifest)
                if before.about(application, labels) != self._policies.about(application, labels):
                    self._attention.pop((sight.cluster, application), None)
                    self._look(view, application)

    def _look(self, view: View, application: ApplicationRef) -> None:
        """See how an application is, and report it if that is due."""
        subject = (view.cluster.name, application)
        sight = view.sight(application)
        if sight is None or is_left_alone(sight.manifest):
            self._ill.pop(subject, None)
            self._ambiguous.pop(application, None)
            return
        mark = mark_of(sight.manifest)
        standing = Standing(
            sight.health.status, mark.generation if mark is not None else 0, self._values(sight)
        )
        self._keeper.saw(subject, labels_of(sight.manifest), standing)
        match sight.health.status:
            case "Healthy":
                self._recovered(subject, view)
            case "Unknown":
                pass
            case _:
                self._consider(subject, view, sight)

    def _values(self, sight: Sight) -> Mapping[str, str] | None:
        """Its state, if its protection preserves any."""
        protected = self._keeper.register.get(sight.application)
        rules = protected.view.declaration.policy.active.rules if protected is not None else ()
        return values_of(rules, sight.manifest) if rules else None

    def _recovered(self, subject: Subject, view: View) -> None:
        before = self._attention.pop(subject, Attention())
        if before.is_own_fault(_now()):
            self._attention[subject] = before.recovered()
        if self._ill.pop(subject, None) is not None:
            extra = {"workload": str(subject[1]), "cluster": view.cluster.name}
            logger.info("healthy again", extra=extra)

    def _consider(self, subject: Subject, view: View, sight: Sight) -> None:
        if self._policy(sight) is None:
            self._ill.pop(subject, None)
            return
        self._ill[subject] = view
        attention = self._attention.get(subject, Attention())
        if isinstance(react(attention, sight.health, _now()), Report):
            self._reporter.report(subject)

    def _policy(self, sight: Sight) -> Policy | None:
        """The policy that moves this application, if there is exactly one; what is declared comes first."""
        protected = self._keeper.register.get(sight.application)
        if protected is not None:
            return protected.view.declaration.policy
        found = self._policies.about(sight.application, labels_of(sight.manifest))
        if isinstance(found, Ambiguous):
            if self._ambiguous.get(sight.application) != found:
                self._ambiguous[sight.application] = found
                extra = {
                    "workload": str(sight.application),
                    "cluster": sight.cluster,
                    "reason": found.reason,
                }
                logger.warning("%s", found.message, extra=extra)
            return None
        self._ambiguous.pop(sight.application, None)
        return found if isinstance(found, Policy) and found.application is not None else None

    def _request(self, subject: Subject) -> FailoverRequest | None:
        """What is to be said of a subject now; nothing where it is well by now, or gone."""
        view = self._ill.get(subject)
        sight = view.sight(subject[1]) if view is not None else None
        if sight is None or sight.health.status != "Unhealthy" or is_left_alone(sight.manifest):
            return None
        policy = self._policy(sight)
        if policy is None:
            return None
        self._attention.setdefault(subject, Attention())
        trigger = Trigger(
            kind="Watch",
            actor=f"failover-watcher@{socket.gethostname()}",
            reason=sight.health.reason,
            message=sight.health.message,
        )
        return request_about(
            Found(sight.application, sight.cluster, sight.manifest),
            policy,
            self._policies,
            trigger,
            self._manner,
        )

    def _answered(
        self, subject: Subject, request: FailoverRequest, answer: Answer, told: str
    ) -> None:
        self._metrics.triggered.labels(answer.value).inc()
        before = self._attention.get(subject, Attention())
        if subject in self._attention:
            self._attention[subject] = before.after(answer, _now())
        elif (view := self._ill.get(subject)) is not None:
            # It was healthy in between, or its policy changed: the answer is about what was before.
            self._look(view, subject[1])
        if answer is Answer.STARTED or answer is not before.answer:
            extra = {
                "workload": str(request.application),
                "cluster": request.source,
                "failover": failover_id(request.application),
                "reason": request.trigger.reason,
            }
            level = logging.ERROR if answer is Answer.REFUSED else logging.INFO
            logger.log(level, "%s: %s", answer.value, told, extra=extra)

    async def _sweep(self) -> None:
        """Look again at everything that is ill, and forget what has long been gone."""
        while True:
            await asyncio.sleep(SWEEP_EVERY.total_seconds() * random.uniform(0.8, 1.2))  # noqa: S311
            await self._ask_whose_fault()
            for number, (subject, view) in enumerate(tuple(self._ill.items()), start=1):
                self._look(view, subject[1])
                if number % _SWEPT_AT_ONCE == 0:
                    await asyncio.sleep(0)
            self._forget_the_gone()

    async def _ask_whose_fault(self) -> None:
        """Ask what lies deeper of all that is ill: what only its author can mend is not told again."""
        by_view: dict[View, list[Subject]] = defaultdict(list)
        for subject, view in self._ill.items():
            by_view[view].append(subject)
        bound = asyncio.Semaphore(_ASKED_AT_ONCE)

        async def ask(view: View, subjects: list[Subject]) -> None:
            async with bound:
                faults = await view.own_faults(application for _, application in subjects)
            for subject in subjects:
                # It may be well by now, or somebody else's to follow.
                if subject[1] in faults and self._ill.get(subject) is view:
                    self._remember_whose_fault(subject, own=faults[subject[1]])

        await asyncio.gather(*(ask(view, subjects) for view, subjects in by_view.items()))

    def _remember_whose_fault(self, subject: Subject, *, own: bool) -> None:
        now, before = _now(), self._attention.get(subject)
        if before is None and not own:
            return  # its report is on the way still, and the answer to an earlier one may be, too
        before = before or Attention()
        self._attention[subject] = before.looked(now, own_fault=own)
        if own is not before.is_own_fault(now):
            what = "not reported until that changes" if own else "not any more"
            extra = {"workload": str(subject[1]), "cluster": subject[0], "reason": "UserError"}
            logger.info("ill by its own fault: %s", what, extra=extra)

    def _forget_the_gone(self) -> None:
        """Objects that are made again and again must not begin with a clean slate each time."""
        horizon = _now() - FORGET_AFTER
        for subject, attention in tuple(self._attention.items()):
            over = (attention.quiet_until or horizon) <= horizon
            if subject not in self._ill and over and not attention.is_own_fault(_now()):
                del self._attention[subject]


def _now() -> timedelta:
    return timedelta(seconds=asyncio.get_running_loop().time())
