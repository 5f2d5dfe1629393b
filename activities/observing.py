"""Looking at one application: once, or until something changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from temporalio import activity

from activities.attempts import due_at, effect
from activities.following import Followings
from activities.lanes import Lanes
from activities.seeing import find_application, health_now, unreachable_health
from activities.viewing import View, absent, present
from failover.domain.closure import closure_kinds
from failover.domain.errors import CredentialsRejected, Forbidden, TransientError, UnknownKind
from failover.domain.health import Health, HealthStatus
from failover.domain.manifest import uid_of
from failover.domain.record import is_open
from failover.domain.startup import is_starting_up
from failover.domain.steps import Look, Observation
from failover.fleet import Cluster, Fleet
from failover.records import read_head

WAITS_FOR_MOVES_SECONDS_MAX = 300.0
CONFIRM_AGAIN_SECONDS = 1.0
"""A cluster that is just coming back may show its watches before it answers: nothing may change after that."""
NOBODY = "nobody"
"""No uid: follows nothing, and keeps the watch up all the same."""


@dataclass(frozen=True)
class Observing:
    """Reads only."""

    fleet: Fleet
    lanes: Lanes

    @activity.defn
    @effect
    async def observe(self, look: Look) -> Observation:
        """Look once, in quorum reads. A cluster that does not answer gives `Unknown`, not an error."""
        return await observe_now(self.fleet.cluster(look.cluster), look)

    @activity.defn
    @effect
    async def wait_out_toleration(self, look: Look) -> Observation | None:
        """Watch the source until what is seen differs from what is known, or until it is time."""
        if look.until is None:
            return await watched(self.fleet, look)
        return await seen_before(self.fleet, look, due_at(look.until))

    @activity.defn
    @effect
    async def await_healthy(self, look: Look) -> Observation:
        """Watch the new copy until what is seen differs from what is known, or shows it further.

        It is told when a lane is free: what follows can wait for moves whose applications have no copy
        yet, and is told as it is by then.
        """
        failover, cluster = activity.info().workflow_id or "", self.fleet.cluster(look.cluster)
        self.lanes.leave(failover)
        seen = await next_difference(cluster, look, unconfirmed=not_healthy_yet)
        if await self._waited_for_a_lane(failover):
            seen = await next_difference(cluster, look, unconfirmed=not_healthy_yet)
        return seen

    async def _waited_for_a_lane(self, failover: str) -> bool:
        try:
            async with asyncio.timeout(WAITS_FOR_MOVES_SECONDS_MAX):
                return await self.lanes.enter(failover, urgent=False)
        except TimeoutError:
            return True


async def seen_before(fleet: Fleet, look: Look, moment: float) -> Observation | None:
    """What differs from what is known, seen before this moment of the event loop's clock; `None` then."""
    limit = asyncio.timeout_at(moment)
    try:
        async with limit:
            return await watched(fleet, look)
    except TimeoutError:
        if not limit.expired():
            raise
    return None


async def watched(fleet: Fleet, look: Look) -> Observation:
    """What differs from what is known of an application on its source, as soon as it does.

    Meanwhile the watches that the capture and the purge will ask are up, in step, and cost them nothing.
    """
    cluster, application = fleet.cluster(look.cluster), look.application
    async with AsyncExitStack() as watches:
        for kind in closure_kinds(application.group_kind):
            follow = cluster.follow(kind, application.namespace, owner_uid=look.uid or NOBODY)
            await watches.enter_async_context(follow)
        return await next_difference(cluster, look)


async def observe_now(cluster: Cluster, look: Look) -> Observation:
    """One look, from a quorum."""
    try:
        manifest, head = await asyncio.gather(
            find_application(cluster, look.application),
            read_head(cluster, look.application),
        )
        open_record = head is not None and is_open(head)
        if manifest is None:
            return absent(look).model_copy(update={"open_record": open_record})
        health = await health_now(cluster, manifest, look.health_rule, whose_fault=look.whose_fault)
    except (TransientError, Forbidden, CredentialsRejected, UnknownKind) as error:
        return Observation(found=False, health=_unknown(error))
    starting = is_starting_up(manifest, health, head, look.cluster)
    seen = present(look, uid_of(manifest), health, open_record=open_record)
    return seen.model_copy(update={"starting_up": starting})


def _unknown(error: TransientError | Forbidden | CredentialsRejected | UnknownKind) -> Health:
    if isinstance(error, TransientError | Forbidden):
        return unreachable_health(error)
    return Health(status=HealthStatus.UNKNOWN, reason=error.reason, message=error.message)


def not_healthy_yet(seen: Observation) -> bool:
    """Waiting goes on after it, and the watch tells what comes next."""
    return seen.found and not seen.replaced and seen.health.status is not HealthStatus.HEALTHY


def _nothing(_: Observation) -> bool:
    return False


async def next_difference(
    cluster: Cluster, look: Look, *, unconfirmed: Callable[[Observation], bool] = _nothing
) -> Observation:
    """Follow the object and what it owns through the shared watches until there is news.

    News is confirmed from a quorum, unless nothing hangs on it: of a copy that was just started that
    would read all objects of its kinds in the namespace, since the watch has no child of it yet.
    """
    application = look.application
    view, pace = View(look), _Pace(look)
    told_at: float | None = None
    async with Followings() as followings:
        followings.add(
            0, cluster.follow(application.group_kind, application.namespace, name=application.name)
        )
        while True:
            if (news := await followings.next_before(told_at)) is not None:
                view.take(*news)
            for number, kind, owner in view.to_follow():
                followings.add(number, cluster.follow(kind, application.namespace, owner_uid=owner))
            seen = view.observation()
            told_at = pace.tells_at(seen)
            if seen is not None and pace.is_due(told_at):
                if unconfirmed(seen):
                    return seen
                confirmed = await observe_now(cluster, look)
                if pace.is_due(pace.tells_at(confirmed)):
                    return confirmed
                if confirmed.out_of_sight:
                    told_at = asyncio.get_running_loop().time() + CONFIRM_AGAIN_SECONDS
                else:
                    view.settle(seen)
                    told_at = None


class _Pace:
    """When what is seen is told: what differs at once, what is merely further not before its time."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._now = asyncio.get_running_loop().time
        self._began = self._now()

    def tells_at(self, seen: Observation | None) -> float | None:
        """The moment of the event loop's clock; `None` where there is nothing to be told."""
        look = self._look
        if seen is None:
            return None
        if seen.differs(look.last):
            return self._began
        after = look.progress_after_seconds
        return self._began + after if after and seen.advances(look.reached) else None

    def is_due(self, moment: float | None) -> bool:
        """Whether it is time."""
        return moment is not None and moment <= self._now()
