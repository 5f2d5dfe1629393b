"""Is Temporal there, does somebody work, and does anything wait for a person?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import IndexedValueType, TaskQueueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError, RPCStatusCode

from cli.context import Surroundings
from cli.doctor.finding import Finding, fail, ok, warn
from failover.domain.errors import FailoverError
from failover.domain.telling import addressed
from failover.temporal import (
    FAILOVER_WORKFLOW,
    SEARCH,
    SEARCH_ATTRIBUTES,
    TASK_QUEUE,
    command_to_add,
    lacking,
)
from triggers.asking import CALL_TIMEOUT
from triggers.pausing import open_pauses
from triggers.reading import WAITING_FOR_A_PERSON, summary_of

TEMPORAL = "Temporal"
POLLED_WITHIN = timedelta(seconds=75)
"""A poll that finds nothing lasts a minute; the server remembers pollers for longer."""

LISTED_MAX = 20
_OPEN = f"WorkflowType = '{FAILOVER_WORKFLOW}' AND ExecutionStatus = 'Running'"


async def connected(around: Surroundings) -> tuple[Client | None, Finding]:
    """The client, and whether it is one."""
    try:
        client = await around.client()
    except FailoverError as error:
        remedy = "set TEMPORAL_ADDRESS or a profile, or start a server: failover up"
        return None, fail(TEMPORAL, error.reason, error.message, remedy)
    address = client.service_client.config.target_host
    return client, ok(TEMPORAL, "Connected", f"answers at {address}, namespace {client.namespace}")


async def examine(client: Client) -> AsyncIterator[Finding]:
    """Everything about Temporal, once it answers."""
    try:
        missing = await _missing_attributes(client)
    except RPCError as error:
        yield _unusable(client, error)
        return
    yield _attributes_found(client, missing)
    yield await _workers(client)
    if not missing:
        async for each in _stuck(client):
            yield each
    for pause in await open_pauses(client):
        yield warn(TEMPORAL, "Paused", str(pause), "failover resume (see failover resume --help)")


async def _missing_attributes(client: Client) -> Mapping[str, IndexedValueType.ValueType]:
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace), timeout=CALL_TIMEOUT
    )
    return lacking(listed.custom_attributes)


def _unusable(client: Client, error: RPCError) -> Finding:
    namespace = client.namespace
    if error.status is RPCStatusCode.NOT_FOUND:
        message = f"has no namespace {namespace}"
        remedy = f"temporal operator namespace create --namespace {namespace}"
        return fail(TEMPORAL, "NamespaceMissing", message, remedy)
    message = f"does not list its search attributes: {error.message[:200]}"
    return fail(TEMPORAL, "SearchAttributesUnknown", message, "check the rights of the API key")


def _attributes_found(client: Client, missing: Mapping[str, IndexedValueType.ValueType]) -> Finding:
    if not missing:
        return ok(
            TEMPORAL, "SearchAttributes", f"knows all {len(SEARCH_ATTRIBUTES)} search attributes"
        )
    message = f"lacks the search attributes {', '.join(missing)}; a worker adds them when it starts, if it may"
    return fail(TEMPORAL, "SearchAttributesMissing", message, command_to_add(client, missing))


async def _workers(client: Client) -> Finding:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=TASK_QUEUE),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    try:
        answer = await client.workflow_service.describe_task_queue(request, timeout=CALL_TIMEOUT)
    except RPCError as error:
        message = f"does not say who works: {error.message[:200]}"
        return fail("worker", "WorkersUnknown", message, "check the rights of the API key")
    since = datetime.now(UTC) - POLLED_WITHIN
    names = [
        each.identity
        for each in answer.pollers
        if each.last_access_time.ToDatetime(tzinfo=UTC) > since
    ]
    if not names:
        message = f"nobody has asked for work on the queue {TASK_QUEUE} in the last minute: no failover goes on"
        return fail("worker", "NoWorker", message, "failover worker")
    return ok(
        "worker", "Polling", f"in the last minute, work was asked for by {', '.join(sorted(names))}"
    )


async def _stuck(client: Client) -> AsyncIterator[Finding]:
    """Failovers that wait for a person, and those of which Temporal itself reports a problem."""
    phases = ", ".join(f"'{each}'" for each in sorted(WAITING_FOR_A_PERSON))
    async for each in _matching(client, f"{SEARCH.phase.name} IN ({phases})"):
        summary = summary_of(each)
        where = addressed(summary.application)
        message = f"its failover waits for a person: {summary.phase} {summary.reason}".rstrip()
        yield warn(str(summary.application), summary.phase, message, f"failover status {where}")
    async for each in _matching(client, "TemporalReportedProblems IS NOT NULL"):
        application = summary_of(each).application
        message = "Temporal reports that its workflow tasks fail or time out, one after the other"
        remedy = f"read the worker's log; then: temporal workflow show --workflow-id '{each.id}'"
        yield fail(str(application), "ReportedProblems", message, remedy)


async def _matching(client: Client, condition: str) -> AsyncIterator[WorkflowExecution]:
    try:
        async for each in client.list_workflows(f"{_OPEN} AND {condition}", limit=LISTED_MAX):
            yield each
    except RPCError as error:
        if (
            error.status is not RPCStatusCode.INVALID_ARGUMENT
        ):  # an older server has no such attribute
            raise
