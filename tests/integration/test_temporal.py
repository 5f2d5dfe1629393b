"""What is set up on Temporal before a worker polls."""

from __future__ import annotations

import asyncio
import shlex
from typing import Any

import pytest
from temporalio.service import RPCError, RPCStatusCode

from cli.doctor.temporal import examine
from devstack.binaries import provide
from devstack.products import TEMPORAL
from devstack.world import World
from failover.temporal import (
    SEARCH_ATTRIBUTES,
    AnotherFleet,
    SearchAttributesMissing,
    TemporalUnreachable,
    claim_namespace,
    connect,
    ensure_search_attributes,
)
from tests.support.namespaces import namespaced


async def test_one_fleet_per_namespace(world: World) -> None:
    """The first fleet keeps it; another one is refused, by name."""
    client = await namespaced(world)
    await claim_namespace(client, "one")
    with pytest.raises(AnotherFleet, match="'one', not 'two'"):
        await claim_namespace(client, "two")


async def test_search_attributes_are_added_once(world: World) -> None:
    """They are there afterwards, and asking again changes nothing."""
    client = await namespaced(world)
    await ensure_search_attributes(client)
    await ensure_search_attributes(client)
    assert len({key.name for key in SEARCH_ATTRIBUTES}) == len(SEARCH_ATTRIBUTES)


async def test_who_may_not_add_them_has_the_command_for_who_may(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`doctor` has the same one, and with it they are there."""
    client = await namespaced(world)

    async def refuse(*_: Any, **__: Any) -> None:
        raise RPCError("Request unauthorized.", RPCStatusCode.PERMISSION_DENIED, b"")

    monkeypatch.setattr(client.operator_service, "add_search_attributes", refuse)
    with pytest.raises(SearchAttributesMissing) as caught:
        await ensure_search_attributes(client, deadline_seconds=0)
    told, _, command = caught.value.message.partition("; run once, as somebody who may: ")
    assert told == (
        f"the Temporal namespace {client.namespace} lacks search attributes, and we cannot add them (Request unauthorized.)"
    )
    examined = [each async for each in examine(client)]
    assert (examined[0].level, examined[0].reason) == ("fail", "SearchAttributesMissing")
    assert examined[0].remedy == command
    program, *arguments = shlex.split(command)
    whole = (*provide((TEMPORAL,))[program], *arguments, "--address", world.temporal_address)
    process = await asyncio.create_subprocess_exec(*whole)
    assert await process.wait() == 0
    await ensure_search_attributes(client)


async def test_no_server_is_one_clear_error() -> None:
    """The address and the remedy are named."""
    with pytest.raises(TemporalUnreachable, match=r"127\.0\.0\.1:9 .*failover up"):
        await connect(address="127.0.0.1:9")
