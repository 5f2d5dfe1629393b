"""The failover of a case: started, steered and followed, whatever is killed meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from failover.domain.identity import failover_id
from failover.domain.phases import Action
from failover.domain.policy import Policy
from failover.domain.request import (
    Approval,
    FailoverRequest,
    Limits,
    Reply,
    Resolution,
    Retarget,
    Status,
    Trigger,
)
from failover.temporal import SEARCH
from tests.support.ending import Ending, ended, failed
from tests.support.faults import Fault
from tests.support.policies import policy_of
from tests.support.waiting import eventually
from tests.support.workload import Workload
from triggers.starting import start_failover

BLOCKED_AFTER_SECONDS = 3
CALL = timedelta(seconds=5)
DEADLINE_SECONDS = 60.0


@dataclass
class Followed(Workload):
    """An application and its failover."""

    policy: Policy | None = None
    handle: WorkflowHandle[Any, Any] | None = None

    def plant(self, step: str, what: str) -> Fault:
        """Let this happen at its next step of this kind."""
        return self.saga.faults.plant(step, self.name, what)

    def request(self, policy: Policy, **changes: Any) -> FailoverRequest:
        """The request for a failover under this policy."""
        return FailoverRequest(
            application=self.ref,
            source=self.home,
            source_uid=self.uid,
            policy=policy,
            trigger=Trigger(kind="Manual", actor="tests", reason="JobManagerMissing"),
            limits=Limits(blocked_after_seconds=BLOCKED_AFTER_SECONDS),
        ).model_copy(update=changes)

    async def start(self, policy: Policy | None = None, **changes: Any) -> Self:
        """Start its failover, as any trigger would."""
        self.policy = policy or policy_of(self.name)
        request = self.request(self.policy, **changes)
        started = await start_failover(self.saga.client, request)
        self.handle = self.saga.client.get_workflow_handle(
            failover_id(self.ref), run_id=getattr(started, "run_id", None)
        )
        return self

    @property
    def run(self) -> WorkflowHandle[Any, Any]:
        """Its latest run, by run id."""
        assert self.handle is not None, f"{self.name} was not started"
        return self.handle

    async def ends(self, *, seconds: float = DEADLINE_SECONDS) -> Ending:
        """How its failover ends."""
        try:
            async with asyncio.timeout(seconds):
                return await self._ending()
        except TimeoutError:
            shown = await self._shown()
            raise AssertionError(f"{self.name} is not over after {seconds:g} s: {shown}") from None

    async def suffers(self, fault: Fault, *, seconds: float = DEADLINE_SECONDS) -> int:
        """Wait until the fault has struck; the process id of the worker."""
        try:
            return await fault.strikes(seconds=seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}: {await self._shown()}") from None

    async def _shown(self) -> str:
        """Where it stands, for the person who has to find out why."""
        try:
            status = await self.status()
        except (RPCError, AssertionError) as error:
            return f"no status: {error}"
        lines = [
            f"{step.started_at:%H:%M:%S.%f} {step.phase} {step.cluster} {step.attempts} {step.note}"
            for step in status.steps
        ]
        return "\n".join([f"{status.display_phase} {status.reason} {status.message}", *lines])

    async def _ending(self) -> Ending:
        while True:
            try:
                return ended(await self.run.result(rpc_timeout=CALL))
            except WorkflowFailureError as error:
                return failed(error)
            except RPCError as error:
                if error.status not in {RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED}:
                    raise

    async def status(self) -> Status:
        """What the query says; a worker that was killed is waited for."""

        async def ask() -> Status | None:
            try:
                told: Status = await self.run.query("status", result_type=Status, rpc_timeout=CALL)
            except RPCError as error:
                if error.status in {
                    RPCStatusCode.DEADLINE_EXCEEDED,
                    RPCStatusCode.UNAVAILABLE,
                    RPCStatusCode.CANCELLED,
                }:
                    return None
                raise
            return told

        found = await eventually(ask, f"{self.name} tells its status", seconds=30)
        assert found is not None
        return found

    async def attribute(self, key: SearchAttributeKey[str]) -> str:
        """One search attribute, which no worker is needed for."""
        described = await self.run.describe(rpc_timeout=CALL)
        return described.typed_search_attributes.get(key) or ""

    async def shows(
        self, phase: str, reason: str = "", *, seconds: float = DEADLINE_SECONDS
    ) -> None:
        """Wait until this phase, and reason, are displayed."""
        seen: list[str] = []

        async def look() -> bool:
            try:
                described = await self.run.describe(rpc_timeout=CALL)
            except RPCError:
                return False
            attributes = described.typed_search_attributes
            now = (attributes.get(SEARCH.phase) or "", attributes.get(SEARCH.reason) or "")
            seen[:] = now
            return now[0] == phase and reason in {"", now[1]}

        try:
            await eventually(look, "", seconds=seconds)
        except AssertionError:
            raise AssertionError(
                f"{self.name} shows {' '.join(seen)}, not {phase} {reason}"
            ) from None

    async def blocks(self, reason: str = "", *, seconds: float = DEADLINE_SECONDS) -> Status:
        """Wait until it is Blocked for this reason; its status then."""
        await self.shows("Blocked", reason, seconds=seconds)
        return await self.status()

    async def resolve(self, action: Action, *, actor: str = "tests", **details: Any) -> Reply:
        """A person's decision."""
        resolution = Resolution(action=action, actor=actor, **details)
        return await self._update("resolve", resolution)

    async def approve(self, digest: str) -> Reply:
        """A person's approval."""
        return await self._update("approve", Approval(digest=digest, actor="tests"))

    async def deny(self, digest: str) -> Reply:
        """A person's denial."""
        return await self._update("deny", Approval(digest=digest, actor="tests", note="not today"))

    async def retarget(self, cluster: str) -> Reply:
        """A person wants it elsewhere."""
        return await self._update("retarget", Retarget(cluster=cluster, actor="tests"))

    async def _update(self, name: str, argument: Any) -> Reply:
        # the SDK's own overloads leave a type parameter out
        reply: Reply = await self.run.execute_update(  # pyright: ignore[reportUnknownMemberType]
            name, argument, result_type=Reply
        )
        return reply

    async def history(self) -> str:
        """The whole history of its latest run as JSON."""
        return (await self.run.fetch_history()).to_json()
