"""The webhook on real clusters: an alert moves an application, as often as it is sent."""

from __future__ import annotations

import asyncio
import json
import signal
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from devstack.certificates import Authority
from devstack.errors import ApiError
from devstack.flink import FLINK
from devstack.manifests import install
from failover.domain.identity import ApplicationRef, failover_id
from failover.domain.phases import Outcome
from failover.domain.request import FailoverResult, Limits
from failover.telemetry import Metrics
from failover.temporal import connect
from tests.support.alerts import alert, call
from tests.support.definitions import changed, definitions, policies_of
from tests.support.engine import Engine, failover_policy, write_policy
from tests.support.printed import user_of_role
from tests.support.waiting import eventually
from triggers.admitting import Address, Door
from triggers.connection import Starting
from triggers.generating import Generator
from triggers.homes import Homes
from triggers.in_force import InForce
from triggers.policies import PolicyDirectory
from triggers.receiving import Reading, Receiver
from triggers.requesting import Manner
from triggers.serving import Server, listening

DEADLINE = 30
TOKEN = "a-token-of-some-length"
CLOSED_PORT = "127.0.0.1:1"


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """A directory for policies."""
    directory = tmp_path / "policies"
    directory.mkdir()
    return directory


@asynccontextmanager
async def served(
    engine: Engine, policies: Path, *, temporal: str = ""
) -> AsyncGenerator[str, None]:
    """The webhook; its address."""

    async def connecting() -> Any:
        return await connect(address=temporal or engine.world.temporal_address)

    metrics = Metrics()
    in_force = InForce(PolicyDirectory(policies), metrics)
    receiver = Receiver(
        engine.fleet,
        in_force,
        Starting(connecting),
        metrics,
        Manner(Limits(blocked_after_seconds=3)),
        Reading(),
    )
    door = Door(Address("127.0.0.1", 0))
    generator = Generator(Homes(engine.fleet), engine.fleet.servers)
    following = asyncio.create_task(in_force.follow())
    try:
        async with listening(Server(receiver, generator, metrics, door), door) as port:
            yield f"http://127.0.0.1:{port}/alertmanager"
    finally:
        following.cancel()
        await asyncio.wait({following})


async def post(url: str, body: bytes, **more: Any) -> tuple[int, dict[str, Any]]:
    """Make a call; the status code and the answer."""
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(DEADLINE)) as session,
        session.post(url, data=body, **more) as answer,
    ):
        return answer.status, await answer.json()


def outcomes(answered: tuple[int, dict[str, Any]]) -> list[str]:
    """What became of each alert of an accepted call."""
    status, answer = answered
    assert status == 200, answer
    return [each["outcome"] for each in answer["results"]]


def about(application: ApplicationRef, status: str = "firing", **labels: str) -> dict[str, Any]:
    """An alert that names an application."""
    return alert(
        status=status,
        namespace=application.namespace,
        failover_kind=application.kind,
        failover_name=application.name,
        **labels,
    )


async def ending(engine: Engine, application: ApplicationRef) -> FailoverResult:
    """How the application's failover ends."""
    handle = engine.client.get_workflow_handle(failover_id(application), result_type=FailoverResult)
    async with asyncio.timeout(DEADLINE):
        result: FailoverResult = await handle.result()
    return result


async def test_an_alert_moves_an_application_once(
    engine: Engine, namespace: str, policies: Path
) -> None:
    """Sent twice it is one move; sent once more after it, it finds a healthy application and does nothing."""
    application = await engine.apply_sick_flink("orders", namespace)
    write_policy(policies, failover_policy("orders", namespace))
    async with served(engine, policies) as url:
        both = await asyncio.gather(*(post(url, call(about(application))) for _ in range(2)))
        assert sorted(outcomes(each)[0] for each in both) == ["Merged", "Started"]
        result = await ending(engine, application)
        assert (result.outcome, result.target) == (Outcome.COMPLETED, "west"), result
        before = await engine.find("west", application)
        assert outcomes(await post(url, call(about(application)))) == ["Started"]
        again = await ending(engine, application)
        assert again.outcome is Outcome.RECOVERED, again
        stale = call(about(application, cluster="east"))
        assert outcomes(await post(url, stale)) == ["Unmatched"]
    after = await engine.find("west", application)
    assert before is not None
    assert after is not None
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert await engine.find("east", application) is None


async def test_what_is_resolved_stands_down(engine: Engine, namespace: str, policies: Path) -> None:
    """While it tolerates, the end of the alert wakes it; it is well, and stays where it is."""
    application = await engine.apply_sick_flink("orders", namespace)
    write_policy(policies, failover_policy("orders", namespace, toleration_seconds=300))
    resolved = call(about(application, "resolved"))
    async with served(engine, policies) as url:
        assert outcomes(await post(url, resolved)) == ["NothingRunning"]
        assert outcomes(await post(url, call(about(application)))) == ["Started"]
        await engine.in_phase(application, "Tolerating")
        assert outcomes(await post(url, resolved)) == ["Woken"]
        await engine.in_phase(application, "Tolerating")  # what is said is not believed
        await engine.operator.recover("east", namespace, "orders")
        await engine.healthy_on("east", application)
        assert outcomes(await post(url, resolved))[0] in {"Woken", "NothingRunning"}
    result = await ending(engine, application)
    assert result.outcome is Outcome.RECOVERED, result


async def test_a_healthy_application_stays(engine: Engine, namespace: str, policies: Path) -> None:
    """An alert that is wrong costs a look."""
    application = await engine.apply_flink("orders", namespace)
    write_policy(policies, failover_policy("orders", namespace))
    async with served(engine, policies) as url:
        assert outcomes(await post(url, call(about(application)))) == ["Started"]
    assert (await ending(engine, application)).outcome is Outcome.RECOVERED
    assert await engine.find("west", application) is None


async def test_while_temporal_is_away_the_caller_is_asked_to_come_again(
    engine: Engine, namespace: str, policies: Path
) -> None:
    """503, and nothing has begun."""
    application = await engine.apply_flink("orders", namespace)
    write_policy(policies, failover_policy("orders", namespace))
    async with served(engine, policies, temporal=CLOSED_PORT) as url:
        status, answer = await post(url, call(about(application)))
    assert status == 503
    assert answer["results"][0]["reason"] == "TemporalUnreachable"


async def test_the_process_asks_for_a_token_and_ends_when_asked(
    engine: Engine, namespace: str, policies: Path, tmp_path: Path
) -> None:
    """As a command with HTTPS: no token 401, no certificate 401, with both it moves an application."""
    application = await engine.apply_sick_flink("orders", namespace)
    write_policy(policies, failover_policy("orders", namespace))
    token = tmp_path / "token"
    token.write_text(TOKEN)
    authority = Authority(tmp_path / "tls")
    authority.server()
    user = authority.user("alertmanager")
    pair = tmp_path / "user.pem"
    pair.write_bytes(user.certificate + user.key)
    files = {
        name: str(authority.directory / name) for name in ("ca.crt", "server.crt", "server.key")
    }
    flags = (
        "--policies", str(policies), "--token-file", str(token),
        "--tls-cert", files["server.crt"], "--tls-key", files["server.key"],
        "--client-ca", files["ca.crt"],
    )  # fmt: skip
    async with process_of(engine, *flags) as port:
        url = f"https://127.0.0.1:{port}/alertmanager"
        stranger = ssl.create_default_context(cafile=files["ca.crt"])
        known = ssl.create_default_context(cafile=files["ca.crt"])
        known.load_cert_chain(pair)
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        body = call(about(application))
        assert (await post(url, body, ssl=stranger, headers=bearer))[0] == 401
        assert (await post(url, body, ssl=known))[0] == 401
        assert outcomes(await post(url, body, ssl=known, headers=bearer)) == ["Started"]
        assert (await ending(engine, application)).outcome is Outcome.COMPLETED


async def test_with_least_rights_it_acts_by_policies_of_a_cluster(
    engine: Engine, namespace: str, tmp_path: Path
) -> None:
    """It takes up an edited object, starts by it, wakes what runs, tells where it lives; no right is missing."""
    api, path = engine.world.api("east"), f"{policies_of(namespace)}/orders"
    await install(api, definitions())
    application = await engine.apply_sick_flink("orders", namespace)
    meant = failover_policy("orders", namespace, toleration_seconds=2)
    other = changed(meant, "spec.resourceSelectors.0.name", "clicks")
    await api.create(policies_of(namespace), other)
    user = await user_of_role(engine, "server", namespace, "cluster:east", holder="east")
    await may_do_no_more(engine, namespace, user)
    kubeconfig = engine.world.write_kubeconfig(tmp_path / "kubeconfig", user=user)
    body = call(about(application))
    async with process_of(engine, "--policies", "cluster:east", kubeconfig=kubeconfig) as port:
        url = f"http://127.0.0.1:{port}"

        async def answered() -> str:
            """What becomes of the alert, once policies are known at all."""
            status, answer = await post(f"{url}/alertmanager", body)
            return str(answer["results"][0]["outcome"]) if status == 200 else ""

        async def taken_up() -> str:
            outcome = await answered()
            return "" if outcome == "Unmatched" else outcome

        assert await eventually(answered, "policies are read") == "Unmatched"
        selectors = meant["spec"]["resourceSelectors"]
        await api.merge(path, {"spec": {"resourceSelectors": selectors}})
        assert await eventually(taken_up, "the edit is in force") == "Started"
        assert await answered() == "Merged"
        result = await ending(engine, application)
        assert (result.outcome, result.target) == (Outcome.COMPLETED, "west"), result
        asked = json.dumps({"input": {"parameters": {"namespace": namespace}}}).encode()
        status, told = await post(f"{url}/api/v1/getparams.execute", asked)
        assert status == 200, told
        (home,) = told["output"]["parameters"]
        assert (home["name"], home["cluster"], home["moving"]) == ("orders", "west", "false")
    await api.delete(path)


async def may_do_no_more(engine: Engine, namespace: str, user: str) -> None:
    """A server reads one application by its name; it sees no other, and writes nothing."""
    collection = f"{FLINK}/namespaces/{namespace}/flinkdeployments"
    policy = f"{policies_of(namespace)}/orders"
    async with engine.world.client("east", user) as server:
        assert (await server.get(f"{collection}/orders"))["metadata"]["name"] == "orders"
        for refused in (
            server.list(collection),
            server.merge(f"{collection}/orders", {"metadata": {"labels": {"by": user}}}),
            server.delete(f"{collection}/orders"),
            server.list(f"/api/v1/namespaces/{namespace}/secrets"),
            server.merge(policy, {"metadata": {"labels": {"by": user}}}),
            server.merge(f"{policy}/status", {"status": {"mode": "Automatic"}}),
        ):
            with pytest.raises(ApiError) as told:
                await refused
            assert told.value.status == 403
    async with engine.world.client("west", user) as server:
        with pytest.raises(ApiError) as told:
            await server.list(policies_of(namespace))  # it holds no policies
        assert told.value.status == 403


@asynccontextmanager
async def process_of(
    engine: Engine, *flags: str, kubeconfig: Path | None = None
) -> AsyncGenerator[str, None]:
    """`failover serve` as a process; its port. It is asked to stop in the end, and does so in peace."""
    process = await asyncio.create_subprocess_exec(
        *engine.program(kubeconfig), "serve", "--listen", "127.0.0.1:0", "--log-json", *flags,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        async with asyncio.timeout(DEADLINE):
            while "on port" not in (line := json.loads(await process.stderr.readline())["message"]):
                pass
        yield line.partition("on port ")[2].split()[0]
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(DEADLINE):
            told = await process.stderr.read()
            assert await process.wait() == 0
        assert b"Traceback" not in told
        assert b"orbidden" not in told
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
