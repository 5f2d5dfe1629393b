"""Declaring protections and reading them: what a person, or a source of policies, asks of Temporal.

All of it is durable without any worker: a declaration starts the run or signals the one that is
there, in one call. What is read is what the runs have written into their memos; nobody is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NotRequired, TypedDict

from pydantic import ValidationError
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.common import TypedSearchAttributes, WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from failover.domain.application import (
    ApplicationRequest,
    ApplicationView,
    Declaration,
    Order,
    Suspension,
)
from failover.domain.errors import NotFound
from failover.domain.identity import ApplicationRef, application_id
from failover.domain.policy import Mode, Policy
from failover.domain.protecting import begun, details, summary, view_of, with_mode
from failover.domain.request import REQUEST_BYTES_MAX
from failover.domain.rules import HealthRule
from failover.temporal import (
    APPLICATION_WORKFLOW,
    PROTECTION_QUEUE,
    TASK_TIMEOUT,
    VIEW_MEMO,
    shown_in_lists,
)
from triggers.asking import CALL_TIMEOUT, asking
from triggers.policies import PolicySet
from triggers.reading import application_of
from triggers.sharing import SharedViews
from triggers.starting import RequestTooLarge

LISTED_MAX = 100_000
PAGE_SIZE = 1000
LOOK_AGAIN_SECONDS = 0.05
_PREFIX = "application"


@dataclass(frozen=True)
class Protection:
    """One protection as Temporal has stored it."""

    id: str
    run_id: str
    view: ApplicationView
    started_at: datetime
    """When it was declared, suspended or resumed last: each of these begins a new run."""

    @property
    def application(self) -> ApplicationRef:
        """What is protected."""
        return self.view.application


def declaration_of(
    application: ApplicationRef,
    policy: Policy,
    policies: PolicySet,
    labels: dict[str, str],
    mode: Mode,
    *,
    source: str = "",
    actor: str = "",
) -> Declaration:
    """What these policies say about an application, with its mode written out."""
    rule: HealthRule | None = policies.rule_of(application.group_kind)
    return Declaration(
        policy=with_mode(policy, mode),
        overrides=policies.overrides_of(application, labels),
        health_rule=rule,
        source=source,
        actor=actor,
    )


async def declare(client: Client, application: ApplicationRef, declaration: Declaration) -> str:
    """Protect an application like this from now on; the id. Raises `RequestTooLarge`, `TemporalUnreachable`."""
    how: _How = {
        "id_conflict_policy": WorkflowIDConflictPolicy.USE_EXISTING,
        "start_signal": "declare",
        "start_signal_args": [declaration],
    }
    return await _started(client, application, declaration, how)


async def declare_new(
    client: Client, application: ApplicationRef, declaration: Declaration
) -> bool:
    """The same for what nobody protects; `False`, and nothing is done, where somebody does by now."""
    how: _How = {"id_conflict_policy": WorkflowIDConflictPolicy.FAIL}
    try:
        await _started(client, application, declaration, how)
    except WorkflowAlreadyStartedError:
        return False
    return True


async def suspend(client: Client, application: ApplicationRef, suspension: Suspension) -> None:
    """Let nothing be started by itself. Raises `NotFound` where it is not protected."""
    await _signal(client, application, "suspend", suspension)


async def resume(client: Client, application: ApplicationRef, order: Order) -> None:
    """End the suspension. Raises `NotFound` where it is not protected."""
    await _signal(client, application, "resume", order)


async def unprotect(client: Client, application: ApplicationRef, order: Order) -> None:
    """End the protection. Raises `NotFound` where there is none."""
    await _signal(client, application, "unprotect", order)


async def wake(client: Client, application: ApplicationRef) -> bool:
    """Let the protection look; `False` where there is none."""
    try:
        await _signal(client, application, "wake")
    except NotFound:
        return False
    return True


async def protection(client: Client, application: ApplicationRef) -> Protection | None:
    """The protection as the server has it this moment; `None` where there is none."""
    try:
        with asking(f"look at {application_id(application)}"):
            handle = client.get_workflow_handle(application_id(application))
            described = await handle.describe(rpc_timeout=CALL_TIMEOUT)
            if described.status is not WorkflowExecutionStatus.RUNNING:
                return None
            return await _protection(described)
    except NotFound:
        return None


async def list_protections(
    client: Client,
    *,
    namespace: str = "",
    since: datetime | None = None,
    known: Mapping[str, Protection] | None = None,
    shared: SharedViews | None = None,
) -> list[Protection]:
    """The open protections, by name; of a namespace, or only those declared since then.

    Reading views is most of the work of a list, so what is `known` by its run is given as it is.
    """
    query = f"WorkflowType = '{APPLICATION_WORKFLOW}' AND ExecutionStatus = 'Running'"
    if namespace:
        query += f" AND WorkflowId STARTS_WITH '{_PREFIX}/{namespace}/'"
    if since is not None:
        query += f" AND StartTime >= '{since.isoformat()}'"
    with asking("list the protections"):
        listed = client.list_workflows(query, limit=LISTED_MAX, page_size=PAGE_SIZE)
        known, shared = known or {}, shared or SharedViews()
        found = [known.get(each.run_id) or await _protection(each, shared) async for each in listed]
    return sorted(filter(None, found), key=lambda each: each.id)


async def list_ended(client: Client, *, since: datetime) -> dict[ApplicationRef, datetime]:
    """The protections that have ended since then, and when; some may have been declared again."""
    query = (
        f"WorkflowType = '{APPLICATION_WORKFLOW}' AND CloseTime >= '{since.isoformat()}' "
        "AND ExecutionStatus IN ('Completed', 'Canceled', 'Terminated', 'Failed')"
    )
    with asking("list the protections that have ended"):
        listed = client.list_workflows(query, limit=LISTED_MAX, page_size=PAGE_SIZE)
        found = [each async for each in listed]
    return {
        application_of(each.id): each.close_time
        for each in reversed(found)
        if each.close_time is not None
    }


async def until(
    client: Client,
    application: ApplicationRef,
    wanted: Callable[[Protection | None], bool],
    *,
    within_seconds: float,
) -> bool:
    """Whether the protection (or `None`) is as wanted by then; it stays as it is while no worker is up."""
    try:
        async with asyncio.timeout(within_seconds):
            while not wanted(await protection(client, application)):  # noqa: ASYNC110 - on a server
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
    except TimeoutError:
        return False
    return True


class _How(TypedDict):
    """What is done where a run is there already."""

    id_conflict_policy: WorkflowIDConflictPolicy
    start_signal: NotRequired[str]
    start_signal_args: NotRequired[Sequence[object]]


async def _started(
    client: Client, application: ApplicationRef, declaration: Declaration, how: _How
) -> str:
    request = begun(application, declaration)
    _check_size(request)
    attributes = TypedSearchAttributes(shown_in_lists(view_of(request)))
    with asking(f"protect {application}"):
        try:
            return await _start(client, request, attributes, how)
        except RPCError as error:
            # As with failovers: before the first worker the search attributes may not be there.
            if (
                error.status is not RPCStatusCode.INVALID_ARGUMENT
                or "earch attribute" not in error.message
            ):
                raise
        return await _start(client, request, TypedSearchAttributes.empty, how)


async def _start(
    client: Client, request: ApplicationRequest, attributes: TypedSearchAttributes, how: _How
) -> str:
    view = view_of(request)
    handle = await client.start_workflow(
        APPLICATION_WORKFLOW,
        request,
        id=application_id(request.application),
        task_queue=PROTECTION_QUEUE,
        task_timeout=TASK_TIMEOUT,
        memo={VIEW_MEMO: view},
        search_attributes=attributes,
        static_summary=summary(view)[:200],
        static_details=details(view)[:16_000],
        rpc_timeout=CALL_TIMEOUT,
        **how,
    )
    return handle.id


def _check_size(request: ApplicationRequest) -> None:
    size = len(request.model_dump_json().encode())
    if size > REQUEST_BYTES_MAX:
        declaration = request.declaration
        message = (
            f"the policy {declaration.policy} with its {len(declaration.overrides)} overrides is {size} bytes, more "
            f"than {REQUEST_BYTES_MAX}; leave out overrides that are not about {request.application}"
        )
        raise RequestTooLarge(message)


async def _signal(
    client: Client, application: ApplicationRef, signal: str, *arguments: object
) -> None:
    workflow_id = application_id(application)
    try:
        with asking(f"{signal} {workflow_id}"):
            handle = client.get_workflow_handle(workflow_id)
            await handle.signal(signal, args=arguments, rpc_timeout=CALL_TIMEOUT)
    except NotFound as error:
        message = f"{application} is not protected; `failover get applications -A` shows what is"
        raise NotFound(message) from error


async def _protection(
    found: WorkflowExecution, shared: SharedViews | None = None
) -> Protection | None:
    """What a run says of itself; `None` for one whose memo cannot be read, as of another release."""
    try:
        raw = (await found.memo()).get(VIEW_MEMO)
        view = (shared or SharedViews()).read(raw)
    except ValidationError:
        return None
    return Protection(found.id, found.run_id, view, found.start_time)


def by_application(found: Iterable[Protection]) -> dict[ApplicationRef, Protection]:
    """The protections, to look one up."""
    return {each.application: each for each in found}
