"""What follows from a call: each application that it means is looked up, and started, woken or let be.

A call may be repeated at any time, in whole or after a part of it was done: what runs is woken, what
has moved is found in its new place and looked at there. So an answer of "try again" is always safe.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import assert_never

from failover.domain.errors import FailoverError, NotFound, UnknownCluster
from failover.domain.identity import failover_id
from failover.domain.manifest import labels_of
from failover.domain.policy.matching import Ambiguous, NoPolicy
from failover.domain.request import Trigger
from failover.fleet import Fleet
from failover.telemetry import Metrics
from triggers.alerts import (
    APPLICATIONS_MAX,
    Call,
    Naming,
    Target,
    Unmatched,
    meant_by,
    read_call,
)
from triggers.connection import Starting
from triggers.in_force import InForce
from triggers.locating import LivesOnTwoClusters, locate
from triggers.policies import PolicySet
from triggers.requesting import Manner, request_about
from triggers.starting import DifferentIncident, Merged, Started

logger = logging.getLogger("serve")

IN_FLIGHT_MAX = 50
"""Applications in hand at once, over all calls."""
_TEXT_LENGTH_MAX = 500


class Outcome(StrEnum):
    """What became of an alert."""

    STARTED = "Started"
    MERGED = "Merged"
    DIFFERENT_INCIDENT = "DifferentIncident"
    WOKEN = "Woken"
    """It is resolved: the failover under way looks again, and ends if that is so."""
    NOTHING_RUNNING = "NothingRunning"
    """It is resolved, and no failover is under way."""
    UNMATCHED = "Unmatched"
    REFUSED = "Refused"
    UNAVAILABLE = "Unavailable"
    """Temporal, or the cluster, does not answer; to be tried again."""


@dataclass(frozen=True)
class Result:
    """What became of one application, or of an alert that means none."""

    outcome: Outcome
    alert: str
    message: str
    reason: str = ""
    application: str = ""
    cluster: str = ""
    failover: str = ""
    run_id: str = ""


@dataclass(frozen=True)
class Receipt:
    """What became of a whole call."""

    alerts: int
    truncated: int
    results: tuple[Result, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing of it has to be tried again."""
        return all(each.outcome is not Outcome.UNAVAILABLE for each in self.results)


@dataclass(frozen=True)
class Reading:
    """How calls are understood."""

    naming: Naming = field(default_factory=Naming)
    applications_max: int = APPLICATIONS_MAX


class Receiver:
    """Takes calls, and keeps nothing of them."""

    def __init__(
        self,
        fleet: Fleet,
        in_force: InForce,
        starting: Starting,
        metrics: Metrics,
        manner: Manner,
        reading: Reading,
    ) -> None:
        """Nothing is asked yet."""
        self._fleet, self._in_force, self._starting = fleet, in_force, starting
        self._metrics, self._manner, self._reading = metrics, manner, reading
        self._turns = asyncio.Semaphore(IN_FLIGHT_MAX)
        for each in Outcome:
            # A counter that appears with its first count shows no increase.
            metrics.alerts.labels(each)

    async def receive(self, body: bytes) -> Receipt:
        """Do what a call means.

        Raises `MalformedCall`, `TooManyApplications` and `PoliciesUnread`; then nothing was done.
        """
        call = read_call(body)
        policies = await self._in_force.now()
        meant = meant_by(
            call,
            policies,
            self._reading.naming,
            applications_max=self._reading.applications_max,
        )
        self._warn_of_truncation(call)
        done = await asyncio.gather(*(self._settle(each, policies) for each in meant.targets))
        results = (*done, *map(_left_out, meant.unmatched))
        self._tell(results)
        return Receipt(len(call.alerts), call.truncated_alerts, results)

    async def check(self) -> None:
        """Raise `PoliciesUnread` or `TemporalUnreachable` where nothing could be started now."""
        await self._in_force.now()
        await self._starting.check()

    async def _settle(self, target: Target, policies: PolicySet) -> Result:
        """Do what one application needs; an error is a result, and hinders no other."""
        async with self._turns:
            try:
                if target.firing:
                    return await self._start(target, policies)
                return await self._wake(target)
            except (NotFound, UnknownCluster, LivesOnTwoClusters) as error:
                return _result(Outcome.UNMATCHED, target, error.message, reason=error.reason)
            except FailoverError as error:
                outcome = Outcome.UNAVAILABLE if error.transient else Outcome.REFUSED
                return _result(outcome, target, error.message, reason=error.reason)

    async def _wake(self, target: Target) -> Result:
        name = failover_id(target.application)
        if await self._starting.wake(target.application):
            return _result(Outcome.WOKEN, target, f"{name} looks again", failover=name)
        return _result(Outcome.NOTHING_RUNNING, target, "no failover is under way")

    async def _start(self, target: Target, policies: PolicySet) -> Result:
        found = await locate(self._fleet, target.application, target.cluster)
        policy = policies.about(found.application, labels_of(found.manifest))
        if isinstance(policy, NoPolicy | Ambiguous):
            return _result(Outcome.UNMATCHED, target, policy.message, reason=policy.reason)
        if policy.application is None:
            message = f"{policy} has no spec.failover.application, so it moves nothing"
            return _result(Outcome.UNMATCHED, target, message, reason=NoPolicy.reason)
        request = request_about(found, policy, policies, _trigger(target), self._manner)
        start = await self._starting(request)
        where = {"cluster": found.cluster, "failover": start.id, "run_id": start.run_id}
        match start:
            case Started():
                return _result(Outcome.STARTED, target, f"{start.id} has begun", **where)
            case Merged():
                message = f"{start.id} is under way, and was told to look"
                return _result(Outcome.MERGED, target, message, **where)
            case DifferentIncident():
                return _result(Outcome.DIFFERENT_INCIDENT, target, start.message, **where)
            case _:
                assert_never(start)

    def _warn_of_truncation(self, call: Call) -> None:
        if call.truncated_alerts:
            self._metrics.truncated_alerts.inc(call.truncated_alerts)
            logger.warning("%s", truncation(call.truncated_alerts), extra={"reason": "Truncated"})

    def _tell(self, results: Iterable[Result]) -> None:
        for outcome, number in Counter(each.outcome for each in results).items():
            self._metrics.alerts.labels(outcome).inc(number)
        for each in results:
            keys = {
                "workload": each.application,
                "cluster": each.cluster,
                "failover": each.failover,
                "reason": each.reason or each.alert,
            }
            extra = {key: value for key, value in keys.items() if value}
            logger.log(_level(each), "%s: %s", each.outcome, each.message, extra=extra)


def truncation(number: int) -> str:
    """What it means that alerts were left out."""
    return (
        f"Alertmanager has left out {number} alerts of this group, and what they mean was not looked at: "
        "set max_alerts: 0 at the webhook, or group more finely"
    )


def _trigger(target: Target) -> Trigger:
    alert = target.alert
    told = alert.annotations.get("summary", "") or alert.annotations.get("description", "")
    return Trigger(
        kind="Alert",
        actor=f"failover-serve@{socket.gethostname()}",
        reason=alert.name[:_TEXT_LENGTH_MAX],
        message=told[:_TEXT_LENGTH_MAX],
    )


def _result(outcome: Outcome, target: Target, message: str, **more: str) -> Result:
    told = {"cluster": target.cluster, **more}
    return Result(
        outcome,
        target.alert.name[:_TEXT_LENGTH_MAX],
        message,
        application=str(target.application),
        **told,
    )


def _left_out(each: Unmatched) -> Result:
    name = each.alert.name[:_TEXT_LENGTH_MAX]
    return Result(Outcome.UNMATCHED, name, each.message, reason=each.reason)


def _level(result: Result) -> int:
    match result.outcome:
        case Outcome.REFUSED:
            return logging.ERROR
        case Outcome.UNMATCHED | Outcome.UNAVAILABLE:
            return logging.WARNING
        case _:
            return logging.INFO
