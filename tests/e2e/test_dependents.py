"""What an application needs beside itself goes along, and nobody's own is overwritten."""

from __future__ import annotations

import base64
from typing import Any

from failover.domain.phases import Action, Outcome
from tests.support.admission import Place, refuse
from tests.support.saga import NAMESPACE, Application, Ending, Saga, never_healthy_on, policy_of

CONFIG_MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
CREATED_BY = "stateful-failover.dev/created-by-failover"


def config_map(name: str, value: str) -> dict[str, Any]:
    """A ConfigMap."""
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"key": value}}


def secret(name: str) -> dict[str, Any]:
    """A Secret."""
    data = {"password": base64.b64encode(b"correct horse").decode()}
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


async def with_dependents(saga: Saga, name: str) -> Application:
    """An ill application whose pods read a ConfigMap and a Secret."""
    pods = {
        "spec": {
            "containers": [
                {
                    "name": "flink-main-container",
                    "envFrom": [{"configMapRef": {"name": f"{name}-config"}}],
                    "env": [
                        {
                            "name": "PASSWORD",
                            "valueFrom": {
                                "secretKeyRef": {"name": f"{name}-secret", "key": "password"}
                            },
                        }
                    ],
                }
            ]
        }
    }
    east = saga.world.api("east")
    await east.create(CONFIG_MAPS, config_map(f"{name}-config", "from east"))
    await east.create(SECRETS, secret(f"{name}-secret"))
    return await saga.ill_application(name, spec={"podTemplate": pods})


def policy(app: Application, resolution: str = "Abort") -> Any:
    """Dependents go along."""
    spec = {"propagateDeps": True, "conflictResolution": resolution}
    return policy_of(app.name, clusters=["east", "west"], spec=spec)


async def test_dependents_are_created_on_the_target_before_the_copy(saga: Saga) -> None:
    """ConfigMap and Secret are on the target with the same content, marked as created by this failover."""
    app = await with_dependents(saga, "needs")
    await app.start(policy(app))
    await app.moved("west")
    west = saga.world.api("west")
    config = await west.get(f"{CONFIG_MAPS}/needs-config")
    assert config["data"] == {"key": "from east"}
    assert config["metadata"]["annotations"][CREATED_BY].endswith(f"/{app.name}")
    assert (await west.get(f"{SECRETS}/needs-secret"))["data"] == secret("x")["data"]
    assert await saga.world.api("east").find(f"{CONFIG_MAPS}/needs-config"), (
        "it stays on the source"
    )


async def test_a_dependent_that_differs_on_the_target_is_a_refusal(saga: Saga) -> None:
    """Another ConfigMap of that name is on the only target: refused, before anything is touched."""
    app = await with_dependents(saga, "conflicts")
    west = saga.world.api("west")
    await west.create(CONFIG_MAPS, config_map("conflicts-config", "from west"))
    await app.start(policy(app))
    ending = await app.ends()
    assert (ending.outcome, ending.reason) == (Outcome.REFUSED, "DependentConflict")
    assert "conflicts-config" in ending.message
    assert "from west" not in ending.message
    assert (await west.get(f"{CONFIG_MAPS}/conflicts-config"))["data"] == {"key": "from west"}
    await app.was_never_written()


async def test_overwrite_replaces_what_differs(saga: Saga) -> None:
    """With conflictResolution Overwrite the target's ConfigMap gets the source's content."""
    app = await with_dependents(saga, "overwrites")
    west = saga.world.api("west")
    await west.create(CONFIG_MAPS, config_map("overwrites-config", "from west"))
    await app.start(policy(app, "Overwrite"))
    await app.moved("west")
    assert (await west.get(f"{CONFIG_MAPS}/overwrites-config"))["data"] == {"key": "from east"}


async def test_an_equal_dependent_is_kept_as_it_is(saga: Saga) -> None:
    """What is there already with the same content is nobody's business: not even marked."""
    app = await with_dependents(saga, "keeps")
    west = saga.world.api("west")
    before = await west.create(CONFIG_MAPS, config_map("keeps-config", "from east"))
    await app.start(policy(app))
    await app.moved("west")
    after = await west.get(f"{CONFIG_MAPS}/keeps-config")
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


async def test_a_withdrawn_target_keeps_nothing_that_we_created(saga: Saga) -> None:
    """The copy does not get healthy on west: what was created there for it is removed again."""
    app = await with_dependents(saga, "tidies")
    asked = policy_of(
        app.name, spec={"propagateDeps": True}, verification={"healthyWithinSeconds": 1}
    )
    await app.start(asked, overrides=never_healthy_on(app.name, "west"))
    await app.moved("north")
    assert await saga.world.api("west").find(f"{CONFIG_MAPS}/tidies-config") is None
    assert await saga.world.api("west").find(f"{SECRETS}/tidies-secret") is None
    assert await saga.world.api("north").find(f"{SECRETS}/tidies-secret")


async def moved_on(app: Application, cluster: str) -> Application:
    """It lives there now, and falls ill there."""
    there = await app.running(cluster)
    app.home, app.uid = cluster, there["metadata"]["uid"]
    app.job_id = there["status"]["jobStatus"]["jobId"]
    await app.fall_ill()
    return app


async def came_back(app: Application) -> Ending:
    """Move from west, where it had been moved, to east again."""
    await app.start(policy(app))
    ending = await app.ends()
    assert ending.outcome is Outcome.COMPLETED, ending
    await app.lives_on("east")
    await app.is_tidy("east", "west", home="east")
    return ending


async def test_what_an_earlier_move_brought_leaves_with_the_application(saga: Saga) -> None:
    """ConfigMap and Secret were created on west by the first move; after the way back they are gone there."""
    app = await with_dependents(saga, "returns")
    await app.start(policy(app))
    await app.moved("west")
    await moved_on(app, "west")
    ending = await came_back(app)
    assert ending.result is not None
    assert ending.result.leftovers == ()
    west, east = saga.world.api("west"), saga.world.api("east")
    assert await west.find(f"{CONFIG_MAPS}/returns-config") is None
    assert await west.find(f"{SECRETS}/returns-secret") is None
    assert await east.find(f"{CONFIG_MAPS}/returns-config"), "what a person made stays"


async def test_what_somebody_else_needs_stays_on_the_source(saga: Saga) -> None:
    """Another workload reads the ConfigMap, and somebody has written to the Secret: both stay."""
    app = await with_dependents(saga, "shares")
    await app.start(policy(app))
    await app.moved("west")
    west = saga.world.api("west")
    await west.create(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments", reader("shares"))
    label = {"metadata": {"labels": {"team": "theirs"}}}
    await west.merge(f"{SECRETS}/shares-secret", label)
    await moved_on(app, "west")
    await came_back(app)
    assert await west.find(f"{CONFIG_MAPS}/shares-config")
    assert await west.find(f"{SECRETS}/shares-secret")


def reader(name: str) -> dict[str, Any]:
    """A Deployment at rest whose pods would read the ConfigMap."""
    labels = {"app": f"{name}-reader"}
    container = {
        "name": "main",
        "image": "reader",
        "envFrom": [{"configMapRef": {"name": f"{name}-config"}}],
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"{name}-reader", "namespace": NAMESPACE},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
    }


async def test_what_was_overwritten_is_not_taken_away(saga: Saga) -> None:
    """The ConfigMap on west was somebody's before we overwrote it: it stays when west is given up."""
    app = await with_dependents(saga, "gives-up")
    west = saga.world.api("west")
    await west.create(CONFIG_MAPS, config_map("gives-up-config", "from west"))
    asked = policy_of(
        app.name,
        spec={"propagateDeps": True, "conflictResolution": "Overwrite"},
        verification={"healthyWithinSeconds": 1},
    )
    await app.start(asked, overrides=never_healthy_on(app.name, "west"))
    await app.moved("north")
    assert (await west.get(f"{CONFIG_MAPS}/gives-up-config"))["data"] == {"key": "from east"}
    assert await west.find(f"{SECRETS}/gives-up-secret") is None


async def blocked_while_captured(saga: Saga, name: str) -> Application:
    """Blocked in Capturing: west has the record and the ConfigMap, and refuses the Secret."""
    app = await with_dependents(saga, name)
    place = Place("", "v1", "secrets", "Secret", NAMESPACE)
    refusing = await refuse(saga.world.api("west"), place, f"{name}-secret", "CREATE")
    try:
        await app.start(policy(app))
        status = await app.blocks("Forbidden")
        assert status.phase == "Capturing"
    finally:
        await refusing.lift()
    assert await saga.world.api("west").find(f"{CONFIG_MAPS}/{name}-config")
    assert await app.record("west")
    return app


async def test_a_replan_leaves_nothing_on_the_first_target(saga: Saga) -> None:
    """Another target is chosen: what the blocked capture had put on west is gone in the end."""
    app = await blocked_while_captured(saga, "replans")
    elsewhere = policy_of(app.name, clusters=["east", "north"], spec={"propagateDeps": True})
    await app.resolve(Action.REPLAN, policy=elsewhere)
    ending = await app.moved("north")
    assert ending.result is not None
    assert ending.result.leftovers == ()
    assert await saga.world.api("west").find(f"{CONFIG_MAPS}/replans-config") is None
    assert await saga.world.api("north").find(f"{CONFIG_MAPS}/replans-config")


async def test_a_replan_that_is_refused_leaves_nothing_either(saga: Saga) -> None:
    """Under the new policy a rule forbids the move: it ends so, once west is as it was."""
    app = await blocked_while_captured(saga, "refuses")
    forbidden = policy_of(
        app.name, purge_mode="Gracefully", spec={"propagateDeps": True}, allowTwoCopies=False
    )
    await app.resolve(Action.REPLAN, policy=forbidden)
    ending = await app.untouched(Outcome.REFUSED)
    assert ending.reason == "TwoCopiesOfExclusiveState"
    assert await saga.world.api("west").find(f"{CONFIG_MAPS}/refuses-config") is None
