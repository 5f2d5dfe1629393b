"""The admission guard: nobody but a newer failover creates an application where it has left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from devstack.errors import ApiError
from failover.domain.identity import record_name
from failover.domain.phases import Outcome
from tests.support.guard import IDENTITIES, NOTICES, Identity, empty_deployment, guarded
from tests.support.saga import FLINK, GROUP, KIND, NAMESPACE, Application, Saga
from tests.support.waiting import eventually

ANNA = IDENTITIES["Helm"]
GENERATION = "stateful-failover.dev/generation"


@pytest_asyncio.fixture(loop_scope="session")
async def guard(saga: Saga) -> AsyncIterator[None]:
    """The guard on every cluster of the stage, for one test: others share the stage."""
    async with guarded(saga.world, *saga.world.clusters):
        yield


async def moved(saga: Saga, name: str) -> Application:
    """An application that a failover has taken from east to west."""
    app = await saga.ill_application(name)
    await app.start()
    await app.moved("west")
    return app


async def moved_on(app: Application) -> None:
    """It falls ill where it is now, and is moved once more."""
    there = await app.running("west")
    app.home, app.uid = "west", there["metadata"]["uid"]
    await app.fall_ill()
    await app.start()
    ending = await app.ends()
    assert ending.outcome is Outcome.COMPLETED, ending
    assert ending.result is not None
    assert ending.result.target == "east"


def copy_of(name: str, **metadata: Any) -> dict[str, Any]:
    """The application as its Git repository has it."""
    return {
        "apiVersion": f"{GROUP}/v1beta1",
        "kind": KIND,
        "metadata": {"name": name, "namespace": NAMESPACE, **metadata},
        "spec": {"image": "flink:1.20", "flinkVersion": "v1_20"},
    }


async def create(
    saga: Saga, name: str, cluster: str = "east", by: Identity = ANNA, **metadata: Any
) -> None:
    """Somebody creates it there."""
    await by.create(saga.world, cluster, FLINK, copy_of(name, **metadata))


async def refusal(
    saga: Saga, app: Application, cluster: str = "east", by: Identity = ANNA, **metadata: Any
) -> ApiError:
    """What somebody is told there, once the API server has heard of the notice."""

    async def denied() -> ApiError | None:
        try:
            await create(saga, app.name, cluster, by, **metadata)
        except ApiError as error:
            return error
        await saga.world.api(cluster).delete(app.path)
        return None

    return await eventually(denied, f"{app.name} is refused on {cluster}")


async def notice(saga: Saga, app: Application, cluster: str) -> dict[str, Any] | None:
    """What the cluster says about where the application lives."""
    return await saga.world.api(cluster).find(f"{NOTICES}/{record_name(app.ref)}")


@pytest.mark.usefixtures("guard")
async def test_nobody_creates_it_again_where_it_has_left(saga: Saga) -> None:
    """Argo CD, Helm and Karmada, all with every right, are told where it lives, and what to do."""
    app = await moved(saga, "left")
    for who, identity in IDENTITIES.items():
        refused = await refusal(saga, app, by=identity)
        told = str(refused)
        assert refused.status == 403, who
        assert f"{app.name} lives on west since 20" in told, told
        assert "UTC; deploy there" in told, told
        assert f"kubectl -n failover-system delete configmap {record_name(app.ref)}" in told
    await app.lives_on("west")


@pytest.mark.usefixtures("guard")
async def test_others_are_not_hindered(saga: Saga) -> None:
    """Another name, another kind of the same name, a generated name, a dry run, another cluster."""
    app = await moved(saga, "neighbour")
    for identity in IDENTITIES.values():
        other = f"{app.name}-beside"
        await create(saga, other, by=identity)
        await saga.world.api("east").delete(f"{FLINK}/{other}")
    deployments = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
    await ANNA.create(saga.world, "east", deployments, empty_deployment(app.name))
    await saga.world.api("east").delete(f"{deployments}/{app.name}")
    generated = copy_of("")
    generated["metadata"] = {"generateName": f"{app.name}-", "namespace": NAMESPACE}
    made = await saga.world.api("east").create(FLINK, generated)
    await saga.world.api("east").delete(f"{FLINK}/{made['metadata']['name']}")
    await saga.world.api("east").request(
        "POST", FLINK, body=copy_of(app.name), params={"dryRun": "All"}
    )
    await create(saga, app.name, cluster="north")
    await saga.world.api("north").delete(f"{FLINK}/{app.name}")


@pytest.mark.usefixtures("guard")
async def test_a_failover_brings_it_back(saga: Saga) -> None:
    """The newer move passes; then the notice is where the application is not, and nowhere else."""
    app = await moved(saga, "back")
    assert await notice(saga, app, "west") is None
    await moved_on(app)
    await app.lives_on("east")
    assert await notice(saga, app, "east") is None
    left = await notice(saga, app, "west")
    assert left is not None
    assert (left["data"]["home"], left["data"]["generation"]) == ("east", "2")
    assert "lives on east" in str(await refusal(saga, app, "west"))


@pytest.mark.usefixtures("guard")
async def test_the_mark_of_an_older_move_does_not_pass(saga: Saga) -> None:
    """A create that a frozen process had left to send, or an object from a backup, comes too late."""
    app = await moved(saga, "frozen")
    await moved_on(app)
    for generation in ("1", "2", "x"):
        marked = {"annotations": {GENERATION: generation}}
        refused = await refusal(saga, app, "west", IDENTITIES["Karmada"], **marked)
        assert "lives on east" in str(refused)
    await app.lives_on("east")


@pytest.mark.usefixtures("guard")
async def test_the_command_that_is_told_lifts_it(saga: Saga) -> None:
    """A person who means it deletes the notice, and may create the application there."""
    app = await moved(saga, "meant")
    await saga.world.api("west").delete(app.path)
    await saga.world.api("east").delete(f"{NOTICES}/{record_name(app.ref)}")

    async def passes() -> bool:
        try:
            await create(saga, app.name)
        except ApiError:
            return False
        return True

    await eventually(passes, "the API server has heard of it")


async def test_without_the_guard_nothing_changes(saga: Saga) -> None:
    """A notice alone denies nothing."""
    app = await moved(saga, "unguarded")
    assert await notice(saga, app, "east") is not None
    await create(saga, app.name)
    await saga.world.api("east").delete(app.path)
