"""What an application names is read on its source, all of it or nothing."""

from __future__ import annotations

from typing import Any, cast

import pytest

from activities.dependents import DEPENDENTS_MAX, needs_on
from failover.domain.errors import DefiniteError
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest
from failover.domain.policy import Policy
from failover.fleet import Cluster
from tests.support.objects import deployment
from tests.support.policies import policy_of


class Source:
    """A cluster that has whatever it is asked for, and counts how often."""

    name = "east"

    def __init__(self) -> None:
        self.asked = 0

    async def find(self, kind: GroupKind, namespace: str, name: str) -> Manifest | None:
        """An empty ConfigMap."""
        self.asked += 1
        return {"kind": kind.kind, "metadata": {"namespace": namespace, "name": name}}


def naming(count: int) -> Manifest:
    """A Deployment whose pods read their environment from so many ConfigMaps."""
    manifest: dict[str, Any] = deployment("orders")
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    container["envFrom"] = [{"configMapRef": {"name": f"env-{n}"}} for n in range(count)]
    return manifest


async def needed(source: Source, count: int, policy: Policy) -> int:
    """How many objects are to move along."""
    return len(await needs_on(cast("Cluster", source), policy, naming(count)))


async def test_whoever_names_too_much_is_told_what_to_do() -> None:
    """Of 201 none is read, let alone moved; without them, as the message advises, it moves."""
    source, policy = Source(), policy_of("orders", spec={"propagateDeps": True})
    assert await needed(source, DEPENDENTS_MAX, policy) == source.asked == DEPENDENTS_MAX
    with pytest.raises(DefiniteError) as caught:
        await needed(source, DEPENDENTS_MAX + 1, policy)
    assert source.asked == DEPENDENTS_MAX
    assert caught.value.reason == "TooManyDependents"
    assert caught.value.message == (
        "Deployment/orders in shop on east names 201 dependents, of which at most 200 are moved; split it, or set "
        "propagateDeps: false in a FailoverPolicy and bring them to the target yourself"
    )
    assert await needed(source, DEPENDENTS_MAX + 1, policy_of("orders")) == 0
