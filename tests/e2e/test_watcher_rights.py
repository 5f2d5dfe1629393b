"""The watcher with exactly the rights that `failover rbac --role watcher` prints, and no others."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from temporalio.client import Client, WorkflowHandle

from devstack.errors import ApiError
from devstack.flink import FLINK
from failover.domain.identity import ApplicationRef, failover_id
from failover.domain.phases import Outcome
from failover.domain.policy.reading import read_policies
from failover.domain.request import FailoverRequest, FailoverResult, Trigger
from failover.kube.fleet import open_fleet
from failover.kube.fleetfile import load_fleet
from failover.telemetry import Metrics
from failover.temporal import ensure_search_attributes
from tests.support.engine import Engine, failover_policy, flink_deployment, write_policy
from tests.support.namespaces import namespaced
from tests.support.printed import user_of_role
from triggers.starting import Started, start_failover
from worker import at_work

SECONDS = 60


class Watching:
    """`failover watch` as a process, and the lines that it has said."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said: list[str] = []

    async def says(self, *words: str) -> str:
        """The next line with one of these words."""
        assert self.process.stderr is not None
        async with asyncio.timeout(SECONDS):
            while line := (await self.process.stderr.readline()).decode():
                self.said.append(line)
                if any(word in line for word in words):
                    return line
        raise AssertionError(f"it has ended without {words}: {''.join(self.said)}")

    async def ends(self) -> None:
        """Ask it to stop, and assert that it does so in peace, having never been refused anything."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(SECONDS):
            _, rest = await self.process.communicate()
        told = "".join(self.said) + rest.decode()
        assert self.process.returncode == 0, told
        assert "orbidden" not in told
        assert "Traceback" not in told


@asynccontextmanager
async def watching(
    engine: Engine, policies: Path, kubeconfig: Path
) -> AsyncGenerator[Watching, None]:
    """`failover watch --policies DIR` with these credentials, once it follows both clusters."""
    process = await asyncio.create_subprocess_exec(
        *engine.program(kubeconfig), "watch", "--policies", str(policies),
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        watcher = Watching(process)
        await watcher.says("following")
        yield watcher
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture
def policies(tmp_path: Path, namespace: str) -> Path:
    """A directory with the one policy of the namespace."""
    directory = tmp_path / "policies"
    directory.mkdir()
    write_policy(directory, failover_policy("orders", namespace, toleration_seconds=5))
    return directory


@pytest_asyncio.fixture(loop_scope="session")
async def user(engine: Engine, namespace: str, policies: Path) -> str:
    """Somebody who may do on every cluster what is printed for a watcher of these policies."""
    return await user_of_role(engine, "watcher", namespace, str(policies))


async def test_two_watchers_with_least_rights_make_one_move(
    engine: Engine, namespace: str, policies: Path, user: str, tmp_path: Path
) -> None:
    """Both see the illness; one starts the failover, the other finds it; neither is refused anything."""
    kubeconfig = engine.world.write_kubeconfig(tmp_path / "kubeconfig", user=user)
    application = await engine.apply_flink("orders", namespace)
    async with (
        watching(engine, policies, kubeconfig) as one,
        watching(engine, policies, kubeconfig) as other,
    ):
        await engine.operator.kill_job_manager("east", namespace, "orders")
        told = await asyncio.gather(*(each.says("Started:", "Merged:") for each in (one, other)))
        assert sorted("Started:" in line for line in told) == [False, True], told
        result = await ended(engine.client, application)
        assert (result.outcome, result.target) == (Outcome.COMPLETED, "west")
        assert result.generation == 1
        await engine.healthy_on("west", application)
        assert await engine.find("east", application) is None
        await asyncio.gather(one.ends(), other.ends())


async def test_a_watcher_may_write_nothing(engine: Engine, namespace: str, user: str) -> None:
    """It may look at the application; no object of it may be made, changed or removed."""
    await engine.apply_flink("orders", namespace)
    collection = f"{FLINK}/namespaces/{namespace}/flinkdeployments"
    async with engine.world.client("east", user) as watcher:
        for change in (
            watcher.create(collection, flink_deployment("other", namespace)),
            watcher.merge(f"{collection}/orders", {"metadata": {"labels": {"by": user}}}),
            watcher.delete(f"{collection}/orders"),
            watcher.list(f"/api/v1/namespaces/{namespace}/secrets"),
        ):
            with pytest.raises(ApiError) as refused:
                await change
            assert refused.value.status == 403


async def test_to_observe_for_a_month_they_are_enough(
    engine: Engine, namespace: str, user: str, tmp_path: Path
) -> None:
    """A worker with them says what it would have done, and what it could not try; so does `plan`."""
    kubeconfig = engine.world.write_kubeconfig(tmp_path / "kubeconfig", user=user)
    application = await engine.apply_sick_flink("orders", namespace)
    document = failover_policy("orders", namespace, toleration_seconds=1)
    request = FailoverRequest(
        application=application,
        source="east",
        policy=read_policies(yaml.safe_dump(document), "policy").policies[0],
        trigger=Trigger(actor="tests"),
        observe_only=True,
    )
    client = await namespaced(engine.world)
    await ensure_search_attributes(client)
    async with (
        open_fleet(load_fleet(engine.fleet_file, kubeconfig)) as fleet,
        at_work(client, fleet, Metrics()),
    ):
        started = await start_failover(client, request)
        assert isinstance(started, Started)
        result = await ended(client, application)
    assert result.outcome is Outcome.WOULD_HAVE_MOVED, result
    plan = result.plan
    assert plan is not None
    assert (plan.target, plan.dry_run) == ("west", False)
    assert "DryRunNotAllowed" in {each.reason for each in plan.warnings}
    policy = write_policy(tmp_path, document)
    process = await asyncio.create_subprocess_exec(
        *engine.program(kubeconfig), "plan", application.short, "-n", namespace, "-f", str(policy),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said
    assert "DryRunNotAllowed" in said


async def ended(client: Client, application: ApplicationRef) -> FailoverResult:
    """How the application's failover ends."""
    run: WorkflowHandle[Any, FailoverResult] = client.get_workflow_handle(
        failover_id(application), result_type=FailoverResult
    )
    async with asyncio.timeout(SECONDS):
        return await run.result()
