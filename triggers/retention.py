"""How long Temporal keeps a run that has ended: lists, timelines and reports go no further back.

It counts for what ends from then on: what has ended before goes when it would have gone.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client

from failover.domain.errors import Forbidden
from triggers.asking import CALL_TIMEOUT, asking


async def retention_of(client: Client) -> timedelta | None:
    """That of the client's namespace; `None` where Temporal does not tell us."""
    request = DescribeNamespaceRequest(namespace=client.namespace)
    try:
        with asking("read how long Temporal keeps ended runs"):
            described = await client.workflow_service.describe_namespace(
                request, timeout=CALL_TIMEOUT
            )
    except Forbidden:
        return None
    written = described.config.workflow_execution_retention_ttl
    return written.ToTimedelta() or None


async def keep_at_least(client: Client, wanted: timedelta) -> None:
    """Have ended runs kept for so long; where they are kept longer, somebody wants it so."""
    there = await retention_of(client)
    if there is not None and there >= wanted:
        return
    config = NamespaceConfig()
    config.workflow_execution_retention_ttl.FromTimedelta(wanted)
    request = UpdateNamespaceRequest(namespace=client.namespace, config=config)
    with asking("have Temporal keep ended runs for longer"):
        await client.workflow_service.update_namespace(request, timeout=CALL_TIMEOUT)
