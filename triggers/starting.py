"""The one way to start a failover.

Whoever wants one starts the workflow under the application's id, with conflict policy FAIL: no
worker is needed for that, and the conflict is the deduplication.

1. Nothing runs under the id: `Started`.
2. A run is there, about the same incident (source cluster and object uid, as its memo says) or so
   young that it has not said yet: it is woken, and looks for itself; `Merged`. One that is Blocked
   waits for a person and would not look: it is left alone, since it may wait for months and each
   signal is four events of a history that Temporal bounds.
3. A run is there about another incident: nothing is done, `DifferentIncident` says what a person
   may do.
4. The run that was in the way has closed meanwhile: begin again, a few times.
"""

from __future__ import annotations

from dataclasses import dataclass

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from failover.domain import telling
from failover.domain.errors import InvalidInput, NotFound, TransientError
from failover.domain.identity import ApplicationRef, failover_id
from failover.domain.phases import BLOCKED
from failover.domain.request import REQUEST_BYTES_MAX, FailoverRequest
from failover.temporal import (
    FAILOVER_WORKFLOW,
    SEARCH,
    TASK_QUEUE,
    TASK_TIMEOUT,
    WAKE_SIGNAL,
    application_keyword,
)
from triggers.asking import CALL_TIMEOUT, asking

ATTEMPTS_MAX = 5
INCIDENT_MEMO = "incident"
_SUMMARY_LENGTH_MAX = 200
_DETAILS_LENGTH_MAX = 16_000
"""Temporal refuses to start a run with longer texts (400 and 20,000 bytes)."""


class RequestTooLarge(InvalidInput):
    """The policy with its overrides is larger than what may travel through Temporal."""


class KeepsEnding(TransientError):
    """Each time a run was in the way, it was over before it could be woken."""


@dataclass(frozen=True)
class Started:
    """A new run has begun."""

    id: str
    run_id: str


@dataclass(frozen=True)
class Merged:
    """A run about the same incident is under way already; it was told to look again, unless it is Blocked."""

    id: str
    run_id: str


@dataclass(frozen=True)
class DifferentIncident:
    """A run about another incident of the application is under way; nothing was done."""

    id: str
    run_id: str
    application: ApplicationRef
    ours: str
    theirs: str

    @property
    def message(self) -> str:
        """What runs, and what a person may do."""
        where = telling.addressed(self.application)
        return (
            f"another failover of {self.application} is under way: it moves {_told(self.theirs)}, not "
            f"{_told(self.ours)}. Give it another target with `failover retarget {where} --cluster CLUSTER`, "
            f"or end it with `failover abort {where}` and start again"
        )


Start = Started | Merged | DifferentIncident


async def start_failover(client: Client, request: FailoverRequest, *, runbook: str = "") -> Start:
    """Start it, or join the run that is under way. Raises `RequestTooLarge`, `KeepsEnding`, `TemporalUnreachable`."""
    check_size(request)
    for _ in range(ATTEMPTS_MAX):
        try:
            return await _start(client, request, runbook)
        except WorkflowAlreadyStartedError:
            joined = await _join(client, request)
        if joined is not None:
            return joined
    message = f"{ATTEMPTS_MAX} runs of {failover_id(request.application)} have ended while they were asked; try again"
    raise KeepsEnding(message)


def check_size(request: FailoverRequest) -> None:
    """Raise `RequestTooLarge` where the request is more than may travel."""
    size = len(request.model_dump_json().encode())
    if size > REQUEST_BYTES_MAX:
        message = (
            f"the policy {request.policy} with its {len(request.overrides)} overrides is {size} bytes as a request, "
            f"more than {REQUEST_BYTES_MAX}; leave out overrides that are not about this application"
        )
        raise RequestTooLarge(message)


def incident(cluster: str, uid: str) -> str:
    """What a run is about, as its memo says it."""
    return f"{cluster}/{uid}"


async def _start(client: Client, request: FailoverRequest, runbook: str) -> Started:
    doing = f"start a failover of {request.application}"
    with asking(doing):
        try:
            return await _start_with(client, request, runbook, _attributes(request))
        except RPCError as error:
            # Until a worker has run here once, the search attributes may not be there; the run
            # writes them itself in its first task, so it can be started without.
            if (
                error.status is not RPCStatusCode.INVALID_ARGUMENT
                or "earch attribute" not in error.message
            ):
                raise
        return await _start_with(client, request, runbook, TypedSearchAttributes.empty)


async def _start_with(
    client: Client, request: FailoverRequest, runbook: str, attributes: TypedSearchAttributes
) -> Started:
    handle = await client.start_workflow(
        FAILOVER_WORKFLOW,
        request,
        id=failover_id(request.application),
        task_queue=TASK_QUEUE,
        task_timeout=TASK_TIMEOUT,
        id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
        search_attributes=attributes,
        static_summary=telling.summary(request)[:_SUMMARY_LENGTH_MAX],
        static_details=telling.static_details(request, runbook)[:_DETAILS_LENGTH_MAX],
        rpc_timeout=CALL_TIMEOUT,
    )
    return Started(handle.id, handle.first_execution_run_id or "")


def _attributes(request: FailoverRequest) -> TypedSearchAttributes:
    """What can be said before the first task: the list shows it although no worker is up."""
    return TypedSearchAttributes(
        [
            SearchAttributePair(SEARCH.application, application_keyword(request.application)),
            SearchAttributePair(SEARCH.source, request.source),
            SearchAttributePair(SEARCH.trigger, request.trigger.kind),
        ]
    )


async def _join(client: Client, request: FailoverRequest) -> Merged | DifferentIncident | None:
    """Wake the run that is in the way; `None` if it has closed meanwhile."""
    workflow_id = failover_id(request.application)
    try:
        with asking(f"look at {workflow_id}"):
            described = await client.get_workflow_handle(workflow_id).describe(
                rpc_timeout=CALL_TIMEOUT
            )
            theirs = str((await described.memo()).get(INCIDENT_MEMO, ""))
        if described.status is not WorkflowExecutionStatus.RUNNING:
            return None
        if not _is_same(theirs, request):
            ours = incident(request.source, request.source_uid)
            return DifferentIncident(
                workflow_id, described.run_id, request.application, ours, theirs
            )
        if described.typed_search_attributes.get(SEARCH.phase) == BLOCKED:
            return Merged(workflow_id, described.run_id)
        with asking(f"wake {workflow_id}"):
            running = client.get_workflow_handle(workflow_id, run_id=described.run_id)
            await running.signal(WAKE_SIGNAL, rpc_timeout=CALL_TIMEOUT)
    except NotFound:
        return None
    return Merged(workflow_id, described.run_id)


def _is_same(theirs: str, request: FailoverRequest) -> bool:
    """A run that has not said yet will look for itself; so will one that knows no uid."""
    if not theirs:
        return True
    cluster, _, uid = theirs.partition("/")
    return cluster == request.source and (
        not uid or not request.source_uid or uid == request.source_uid
    )


def _told(memo: str) -> str:
    cluster, _, uid = memo.partition("/")
    return f"object {uid} off {cluster}" if uid else f"what is on {cluster}"
