"""Pausing and resuming: while a pause is open, nothing that it covers passes its point of no return.

A pause is an open `Pause` workflow under the id of what it covers (`failover.pauses` reads them);
no worker is needed to begin one. It counts from the moment at which Temporal lists it, which is waited for.
"""

from __future__ import annotations

import asyncio

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from failover.domain.errors import NotFound
from failover.domain.request import PauseRequest
from failover.pauses import Pause, listed_pauses, open_pause
from failover.temporal import PAUSE_WORKFLOW, TASK_QUEUE, TASK_TIMEOUT, TemporalUnreachable
from triggers.asking import CALL_TIMEOUT, asking

RESUME_SIGNAL = "resume"
LISTED_SECONDS_MAX = 30.0
LOOK_AGAIN_SECONDS = 0.05


async def pause(client: Client, pause_id: str, request: PauseRequest) -> Pause | None:
    """Begin a pause. Answers the pause that is open already, if there is one; `None` if it is new."""
    with asking(f"begin {pause_id}"):
        try:
            await client.start_workflow(
                PAUSE_WORKFLOW,
                request,
                id=pause_id,
                task_queue=TASK_QUEUE,
                task_timeout=TASK_TIMEOUT,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                memo={"reason": request.reason, "actor": request.actor},
                static_summary=f"paused by {request.actor}: {request.reason}"[:200],
                rpc_timeout=CALL_TIMEOUT,
            )
        except WorkflowAlreadyStartedError:
            return await open_pause(client, pause_id)
        if not await _listed(client, pause_id, wanted=True, within_seconds=LISTED_SECONDS_MAX):
            message = (
                f"{pause_id} has begun, but Temporal does not list it after {LISTED_SECONDS_MAX:g} s: until it does, "
                "failovers may pass; look with `failover list`"
            )
            raise TemporalUnreachable(message)
    return None


async def _listed(client: Client, pause_id: str, *, wanted: bool, within_seconds: float) -> bool:
    """Whether Temporal lists the pause, or does not any more, by then."""
    try:
        async with asyncio.timeout(within_seconds):
            while (pause_id in await listed_pauses(client)) is not wanted:  # noqa: ASYNC110 - on a server
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
    except TimeoutError:
        return False
    return True


async def resume(client: Client, pause_id: str) -> bool:
    """Ask a pause to end; `False` if it is not open. A worker ends it (`closed` waits for that)."""
    try:
        with asking(f"end {pause_id}"):
            handle = client.get_workflow_handle(pause_id)
            await handle.signal(RESUME_SIGNAL, rpc_timeout=CALL_TIMEOUT)
    except NotFound:
        return False
    return True


async def closed(client: Client, pause_id: str, *, within_seconds: float) -> bool:
    """Whether the pause has ended by then; it does not while no worker is up."""
    return await _listed(client, pause_id, wanted=False, within_seconds=within_seconds)


async def wake(client: Client, workflow_id: str) -> bool:
    """Let a failover look again now, instead of when it would by itself; `False` if it is over."""
    try:
        with asking(f"wake {workflow_id}"):
            await client.get_workflow_handle(workflow_id).signal("wake", rpc_timeout=CALL_TIMEOUT)
    except NotFound:
        return False
    return True


async def open_pauses(client: Client) -> list[Pause]:
    """All open pauses, the widest first; who begins or ends one has waited until this list knows."""
    with asking("list the open pauses"):
        return sorted((await listed_pauses(client)).values(), key=_width)


def _width(found: Pause) -> tuple[int, str]:
    rank = {"all": 0, "cluster": 1}.get(found.id.split("/")[1], 2)
    return rank, found.id
