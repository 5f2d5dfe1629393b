"""Somebody on the shared world with the rights that `failover rbac` prints, and no others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import yaml

from devstack.api import Api
from devstack.errors import ApiError
from devstack.flink import FLINK
from failover.domain.rbac import SYSTEM_NAMESPACE, RoleName
from tests.support.definitions import policies_of
from tests.support.engine import Engine
from tests.support.waiting import eventually


async def user_of_role(
    engine: Engine, role: RoleName, namespace: str, policies: str, *, holder: str = ""
) -> str:
    """A user who may do on every cluster what is printed for a role and the policies of this place.

    Bounded to one namespace; on the `holder`, with the rights for a cluster that holds policies.
    Returns once every API server has heard of it.
    """
    user = f"{role}-{namespace}"

    async def printed(*more: str) -> list[dict[str, Any]]:
        flags = ("--role", role, "-n", namespace, "--subject", f"User:{user}", *more)
        answer = await engine.cli("rbac", "-f", policies, *flags)
        assert answer.code == 0, answer.err
        # Roles of its own, or tests would lend each other their rights.
        own = answer.out.replace(f"stateful-failover-{role}", f"stateful-failover-{user}")
        return list(yaml.safe_load_all(own))

    plain = await printed()
    held = await printed("--holds-policies") if holder else plain
    async with AsyncExitStack() as stack:
        known: list[Awaitable[bool]] = []
        for cluster in engine.world.clusters:
            await engine.world.install(cluster, held if cluster == holder else plain)
            api = await stack.enter_async_context(engine.world.client(cluster, user))
            paths = [
                f"{FLINK}/namespaces/{namespace}/flinkdeployments/orders",
                f"/api/v1/namespaces/{SYSTEM_NAMESPACE}/secrets",
                *([policies_of(namespace)] if cluster == holder else []),
            ]
            known += [eventually(_asking(api, path), f"may read {path}") for path in paths]
        await asyncio.gather(*known)
    return user


def _asking(api: Api, path: str) -> Callable[[], Awaitable[bool]]:
    async def may_read() -> bool:
        """Whether the answer is no refusal; what is not there may be read, too."""
        try:
            await api.find(path)
        except ApiError as error:
            if error.status == 403:
                return False
            raise
        return True

    return may_read
