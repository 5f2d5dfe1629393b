"""Policies as objects of a scripted cluster: what is in force, and what is said on them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from failover.domain.errors import (
    ClusterUnreachable,
    FailoverError,
    Forbidden,
    UnknownKind,
)
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, name_of
from failover.domain.rbac import POLICY_KINDS
from failover.fleet import Change
from tests.support.definitions import changed, policy
from tests.unit.triggers.clusters import ScriptedCluster, as_cluster
from triggers.conditions import Conditions
from triggers.objects import PolicyObjects
from triggers.policies import PolicySet

POLICY, RULE, KARMADA = POLICY_KINDS[0], POLICY_KINDS[1], POLICY_KINDS[2]
TOLERATION = "spec.failover.application.decisionConditions"
BAD = {"rules": [{"aliasLabelName": "example.com/job", "jsonPath": "{ .jobStatus"}]}


class Home(ScriptedCluster):
    """A cluster that holds policies, and keeps the statuses that are written."""

    def __init__(self) -> None:
        """Its first three kinds are served, and empty."""
        super().__init__("home")
        self.written: asyncio.Queue[tuple[str, Manifest]] = asyncio.Queue()
        self.forbidden = False
        self.held: dict[GroupKind, list[Manifest]] = {}
        self.hidden: FailoverError = UnknownKind("no such kind")
        for kind in POLICY_KINDS[3:]:
            self.tell(kind, Change("Stale", {}, "UnknownKind", "no such kind"))

    async def list(self, kind: GroupKind, namespace: str = "") -> Sequence[Manifest]:
        """What it holds of a kind, asked once and in all namespaces."""
        assert not namespace
        if kind not in self.held:
            raise self.hidden
        return self.held[kind]

    async def patch(
        self, _kind: GroupKind, _namespace: str, name: str,
        operations: Sequence[dict[str, Any]], *, subresource: str,
    ) -> None:  # fmt: skip
        """Keep a status, if that is allowed."""
        if self.forbidden:
            raise Forbidden("patch FailoverPolicy: forbidden")
        assert subresource == "status"
        self.written.put_nowait((name, operations[-1]["value"]))


@asynccontextmanager
async def reading(home: Home) -> AsyncGenerator[AsyncGenerator[PolicySet, None], None]:
    """The sets of a cluster; whoever waits for one that does not come fails soon."""
    sets = PolicyObjects(as_cluster(home), Conditions()).sets()
    try:
        async with asyncio.timeout(20):
            yield sets
    finally:
        await sets.aclose()


def stored(manifest: Manifest, generation: int = 1, uid: str = "") -> Manifest:
    """An object as the API server gives it."""
    name = name_of(manifest)
    more = {"uid": uid or f"u-{name}", "generation": generation, "resourceVersion": str(generation)}
    return {**manifest, "metadata": {**manifest["metadata"], **more}}


def tolerations(policies: PolicySet) -> dict[str, int]:
    """The policies in force, with their tolerations."""
    return {
        each.name: each.active.decision_conditions.toleration_seconds for each in policies.policies
    }


def condition(status: Manifest, kind: str) -> tuple[str, str, str]:
    """Status, reason and message of a condition."""
    (found,) = [each for each in status["conditions"] if each["type"] == kind]
    return found["status"], found["reason"], found["message"]


async def test_the_whole_set_comes_once_every_kind_was_looked_at() -> None:
    """A kind that is not served has no objects; one that was not seen yet holds up the first set."""
    home = Home()
    home.give(POLICY, stored(policy("shop")))
    home.give(RULE)
    async with reading(home) as sets:
        first = asyncio.ensure_future(anext(sets))
        done, _ = await asyncio.wait({first}, timeout=0.3)
        assert not done
        home.give(KARMADA)
        found = await first
    assert tolerations(found) == {"orders": 300}
    assert found.whole


async def test_a_change_is_taken_up_and_a_wrong_one_leaves_the_last_good_in_force() -> None:
    """Until it is mended; the object says so itself, and others are not touched."""
    home = Home()
    first, other = policy("shop"), policy("shop", "clicks")
    home.give(POLICY, stored(first), stored(other))
    home.give(RULE)
    home.give(KARMADA)
    async with reading(home) as sets:
        assert tolerations(await anext(sets)) == {"orders": 300, "clicks": 300}
        told = dict([await home.written.get(), await home.written.get()])
        assert condition(told["orders"], "Ready")[:2] == ("True", "InForce")
        assert told["orders"]["mode"] == "Automatic"
        assert told["orders"]["applications"] == "FlinkDeployment/orders"
        second = changed(first, TOLERATION, {"tolerationSeconds": 5})
        home.tell(POLICY, Change("Present", stored(second, 2)))
        assert tolerations(await anext(sets)) == {"orders": 5, "clicks": 300}
        await home.written.get()
        wrong = changed(second, "spec.failover.application.statePreservation", BAD)
        home.tell(POLICY, Change("Present", stored(wrong, 3)))
        found = await anext(sets)
        assert tolerations(found) == {"orders": 5, "clicks": 300}
        assert not found.whole
        name, status = await home.written.get()
        assert name == "orders"
        accepted, ready = condition(status, "Accepted"), condition(status, "Ready")
        assert accepted[:2] == ("False", "NotAccepted")
        assert "statePreservation.rules[0].jsonPath" in accepted[2]
        assert ready[:2] == ("False", "LastGoodInForce")
        assert "generation 2 stays in force" in ready[2]
        assert (status["observedGeneration"], status["generationInForce"]) == (3, 2)
        home.tell(POLICY, Change("Deleted", stored(wrong, 3)))
        assert tolerations(await anext(sets)) == {"clicks": 300}


async def test_asked_once_it_gives_what_can_be_used() -> None:
    """What cannot be is named and left out; a kind that is not served has no objects, and nothing is written."""
    home = Home()
    wrong = changed(policy("shop", "clicks"), "spec.failover.application.statePreservation", BAD)
    home.held = {POLICY: [stored(policy("shop")), stored(wrong)], RULE: []}
    found = await PolicyObjects(as_cluster(home)).read()
    assert tolerations(found) == {"orders": 300}
    assert [each.origin for each in found.problems] == ["cluster home: FailoverPolicy shop/clicks"]
    assert home.written.empty()


@pytest.mark.parametrize(
    ("hidden", "told"),
    [
        pytest.param(Forbidden("not allowed"), "--holds-policies", id="forbidden"),
        pytest.param(ClusterUnreachable("no answer"), "no answer", id="silent"),
    ],
)
async def test_asked_once_it_gives_nothing_where_a_kind_is_hidden(
    hidden: FailoverError, told: str
) -> None:
    """Half of the policies may mean something else than all of them."""
    home = Home()
    home.held, home.hidden = {POLICY: [stored(policy("shop"))]}, hidden
    with pytest.raises(type(hidden), match=told):
        await PolicyObjects(as_cluster(home)).read()


async def test_what_cannot_be_seen_any_more_changes_nothing() -> None:
    """The policies stay in force, and the set says that it may not be whole."""
    home = Home()
    home.give(POLICY, stored(policy("shop")))
    home.give(RULE)
    home.give(KARMADA)
    async with reading(home) as sets:
        await anext(sets)
        home.tell(POLICY, Change("Stale", {}, "ClusterUnreachable", "home is silent"))
        found = await anext(sets)
    assert tolerations(found) == {"orders": 300}
    assert not found.whole


async def test_a_missing_right_to_write_is_a_line_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Said once, and the policies are in force all the same."""
    home = Home()
    home.forbidden = True
    home.give(POLICY, stored(policy("shop")), stored(policy("shop", "clicks")))
    home.give(RULE)
    home.give(KARMADA)
    async with reading(home) as sets:
        await anext(sets)
        second = changed(policy("shop"), TOLERATION, {"tolerationSeconds": 5})
        home.tell(POLICY, Change("Present", stored(second, 2)))
        assert tolerations(await anext(sets)) == {"orders": 5, "clicks": 300}
        home.forbidden = False
        home.tell(POLICY, Change("Present", stored(second, 2)))
        await home.written.get()
    assert caplog.text.count("cannot be written") == 1


async def test_a_status_that_says_it_all_is_not_written_again() -> None:
    """Nor is the same said twice: two watchers would answer each other for ever."""
    home = Home()
    one = stored(policy("shop"))
    home.give(POLICY, one)
    home.give(RULE)
    home.give(KARMADA)
    async with reading(home) as sets:
        await anext(sets)
        _, status = await home.written.get()
        home.tell(POLICY, Change("Present", {**one, "status": status}))
        home.tell(POLICY, Change("Present", {**one, "status": {"conditions": []}}))
        home.tell(POLICY, Change("Present", stored(policy("shop", "clicks"))))
        await anext(sets)
        assert (await home.written.get())[0] == "clicks"
