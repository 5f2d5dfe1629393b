"""What is known of failovers: the list, and all about one.

A worker answers for an open run, by query. Where none does, what Temporal itself has stored is
shown (search attributes and history), and said to be that; an ended run needs nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError
from temporalio.client import (
    Client,
    WorkflowContinuedAsNewError,
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
)
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from failover.domain.errors import NotFound
from failover.domain.identity import ApplicationRef, failover_id
from failover.domain.phases import EXIT_CODES, EXIT_WAITING, Outcome
from failover.domain.request import FailoverResult, Status, StepEntry
from failover.temporal import FAILOVER_WORKFLOW, SEARCH
from triggers.asking import CALL_TIMEOUT, asking
from triggers.histories import failure_of, timeline_of

QUERY_TIMEOUT = timedelta(seconds=5)
LISTED_MAX = 1000
PENDING = "Pending"
"""The phase of a run that no worker has taken up yet."""

WAITING_FOR_A_PERSON = frozenset({"Blocked", "AwaitingApproval", "Held"})
NO_WORKER = "no worker answers, shown is what Temporal has stored"

_PREFIX = "failover"
_NO_ANSWER = frozenset(
    {
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.CANCELLED,
        RPCStatusCode.FAILED_PRECONDITION,
        RPCStatusCode.UNAVAILABLE,
    }
)


@dataclass(frozen=True)
class Summary:
    """One run as Temporal has stored it."""

    id: str
    run_id: str
    application: ApplicationRef
    phase: str
    outcome: str
    source: str
    target: str
    trigger: str
    reason: str
    generation: int
    detected_at: datetime | None
    closed_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.closed_at is None

    @property
    def shown(self) -> str:
        """Where it stands, in a word: the phase, or how it ended."""
        return self.phase if self.is_open else self.outcome

    @property
    def exit_code(self) -> int | None:
        """What a script is told: how it ended, or that a person has to act; `None`: it goes on."""
        if self.is_open:
            return EXIT_WAITING if self.phase in WAITING_FOR_A_PERSON else None
        return EXIT_CODES.get(Outcome(self.outcome), 1) if self.outcome in _OUTCOMES else 1


@dataclass(frozen=True)
class Live:
    """A worker has answered for an open run."""

    summary: Summary
    status: Status

    @property
    def steps(self) -> tuple[StepEntry, ...]:
        """The phases so far."""
        return self.status.steps


@dataclass(frozen=True)
class Stored:
    """An open run for which no worker answers."""

    summary: Summary
    steps: tuple[StepEntry, ...]
    last_failure: str


@dataclass(frozen=True)
class Ended:
    """A run that is over."""

    summary: Summary
    steps: tuple[StepEntry, ...]
    result: FailoverResult | None
    message: str


Known = Live | Stored | Ended

_OUTCOMES = frozenset(each.value for each in Outcome)


async def list_failovers(
    client: Client, *, namespace: str = "", ended_too: bool = False, limit: int = LISTED_MAX
) -> list[Summary]:
    """Failovers, newest first; an empty namespace means all of them."""
    query = f"WorkflowType = '{FAILOVER_WORKFLOW}'"
    if not ended_too:
        query += " AND ExecutionStatus = 'Running'"
    if namespace:
        query += f" AND WorkflowId STARTS_WITH '{_PREFIX}/{namespace}/'"
    with asking("list the failovers"):
        found = [each async for each in client.list_workflows(query, limit=limit)]
    return _without_parts(found)


async def list_runs(client: Client, application: ApplicationRef) -> list[Summary]:
    """All runs of one application that Temporal still keeps, newest first."""
    query = f"WorkflowId = '{failover_id(application)}'"
    with asking(f"list the failovers of {application}"):
        found = [each async for each in client.list_workflows(query, limit=LISTED_MAX)]
    return _without_parts(found)


def _without_parts(found: Iterable[WorkflowExecution]) -> list[Summary]:
    """One entry for each failover: a run that continued as new is told by its last part."""
    return [
        summary_of(each)
        for each in found
        if each.status is not WorkflowExecutionStatus.CONTINUED_AS_NEW
    ]


async def summarize(client: Client, application: ApplicationRef, run_id: str = "") -> Summary:
    """The run as the server has it this moment; no worker is asked. Raises `NotFound`.

    One that continued as new is told by its last part, whichever part is named.
    """
    part = run_id
    try:
        while True:
            handle = client.get_workflow_handle(failover_id(application), run_id=part or None)
            with asking(f"look at {handle.id}"):
                described = await handle.describe(rpc_timeout=CALL_TIMEOUT)
                if described.status is not WorkflowExecutionStatus.CONTINUED_AS_NEW:
                    return summary_of(described, application)
                part = await _next_part(handle)
    except NotFound as error:
        run = f" with run id {run_id}" if run_id else ""
        message = (
            f"Temporal's namespace {client.namespace} knows no failover of {application}{run}; "
            "`failover list --all` shows those that it knows"
        )
        raise NotFound(message) from error


async def _next_part(handle: WorkflowHandle[Any, Any]) -> str:
    """The run id under which it goes on; the newest, should it be the one that does not."""
    try:
        await handle.result(follow_runs=False, rpc_timeout=CALL_TIMEOUT)
    except WorkflowContinuedAsNewError as continued:
        return continued.new_execution_run_id
    return ""


async def read(client: Client, application: ApplicationRef, run_id: str = "") -> Known:
    """All about one run, the newest unless one is named. Raises `NotFound`."""
    summary = await summarize(client, application, run_id)
    handle = client.get_workflow_handle(summary.id, run_id=summary.run_id)
    if not summary.is_open:
        return await _ended(handle, summary)
    status = await query_status(handle)
    if status is not None:
        return Live(summary, status)
    with asking(f"read the history of {summary.id}"):
        history = await handle.fetch_history(rpc_timeout=CALL_TIMEOUT)
    return Stored(summary, timeline_of(history), failure_of(history))


async def query_status(handle: WorkflowHandle[Any, Any]) -> Status | None:
    """What the run says of itself; `None` where no worker answers for it."""
    with asking(f"ask {handle.id}"):
        try:
            answered: Status = await handle.query(
                "status", result_type=Status, rpc_timeout=QUERY_TIMEOUT
            )
        except WorkflowQueryFailedError:
            return None  # the worker of another release; what is stored is still true
        except RPCError as error:
            if error.status in _NO_ANSWER:
                return None
            raise
    return answered


async def _ended(handle: WorkflowHandle[Any, Any], summary: Summary) -> Ended:
    result, message = await _result(handle)
    if result is not None:
        return Ended(summary, result.steps, result, result.message)
    with asking(f"read the history of {summary.id}"):
        history = await handle.fetch_history(rpc_timeout=CALL_TIMEOUT)
    return Ended(summary, timeline_of(history), None, message or failure_of(history))


async def _result(handle: WorkflowHandle[Any, Any]) -> tuple[FailoverResult | None, str]:
    """How it ended, in its own words; a terminated or cancelled run leaves none."""
    with asking(f"read the end of {handle.id}"):
        try:
            closed = await handle.result(follow_runs=False, rpc_timeout=CALL_TIMEOUT)
        except WorkflowFailureError as failure:
            cause = failure.cause
            if isinstance(cause, ApplicationError):
                details = cause.details[0] if cause.details else None
                return _decoded(details), cause.message
            return None, ""
    return _decoded(closed), ""


def _decoded(value: object) -> FailoverResult | None:
    if not isinstance(value, Mapping):
        return None
    try:
        return FailoverResult.model_validate(value)
    except ValidationError:
        return None  # written by a release that we do not know; the history speaks instead


def summary_of(execution: WorkflowExecution, application: ApplicationRef | None = None) -> Summary:
    """What is stored of one run."""
    attributes = execution.typed_search_attributes

    def value(key: SearchAttributeKey[str]) -> str:
        return attributes.get(key) or ""

    return Summary(
        id=execution.id,
        run_id=execution.run_id,
        application=application or application_of(execution.id),
        phase=value(SEARCH.phase) or PENDING,
        outcome=_outcome(execution, value(SEARCH.outcome)),
        source=value(SEARCH.source),
        target=value(SEARCH.to),
        trigger=value(SEARCH.trigger),
        reason=value(SEARCH.reason),
        generation=attributes.get(SEARCH.generation) or 0,
        detected_at=attributes.get(SEARCH.detected_at) or execution.start_time,
        closed_at=execution.close_time,
    )


def _outcome(execution: WorkflowExecution, stored: str) -> str:
    """How it ended; Temporal's own word where the run could not say."""
    match execution.status:
        case None | WorkflowExecutionStatus.RUNNING:
            return ""
        case WorkflowExecutionStatus.TERMINATED:
            return "Terminated"  # whatever it had meant to end in
        case WorkflowExecutionStatus.CANCELED:
            return stored or Outcome.ABORTED.value
        case _:
            return stored or execution.status.name.replace("_", " ").title().replace(" ", "")


def application_of(workflow_id: str) -> ApplicationRef:
    """The application that an id names; of a very long id, as much of the name as it holds."""
    return ApplicationRef.from_key(workflow_id.partition("/")[2])
