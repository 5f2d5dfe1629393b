"""What is secret in an application stays out of histories, heartbeats, logs and errors."""

from __future__ import annotations

import base64
import uuid

from failover.domain.phases import Action, Outcome
from tests.support.admission import FOR_REAL
from tests.support.saga import NAMESPACE, Application, Saga, policy_of

SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"


async def with_canaries(saga: Saga, name: str, canary: str) -> Application:
    """An ill application with a canary in its environment and in a Secret that it reads."""
    metadata = {"name": f"{name}-secret", "namespace": NAMESPACE}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "data": {"password": base64.b64encode(canary.encode()).decode()},
    }
    await saga.world.api("east").create(SECRETS, secret)
    container = {
        "name": "flink-main-container",
        "env": [{"name": "TOKEN", "value": canary}],
        "envFrom": [{"secretRef": {"name": f"{name}-secret"}}],
    }
    spec = {
        "podTemplate": {"spec": {"containers": [container]}},
        "flinkConfiguration": {"s3.secret-key": canary},
    }
    return await saga.ill_application(name, spec=spec)


def spellings(canary: str) -> set[str]:
    """The canary as it is, and as base64 would show it at each alignment."""
    found = {canary}
    for shift in range(3):
        encoded = base64.b64encode(b"x" * shift + canary.encode()).decode()
        found.add(encoded[4:-4])
    return found


def assert_absent(canary: str, text: str, where: str) -> None:
    """The canary is nowhere in the text."""
    for spelling in spellings(canary):
        assert spelling not in text, f"the secret is in {where}"


async def everything_said(app: Application) -> dict[str, str]:
    """Each text that the failover has left outside of the clusters' own stores."""
    events = [event for name in app.saga.world.clusters for event in await app.events(name)]
    return {
        "the history": await app.history(),
        "the status": (await app.status()).model_dump_json(),
        "the Events": repr(events),
        "the workers' logs": app.saga.crew.logs(),
        "the description": repr((await app.run.describe()).raw_description),
    }


async def check(app: Application, canary: str) -> None:
    """Nothing that was said holds the canary, plain or in base64."""
    for where, text in (await everything_said(app)).items():
        assert_absent(canary, text, where)
        # payloads in a history are base64 themselves: decode what looks like it
    history = await app.run.fetch_history()
    for event in history.events:
        assert_absent(
            canary, event.SerializeToString().decode("latin-1"), f"event {event.event_id}"
        )


async def test_no_secret_is_said_when_all_goes_well(saga: Saga) -> None:
    """A move with a Secret and an environment: neither shows anywhere."""
    canary = f"canary-{uuid.uuid4().hex}"
    app = await with_canaries(saga, "quiet", canary)
    verifying = app.plant("await_healthy", "hold")
    await app.start(policy_of(app.name, spec={"propagateDeps": True}))
    await app.suffers(verifying)
    pending = (await app.run.describe()).raw_description.pending_activities
    assert [each.activity_type.name for each in pending] == ["await_healthy"]
    assert_absent(canary, repr(pending), "what is pending, with its heartbeats")
    assert not pending[0].HasField("heartbeat_details"), "a heartbeat says nothing at all"
    verifying.release()
    await app.moved("west")
    await check(app, canary)
    secret = await saga.world.api("west").get(f"{SECRETS}/quiet-secret")
    assert base64.b64decode(secret["data"]["password"]).decode() == canary, "it did go along"


async def test_no_secret_is_said_when_things_fail(saga: Saga) -> None:
    """A conflict, a refusal and an abort say what is wrong without saying what is secret."""
    canary = f"canary-{uuid.uuid4().hex}"
    app = await with_canaries(saga, "failing", canary)
    metadata = {"name": "failing-secret", "namespace": NAMESPACE}
    other = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "stringData": {"password": canary + "2"},
    }
    await saga.world.api("west").create(SECRETS, other)
    refusing = await app.refuse("north", "CREATE", when=FOR_REAL)
    try:
        await app.start(policy_of(app.name, spec={"propagateDeps": True}))
        ending = await app.restored()
        assert ending.outcome is Outcome.ROLLED_BACK
    finally:
        await refusing.lift()
    await check(app, canary)


async def test_no_secret_is_said_when_the_state_is_missing(saga: Saga) -> None:
    """What a path does not find is told by its path; a blocked status shows no manifest."""
    canary = f"canary-{uuid.uuid4().hex}"
    app = await with_canaries(saga, "stateless", canary)
    await app.start(policy_of(app.name, path="{ .jobStatus.nothing }"))
    await app.blocks("MissingKey")
    await check(app, canary)
    await app.resolve(Action.ABORT)
    await app.untouched()
