"""Everything about Temporal that more than one place has to agree on.

Names on the wire (queues, workflow names, search attributes) live here once. Connection settings are
Temporal's own: profiles and `TEMPORAL_*` variables, read by `temporalio.envconfig`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Container, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import UpdateNamespaceInfo
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode

from failover.domain.application import ApplicationView
from failover.domain.errors import DefiniteError, TransientError
from failover.domain.identity import ApplicationRef, bounded_id

logger = logging.getLogger(__name__)

TASK_QUEUE = "failover"
"""One queue for workflows and activities: eager dispatch works only on the workflow's own."""

CROWD_QUEUE = "failover-crowd"
"""Captures whose tolerations end together: a worker takes few of them at a time, and what still lies in the queue
costs nothing, while an activity that waits in a worker heartbeats."""

PROTECTION_QUEUE = "failover-protections"
"""Protections and their looks: ten thousand of them that are declared or woken together stand in nobody's way."""

FAILOVER_WORKFLOW = "Failover"
PAUSE_WORKFLOW = "Pause"
APPLICATION_WORKFLOW = "Application"
SWEEP_WORKFLOW = "Sweep"

SWEEP_ACTIVITY = "sweep_applications"

SWEEP_ID = "sweep"
"""The schedule's id, and with a time behind it that of each sweep."""

WAKE_SIGNAL = "wake"
"""Look again now: failovers and protections both know it."""

VIEW_MEMO = "view"
"""Under this key a protection's memo holds its `ApplicationView`."""

ACCOUNT_MEMO = "account"
"""Under this key the memo of an ended failover holds its `Account`."""

TASK_TIMEOUT = timedelta(seconds=3)
"""Bounds what a workflow task costs that was handed to a worker in the moment of its death."""

STICKY_TIMEOUT = timedelta(seconds=1)

FLEET_KEY = "stateful-failover.dev/fleet"
"""Where the namespace's own data says whose it is."""

ADDRESS_DEFAULT = "localhost:7233"


class TemporalUnreachable(TransientError):
    """No Temporal server answers at the address."""


class SearchAttributesMissing(DefiniteError):
    """The search attributes are not there and could not be added."""


class AnotherFleet(DefiniteError):
    """The Temporal namespace belongs to another fleet."""


class SEARCH:
    """The registry: all search attributes of the engine (SQL stores have ten Keyword slots)."""

    application = SearchAttributeKey.for_keyword("FailoverApplication")
    phase = SearchAttributeKey.for_keyword("FailoverPhase")
    outcome = SearchAttributeKey.for_keyword("FailoverOutcome")
    source = SearchAttributeKey.for_keyword("FailoverFrom")
    to = SearchAttributeKey.for_keyword("FailoverTo")
    trigger = SearchAttributeKey.for_keyword("FailoverTrigger")
    reason = SearchAttributeKey.for_keyword("FailoverReason")
    detected_at = SearchAttributeKey.for_datetime("FailoverDetectedAt")
    generation = SearchAttributeKey.for_int("FailoverGeneration")


SEARCH_ATTRIBUTES: Sequence[SearchAttributeKey[Any]] = (
    SEARCH.application,
    SEARCH.phase,
    SEARCH.outcome,
    SEARCH.source,
    SEARCH.to,
    SEARCH.trigger,
    SEARCH.reason,
    SEARCH.detected_at,
    SEARCH.generation,
)


def application_keyword(application: ApplicationRef) -> str:
    """The value of `FailoverApplication`."""
    return bounded_id(application.key)


def shown_in_lists(view: ApplicationView) -> list[SearchAttributePair[Any]]:
    """The search attributes of a protection; what is not known of it yet has none."""
    known = view.known
    pairs: list[SearchAttributePair[Any]] = [
        SearchAttributePair(SEARCH.application, application_keyword(view.application)),
        SearchAttributePair(SEARCH.phase, view.phase.value),
        SearchAttributePair(SEARCH.generation, known.generation),
    ]
    if known.home:
        pairs.append(SearchAttributePair(SEARCH.source, known.home))
    if known.health is not None:
        pairs.append(SearchAttributePair(SEARCH.reason, known.health.reason))
    return pairs


def ui_link(ui: str, namespace: str, workflow_id: str, run_id: str = "") -> str:
    """Where Temporal's Web UI shows a run; empty where its address is not known (FAILOVER_UI)."""
    if not ui:
        return ""
    place = f"{ui.rstrip('/')}/namespaces/{namespace}/workflows"
    run = f"/{run_id}/history" if run_id else ""
    return f"{place}/{quote(workflow_id, safe='')}{run}"


async def connect(
    *,
    address: str = "",
    namespace: str = "",
    identity: str = "",
    runtime: Runtime | None = None,
    lazy: bool = False,
) -> Client:
    """Connect as Temporal's profile and environment say; the arguments win. Raises `TemporalUnreachable`."""
    config: dict[str, Any] = dict(ClientConfig.load_client_connect_config())
    if address:
        config["target_host"] = address
    if namespace:
        config["namespace"] = namespace
    target = config.setdefault("target_host", ADDRESS_DEFAULT)
    try:
        return await Client.connect(
            **config,
            data_converter=pydantic_data_converter,
            identity=identity or None,
            runtime=runtime,
            lazy=lazy,
        )
    except RuntimeError as error:
        message = (
            f"no Temporal server answers at {target} (set TEMPORAL_ADDRESS or a profile, or start one with "
            "`failover up`)"
        )
        raise TemporalUnreachable(message) from error


async def ensure_search_attributes(client: Client, *, deadline_seconds: float = 30) -> None:
    """Add the search attributes that are missing, and wait until all can be used.

    Raises `SearchAttributesMissing`, with the command that adds them, where we may not add them.
    """
    until = asyncio.get_running_loop().time() + deadline_seconds
    while True:
        missing = lacking(await _existing(client))
        if not missing:
            return
        try:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
            )
        except RPCError as error:
            if (
                error.status is not RPCStatusCode.ALREADY_EXISTS
                and asyncio.get_running_loop().time() > until
            ):
                message = (
                    f"the Temporal namespace {client.namespace} lacks search attributes, and we cannot add them "
                    f"({error.message[:200]}); run once, as somebody who may: {command_to_add(client, missing)}"
                )
                raise SearchAttributesMissing(message) from error
        await asyncio.sleep(0.1)


def lacking(there: Container[str]) -> dict[str, IndexedValueType.ValueType]:
    """The search attributes of the engine that are not among these, each with its type."""
    return {
        key.name: IndexedValueType.ValueType(key.indexed_value_type.value)
        for key in SEARCH_ATTRIBUTES
        if key.name not in there
    }


def command_to_add(client: Client, missing: Mapping[str, IndexedValueType.ValueType]) -> str:
    """What a person types who may add them."""
    kinds = {
        name: IndexedValueType.Name(kind).removeprefix("INDEXED_VALUE_TYPE_").title()
        for name, kind in missing.items()
    }
    flags = " ".join(f"--name {name} --type {kind}" for name, kind in kinds.items())
    return f"temporal operator search-attribute create --namespace {client.namespace} {flags}"


async def claim_namespace(client: Client, fleet: str) -> None:
    """Make this fleet the one of the Temporal namespace. Raises `AnotherFleet`.

    Ids name applications, not clusters: two fleets in one namespace would move each other's. Where
    the server does not let us write the namespace's data (Temporal Cloud), nothing is checked.
    """
    described = await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=client.namespace)
    )
    there = described.namespace_info.data.get(FLEET_KEY, "")
    if there == fleet:
        return
    if there:
        message = (
            f"the Temporal namespace {client.namespace} belongs to the fleet {there!r}, not {fleet!r}: one fleet per "
            "namespace; use another one (TEMPORAL_NAMESPACE), or give the fleet file the name it had"
        )
        raise AnotherFleet(message)
    update = UpdateNamespaceRequest(
        namespace=client.namespace, update_info=UpdateNamespaceInfo(data={FLEET_KEY: fleet})
    )
    try:
        await client.workflow_service.update_namespace(update)
    except RPCError as error:
        logger.warning("the namespace cannot be marked as this fleet's: %s", error.message)


async def _existing(client: Client) -> set[str]:
    try:
        listed = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
    except RPCError as error:
        message = f"Temporal does not list its search attributes: {error.message}"
        raise TemporalUnreachable(message) from error
    return set(listed.custom_attributes)
