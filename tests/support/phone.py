"""A receiver of calls: a real HTTP server on this machine that keeps what it is sent."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass
class Phone:
    """What was received, oldest first; and what to answer, 200 where nothing is said."""

    url: str = ""
    bodies: list[Any] = field(default_factory=list[Any])
    paths: list[str] = field(default_factory=list[str])
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    statuses: list[int] = field(default_factory=list[int])
    """Answers to come, the next one first."""
    always: int = 200

    @property
    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that Alertmanager would have taken."""
        return [each for body in self.bodies for each in body]

    async def take(self, request: web.Request) -> web.Response:
        """Keep a call, and answer it."""
        self.paths.append(request.path)
        self.headers.append(dict(request.headers))
        self.bodies.append(json.loads(await request.read()))
        status = self.statuses.pop(0) if self.statuses else self.always
        return web.Response(status=status, text="taken down", headers={"Location": "/elsewhere"})


@asynccontextmanager
async def ringing() -> AsyncGenerator[Phone, None]:
    """A phone that rings."""
    phone = Phone()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", phone.take)
    server = TestServer(app)
    await server.start_server()
    try:
        phone.url = str(server.make_url("/")).rstrip("/")
        yield phone
    finally:
        await server.close()
