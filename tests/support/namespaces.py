"""Temporal namespaces of a test's own: other workers do not see what is in them."""

from __future__ import annotations

import uuid
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from devstack.world import World
from failover.temporal import connect
from tests.support.waiting import eventually


async def namespaced(world: World) -> Client:
    """A client of a new namespace."""
    name = f"t-{uuid.uuid4().hex[:10]}"
    client = await connect(address=world.temporal_address, namespace=name)
    retention = Duration()
    retention.FromTimedelta(timedelta(days=1))
    await client.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace=name, workflow_execution_retention_period=retention)
    )

    async def there() -> bool:
        try:
            await client.count_workflows()
        except RPCError:
            return False  # the servers' caches of namespaces take a moment
        return True

    await eventually(there, f"the namespace {name} is known")
    return client
