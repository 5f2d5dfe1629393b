"""The sweep: what nobody has told of is found all the same, now and then.

    protections, runs in flight ──▶ survey of the clusters ──▶ decide ──▶ start, wake

It is an activity here, and not with the others, because it starts failovers: as every trigger does, through
the one start. It needs no watcher.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from temporalio import activity
from temporalio.client import Client, WorkflowExecution

from activities.attempts import effect
from failover.domain.errors import FailoverError
from failover.domain.identity import ApplicationRef, failover_id
from failover.domain.request import FailoverRequest, Limits, Trigger
from failover.domain.sweeping import (
    REMEMBERED,
    Begin,
    Decision,
    SweepRequest,
    Swept,
    decide,
    is_due,
)
from failover.fleet import Fleet
from failover.telemetry import Metrics
from failover.temporal import FAILOVER_WORKFLOW, SWEEP_ACTIVITY
from triggers.asking import asking
from triggers.protecting import Protection, by_application, list_protections, wake
from triggers.requesting import on_terms
from triggers.sharing import SharedViews
from triggers.starting import Merged, Started, start_failover
from triggers.surveying import survey

LISTED_MAX = 100_000
PAGE_SIZE = 1000
_UNASKED = ("states", "kept", "counted")
"""What a sweep does not ask of what is known: a third of a view's memory."""

Count = Counter[str]


@dataclass(frozen=True)
class Sweeping:
    """Looks at everything that is protected."""

    client: Client
    fleet: Fleet
    metrics: Metrics
    limits: Limits = field(default_factory=Limits)
    runbook: str = ""

    @activity.defn(name=SWEEP_ACTIVITY)
    @effect
    async def sweep_applications(self, request: SweepRequest) -> Swept:
        """Start what is unhealthy and not in flight, wake what knows something else than is seen."""
        swept = await self.sweep(request, activity.info().current_attempt_scheduled_time)
        self.metrics.swept(swept)
        return swept

    async def sweep(self, request: SweepRequest, now: datetime) -> Swept:
        """As above; `now` is by the clock of Temporal's server."""
        listed = await list_protections(self.client, shared=SharedViews(without=_UNASKED))
        protections = by_application(listed)
        # Before the clusters: a run that ends in between has closed its record by then.
        in_flight = {each.id async for each in self._runs("ExecutionStatus = 'Running'")}
        idle = {
            each: found for each, found in protections.items() if failover_id(each) not in in_flight
        }
        looked = await survey(
            self.fleet,
            {each: found.view.declaration.health_rule for each, found in idle.items()},
        )
        seen = {each: looked.of(each) for each in idle}
        decisions = {each: decide(found.view, seen[each]) for each, found in idle.items()}
        began = await self._began(decisions, now)
        count, errors = Count(), Counter(looked.errors)

        async def act(application: ApplicationRef) -> None:
            due = is_due(began.get(application, ()), now)
            await self._act(idle[application], decisions[application], count, due=due)

        to_do = [each for each, found in decisions.items() if found.begin or found.wake]
        await _bounded(act, to_do, request.at_once, errors)
        return Swept(
            protected=len(protections),
            seen=sum(1 for each in seen.values() if each.copies or not each.blind),
            in_flight=len(protections) - len(idle),
            held=sum(1 for each in idle.values() if not each.view.starts),
            errors=dict(errors),
            **count,
        )

    async def _act(self, found: Protection, decision: Decision, count: Count, *, due: bool) -> None:
        if decision.wake and await wake(self.client, found.application):
            count["woken"] += 1
        begin = decision.begin
        if begin is None:
            return
        count["unhealthy"] += not begin.takes_up
        if not due:
            count["waiting"] += 1
            return
        request = on_terms(self._request(found, begin), found.view)
        match await start_failover(self.client, request, runbook=self.runbook):
            case Started():
                count["started"] += 1
                count["taken_up"] += begin.takes_up
            case Merged():
                count["merged"] += 1
            case _:
                pass  # another incident is under way: a person decides

    def _request(self, found: Protection, begin: Begin) -> FailoverRequest:
        return FailoverRequest(
            application=found.application,
            source=begin.source,
            source_uid=begin.uid,
            policy=found.view.declaration.policy,
            trigger=Trigger(
                kind="Sweep",
                actor=f"failover-sweep@{socket.gethostname()}",
                reason=begin.reason,
                message=begin.message,
            ),
            limits=self.limits,
        )

    async def _began(
        self, decisions: Mapping[ApplicationRef, Decision], now: datetime
    ) -> dict[ApplicationRef, list[datetime]]:
        """When the failovers began lately of those that are to have one; no list where there is none."""
        wanted = {failover_id(key): key for key, each in decisions.items() if each.begin}
        began: dict[ApplicationRef, list[datetime]] = defaultdict(list)
        if wanted:
            since = (now - REMEMBERED).isoformat()
            async for each in self._runs(f"StartTime > '{since}'"):
                if each.id in wanted:
                    began[wanted[each.id]].append(each.start_time)
        return began

    async def _runs(self, condition: str) -> AsyncIterator[WorkflowExecution]:
        query = f"WorkflowType = '{FAILOVER_WORKFLOW}' AND {condition}"
        with asking("list the failovers"):
            listed = self.client.list_workflows(query, limit=LISTED_MAX, page_size=PAGE_SIZE)
            async for each in listed:
                yield each


async def _bounded(
    act: Callable[[ApplicationRef], Awaitable[None]],
    applications: Iterable[ApplicationRef],
    at_once: int,
    errors: Counter[str],
) -> None:
    """Some side by side; one that fails hinders no other."""
    bound = asyncio.Semaphore(at_once)

    async def one(application: ApplicationRef) -> None:
        async with bound:
            try:
                await act(application)
            except FailoverError as error:
                errors[error.reason] += 1

    await asyncio.gather(*(one(each) for each in applications))
