"""A server that has just started has not read its roles yet, and forbids what it will allow."""

from __future__ import annotations

import asyncio
from pathlib import Path

from failover.domain.errors import Forbidden, TransientError
from failover.domain.identity import GroupKind
from tests.integration.kube.connecting import cluster_at
from tests.support.rights import least_rights
from tests.support.world import FreshWorld

FLINK = GroupKind("flink.apache.org", "FlinkDeployment")
SECRET = GroupKind("", "Secret")


async def test_what_a_starting_server_forbids_is_tried_again(
    fresh_world: FreshWorld, tmp_path: Path
) -> None:
    """All through a restart nothing is Forbidden that our roles allow; what they do not allow is."""
    world = await fresh_world(clusters=("east",))
    kubeconfig = await least_rights(world, tmp_path / "mover", namespaces=("default",))
    part = world.part("east/apiserver")
    answers: list[str] = []
    async with cluster_at(kubeconfig, "east") as east:
        await east.list(FLINK, "default")
        await part.kill()
        starting = asyncio.create_task(part.restart())
        while not (starting.done() and answers and answers[-1] == "answered"):
            try:
                await east.list(FLINK, "default")
                answers.append("answered")
            except TransientError as error:
                answers.append(error.reason)
        await starting
        try:
            await east.list(SECRET, "kube-system")
        except Forbidden:
            answers.append("meant")
    assert answers[-1] == "meant"
