"""A connection to an API server that a test answers for."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from failover.kube.configuration import Configurations
from failover.kube.connection import Connection, Limits


@asynccontextmanager
async def connected(
    app: web.Application, folder: Path, limits: Limits | None = None
) -> AsyncGenerator[Connection, None]:
    """This server as `east`, by a kubeconfig in this folder."""
    async with TestServer(app) as server:
        document = {
            "clusters": [{"name": "one", "cluster": {"server": str(server.make_url(""))}}],
            "contexts": [{"name": "east", "context": {"cluster": "one"}}],
        }
        path = folder / "kubeconfig"
        path.write_text(yaml.safe_dump(document))
        connection = Connection("east", Configurations("east", (path,), {}), limits or Limits())
        try:
            yield connection
        finally:
            await connection.close()
