"""What may change nothing any more sends no change, however late it learns of that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from failover.domain.errors import TransientError
from failover.fleet import BEFORE_CHANGES
from failover.kube.connection import Call, Connection, Limits
from failover.kube.errors import Doing
from tests.support.connecting import connected

DOING = Doing("create", "ConfigMap shop/orders", "east")
CHANGE = Call(DOING, "POST", "/change", body={})


class TooLate(TransientError):
    """Another one goes on."""


class Server:
    """Answers, and counts the changes that reach it."""

    def __init__(self) -> None:
        self.changes = 0
        self.asked, self.answer = asyncio.Event(), asyncio.Event()

    async def slow(self, _: web.Request) -> web.Response:
        """An answer that comes when it is let."""
        self.asked.set()
        await self.answer.wait()
        return web.json_response({})

    async def change(self, _: web.Request) -> web.Response:
        """Refused, as by a server that has just been started."""
        self.changes += 1
        return web.json_response({}, status=403)

    async def ready(self, _: web.Request) -> web.Response:
        """It is, by now."""
        return web.Response(text="ok")


@asynccontextmanager
async def one_at_a_time(folder: Path) -> AsyncGenerator[tuple[Connection, Server], None]:
    """A connection that has one request in flight at most."""
    server, app = Server(), web.Application()
    app.router.add_get("/slow", server.slow)
    app.router.add_post("/change", server.change)
    app.router.add_get("/readyz", server.ready)
    async with connected(app, folder, Limits(in_flight_max=1)) as connection:
        yield connection, server


def guard_that_fails_from(call: int) -> Callable[[], None]:
    """Whoever sends has come too late when it is asked so often."""
    calls = 0

    def guard() -> None:
        nonlocal calls
        calls += 1
        if calls >= call:
            raise TooLate("this attempt is over")

    return guard


async def test_what_waited_in_line_is_not_sent(tmp_path: Path) -> None:
    """Who waits behind another request is asked once it is its turn; a read is never asked."""
    async with one_at_a_time(tmp_path) as (connection, server):
        first = asyncio.create_task(connection.request(Call(DOING, "GET", "/slow")))
        await server.asked.wait()
        BEFORE_CHANGES.set(guard_that_fails_from(1))
        second = asyncio.create_task(connection.request(CHANGE))
        server.answer.set()
        with pytest.raises(TooLate):
            await second
        assert await first == {}
        assert await connection.request(Call(DOING, "GET", "/slow")) == {}
        assert server.changes == 0


async def test_what_was_refused_is_not_sent_again(tmp_path: Path) -> None:
    """A change that is sent once more, since the server was starting, is asked for once more."""
    async with one_at_a_time(tmp_path) as (connection, server):
        BEFORE_CHANGES.set(guard_that_fails_from(2))
        with pytest.raises(TooLate):
            await connection.request(CHANGE)
        assert server.changes == 1
