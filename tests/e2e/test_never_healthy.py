"""A new copy that does not get healthy is withdrawn before another one starts; one that gets further is not."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from devstack.flink import APPS, job_manager
from failover.domain.phases import Outcome, Phase
from tests.support.saga import (
    NAMESPACE,
    Application,
    Case,
    Saga,
    never_healthy_on,
    play,
    policy_of,
    report,
)
from tests.support.waiting import eventually

Played = dict[str, BaseException | None]

QUICK = {"healthyWithinSeconds": 1}
SHORT = {"healthyWithinSeconds": 4, "maxSeconds": 4}


async def begun(
    saga: Saga,
    name: str,
    *clusters: str,
    purge_mode: str = "Directly",
    verification: dict[str, int] = QUICK,
) -> Application:
    """A failover whose copies on these clusters never get healthy."""
    app = await saga.ill_application(name)
    policy = policy_of(app.name, purge_mode=purge_mode, verification=verification)
    return await app.start(policy, overrides=never_healthy_on(app.name, *clusters))


async def withdrawn(saga: Saga) -> None:
    """The copy on west never gets healthy: it is gone before the one on north starts."""
    app = await begun(saga, "next", "west")
    await app.moved("north")
    east, west, north = await saga.recorder.copies(NAMESPACE, app.name)
    assert [each.cluster for each in (east, west, north)] == ["east", "west", "north"]
    assert west.gone is not None
    assert west.gone < north.created
    attempted = (await app.status()).attempted
    assert [(each.cluster, each.reason, each.withdrawn) for each in attempted] == [
        ("west", "NoProgress", True)
    ]


async def put_back(saga: Saga) -> None:
    """No candidate brings it up: all are withdrawn and the original is started again with its state."""
    app = await begun(saga, "back", "west", "north")
    await app.restored()
    await app.lives_on("east")


async def kept_beside(saga: Saga) -> None:
    """With Gracefully the original is never touched, and runs on."""
    app = await begun(saga, "stays", "west", "north", purge_mode="Gracefully")
    ending = await app.ends()
    assert ending.outcome is Outcome.ROLLED_BACK, ending
    copies = await app.copies()
    assert {name: each["metadata"]["uid"] for name, each in copies.items()} == {"east": app.uid}
    await app.is_tidy("east", home="east")
    await app.kept_its_promises(two_copies=True)


async def restoring(saga: Saga) -> None:
    """More and more of it is ready, for longer than either limit allows without that: it is left to go on."""
    app = await begun(saga, "slow", "west", verification=SHORT)
    await app.shows("Verifying")
    west, workers = saga.world.api("west"), await task_managers(app)
    await app.reports("west", jobStatus={"state": "INITIALIZING"})
    ready = itertools.count(1)

    async def long_since() -> bool:
        counts = {"replicas": 1000, "readyReplicas": next(ready)}
        await west.merge(f"{workers}/status", {"status": counts})
        (*_, verifying) = (await app.status()).steps
        assert verifying.phase is Phase.VERIFYING, verifying
        return datetime.now(UTC) - verifying.started_at > timedelta(seconds=7)

    await eventually(long_since, "it restores for longer than both limits")
    assert not (await app.status()).attempted
    await saga.operator.release("west", NAMESPACE, app.name)
    await app.moved("west")


async def task_managers(app: Application) -> str:
    """The Deployment of the TaskManagers of its copy on west; its path."""
    owned: dict[str, Any] = job_manager(await app.copy("west") or {}, None)
    name = owned["metadata"]["name"] = f"{app.name}-taskmanager"
    owned["metadata"]["labels"] = {**owned["metadata"]["labels"], "component": "taskmanager"}
    place = f"{APPS}/namespaces/{NAMESPACE}/deployments"
    await app.saga.world.api("west").create(place, owned)
    return f"{place}/{name}"


async def vanished(saga: Saga) -> None:
    """Somebody deletes the copy on west before it is healthy: west is given up at once, and north is next."""
    app = await begun(saga, "vanishes", "west", verification={})
    await app.shows("Verifying")
    await saga.world.api("west").delete(app.path)
    await app.moved("north")
    attempted = (await app.status()).attempted
    assert [(each.cluster, each.reason) for each in attempted] == [("west", "CopyVanished")]


CASES: dict[str, Case] = {
    "vanished": vanished,
    "withdrawn": withdrawn,
    "put-back": put_back,
    "kept-beside": kept_beside,
    "restoring": restoring,
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(saga: Saga) -> Played:
    """All of them, played side by side."""
    return await play(saga, CASES)


@pytest.mark.parametrize("case", CASES)
async def test_a_copy_is_given_up_only_where_it_gets_no_further(played: Played, case: str) -> None:
    """Whatever becomes of a new copy, no other one starts beside it, and no state is lost."""
    report(played, case)
