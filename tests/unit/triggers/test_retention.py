"""Ended runs are kept for at least so long; where Temporal does not say for how long, nothing is claimed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import pytest
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeNamespaceResponse,
    UpdateNamespaceRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from triggers.retention import keep_at_least, retention_of

MONTH = timedelta(days=30)


class Service:
    """A Temporal that keeps ended runs for so long, and remembers what it was told."""

    def __init__(self, kept: timedelta, refusal: RPCStatusCode | None = None) -> None:
        self.namespace, self.workflow_service = "fleet", self
        self.kept, self.refusal = kept, refusal
        self.updates: list[UpdateNamespaceRequest] = []

    @property
    def client(self) -> Client:
        """As what asks knows it."""
        return cast("Client", self)

    async def describe_namespace(
        self, request: DescribeNamespaceRequest, **_: Any
    ) -> DescribeNamespaceResponse:
        """Its namespace; raises what it was made to raise."""
        assert request.namespace == self.namespace
        if self.refusal is not None:
            raise RPCError("no", self.refusal, b"")
        described = DescribeNamespaceResponse()
        described.config.workflow_execution_retention_ttl.FromTimedelta(self.kept)
        return described

    async def update_namespace(self, request: UpdateNamespaceRequest, **_: Any) -> None:
        """Remember it."""
        self.updates.append(request)


async def test_what_is_kept_for_too_short_is_kept_for_longer() -> None:
    """Nothing else of the namespace is touched."""
    service = Service(timedelta(days=1))
    await keep_at_least(service.client, MONTH)
    (update,) = service.updates
    assert update.config.workflow_execution_retention_ttl.ToTimedelta() == MONTH
    assert [each.name for each, _ in update.ListFields()] == ["namespace", "config"]


@pytest.mark.parametrize("kept", [MONTH, timedelta(days=90)], ids=str)
async def test_what_is_kept_as_long_or_longer_stays_so(kept: timedelta) -> None:
    """A person who has asked for more keeps it."""
    service = Service(kept)
    await keep_at_least(service.client, MONTH)
    assert service.updates == []


async def test_who_may_not_ask_does_not_know() -> None:
    """And so does who is told of no time at all."""
    refused = Service(MONTH, RPCStatusCode.PERMISSION_DENIED)
    assert await retention_of(refused.client) is None
    assert await retention_of(Service(timedelta(0)).client) is None
