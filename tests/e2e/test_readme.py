"""The README's commands as they are written there, with the output that it shows."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from functools import partial
from pathlib import Path

import pytest

from cli.local import (
    await_worker,
    environment_of,
    namespace,
    system_namespace,
    worker_command,
)
from cli.up import RETENTION
from devstack.api import Api
from devstack.flink import FLINK, FlinkOperator
from devstack.world import CLUSTERS
from failover.temporal import SEARCH, connect
from tests.support.engine import flink_deployment
from tests.support.transcripts import Shown, read
from tests.support.waiting import eventually
from tests.support.world import FreshWorld
from triggers.retention import keep_at_least

ROOT = Path(__file__).parents[2]
SECONDS = 120
PROGRAM = "failover"
SHOP, ORDERS = "shop", "orders"
UNTIL_STOPPED = ("watch",)
"""Verbs that do not end by themselves."""


class Shell:
    """A directory with the policy, in which the commands of the README are typed."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        """The policy of the examples; its namesake to be watched tolerates only for moments."""
        self._directory = directory
        self._environment = {
            **os.environ,
            **environment,
            "PYTHONUNBUFFERED": "1",  # what is said to the one and the other stays in its order
            "PYTHONPATH": str(ROOT),
        }
        policy = (ROOT / "examples" / "flink-failover-policy.yaml").read_text()
        (directory / "policy.yaml").write_text(policy)
        (directory / "policies").mkdir()
        brief = re.sub(r"tolerationSeconds: \d+", "tolerationSeconds: 2", policy)
        (directory / "policies" / "policy.yaml").write_text(brief)

    async def type(self, shown: Shown) -> str:
        """What the command says; one that does not end by itself is stopped when it has said all."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli.main", *shown.command[1:],
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            cwd=self._directory, env=self._environment,
        )  # fmt: skip
        assert process.stdout is not None
        said = ""
        try:
            async with asyncio.timeout(SECONDS):
                while line := (await process.stdout.readline()).decode():
                    said += line
                    if shown.command[1] in UNTIL_STOPPED and shown.is_said(said):
                        process.send_signal(signal.SIGTERM)
                        await process.communicate()
                        break
        except TimeoutError:
            process.kill()
        await process.wait()
        return said


async def runs(api: Api) -> bool:
    """Whether the job has an id."""
    found = await api.get(f"{FLINK}/namespaces/{SHOP}/flinkdeployments/{ORDERS}")
    return "jobId" in found.get("status", {}).get("jobStatus", {})


@pytest.mark.timeout(600)
async def test_the_readme_shows_what_its_commands_say(
    fresh_world: FreshWorld, tmp_path: Path
) -> None:
    """In a world as the README describes it, each command says what is shown under it."""
    world = await fresh_world(clusters=CLUSTERS)
    await world.install_everywhere([system_namespace(), namespace(SHOP)])
    shell = Shell(tmp_path, dict(environment_of(world)))
    client = await connect(address=world.temporal_address)
    await keep_at_least(client, RETENTION)  # as `failover up` does
    async with FlinkOperator({name: world.api(name) for name in world.clusters}) as operator:
        await world.install("east", [flink_deployment(ORDERS, SHOP)])
        await await_worker(client, await world.run("worker", worker_command(environment_of(world))))
        await eventually(partial(runs, world.api("east")), "the job runs")

        async def fall_ill() -> None:
            await operator.kill_job_manager("east", SHOP, ORDERS)

        async def end() -> None:
            over = f"{SEARCH.outcome.name} = 'WouldHaveMoved'"

            async def listed() -> bool:
                return (await client.count_workflows(over)).count == 1

            await eventually(listed, "the failover has ended, and is listed so")

        before = {"doctor": fall_ill, "list": end}
        commands = read((ROOT / "README.md").read_text())
        assert set(before) < {shown.command[1] for shown in commands}
        for shown in commands:
            assert shown.command[0] == PROGRAM
            if (arrange := before.get(shown.command[1])) is not None:
                await arrange()
            said = await shell.type(shown)
            assert shown.is_said(said), shown.difference(said)
