"""What is set up on Temporal before a worker polls."""

from __future__ import annotations

import pytest

from devstack.world import World
from failover.temporal import (
    SEARCH_ATTRIBUTES,
    AnotherFleet,
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


async def test_no_server_is_one_clear_error() -> None:
    """The address and the remedy are named."""
    with pytest.raises(TemporalUnreachable, match=r"127\.0\.0\.1:9 .*failover up"):
        await connect(address="127.0.0.1:9")
