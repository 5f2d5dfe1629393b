"""`failover serve`: the webhook of Alertmanager and of Grafana, and Argo CD's generator, over HTTP.

    POST /alertmanager, POST /grafana   a call, answered with what became of each alert
    POST /api/v1/getparams.execute      Argo CD's ApplicationSet asks where applications live
    GET  /healthz                       the process answers
    GET  /readyz                        policies are read and Temporal answers
    GET  /metrics                       for Prometheus

The status code says what the caller is to do: 200 nothing more, 4xx never the same again, 503 the
same again, which is safe. Every error is one JSON object with a reason and a message.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from failover.domain.errors import FailoverError, InvalidInput
from failover.domain.request import Limits
from failover.kube.fleet import open_fleet
from failover.kube.fleetfile import load_fleet
from failover.settings import Settings
from failover.stopping import stop_on_signals, until
from failover.telemetry import Metrics
from failover.temporal import connect
from triggers.admitting import Door, Tokens, Unauthorized
from triggers.alerts import TooManyApplications
from triggers.connection import Starting
from triggers.generating import Generator
from triggers.homes import Homes, TooManyHomes
from triggers.in_force import InForce
from triggers.receiving import Reading, Receipt, Receiver, truncation
from triggers.requesting import Manner
from triggers.sources import open_source

logger = logging.getLogger("serve")

BODY_BYTES_MAX = 1024 * 1024
BODY_SECONDS_MAX = 10.0
"""How long a body may take to arrive."""
HANDLING_SECONDS_MAX = 30.0
CHECK_SECONDS_MAX = 5.0
CALLS_MAX = 16
"""Calls in hand at once; a caller beyond that is told to come again."""
RETRY_AFTER_SECONDS = 10
CLOSING_SECONDS_MAX = 10.0
CODES = (200, 400, 401, 408, 413, 422, 500, 503)
"""What a call is answered with."""

Handle = Callable[[bytes], Awaitable[web.Response]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def run_server(
    settings: Settings, policies: str, door: Door, reading: Reading, *, observe: bool = False
) -> None:
    """Serve until SIGTERM or SIGINT. Raises the errors of `load_fleet` and of the source of policies."""
    metrics = Metrics()
    async with (
        open_source(policies, settings.kubeconfig or None, telling=False) as source,
        open_fleet(load_fleet(settings.fleet, settings.kubeconfig or None)) as fleet,
    ):
        manner = Manner(Limits.after(fleet.blocked_after), observe)
        identity = f"failover-serve@{socket.gethostname()}:{os.getpid()}"
        start = Starting(partial(connect, identity=identity), settings.runbook or fleet.runbook)
        in_force = InForce(source, metrics)
        receiver = Receiver(fleet, in_force, start, metrics, manner, reading)
        generator = Generator(Homes(fleet), fleet.servers)
        stop = stop_on_signals()
        async with listening(Server(receiver, generator, metrics, door), door) as port:
            how = "tolerating and planning only" if observe else "failovers are started"
            text = "alerts are taken on port %d of %s, for the policies in %s: %s"
            logger.info(text, port, door.address.host or "every address", source, how)
            await until(stop, in_force.follow())
        logger.info("stopping: failovers that are under way go on")


@asynccontextmanager
async def listening(server: Server, door: Door) -> AsyncGenerator[int, None]:
    """Listen until the end of the block; gives the port. Calls in hand are answered before it ends."""
    runner = web.AppRunner(
        server.app(),
        access_log=None,
        shutdown_timeout=CLOSING_SECONDS_MAX,
        handler_cancellation=False,
    )
    await runner.setup()
    try:
        site = web.TCPSite(
            runner, door.address.host or None, door.address.port, ssl_context=door.context()
        )
        try:
            await site.start()
        except OSError as error:
            message = f"--listen {door.address} cannot be used ({error.strerror or error})"
            raise InvalidInput(message) from error
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


class Server:
    """The routes, and what every answer has in common."""

    def __init__(
        self, receiver: Receiver, generator: Generator, metrics: Metrics, door: Door
    ) -> None:
        """Raises `InvalidInput` for a door that must not be opened."""
        door.check()
        self._receiver, self._generator = receiver, generator
        self._metrics, self._door = metrics, door
        self._tokens = Tokens(door.token_file) if door.token_file is not None else None
        self._in_hand = 0
        for code in CODES:
            # A counter that appears with its first count shows no increase.
            metrics.webhook_calls.labels(str(code))

    def app(self) -> web.Application:
        """The application for aiohttp."""
        app = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[_speaking_json])
        app.router.add_post("/alertmanager", self._take)
        app.router.add_post("/grafana", self._take)
        app.router.add_post("/api/v1/getparams.execute", self._tell_homes)
        app.router.add_get("/healthz", _say_healthy)
        app.router.add_get("/readyz", self._say_ready)
        app.router.add_get("/metrics", self._show_metrics)
        return app

    async def _tell_homes(self, request: web.Request) -> web.Response:
        async def tell(body: bytes) -> web.Response:
            return web.json_response(await self._generator.answer(body))

        response = await self._answer(request, tell)
        if response.status != web.HTTPOk.status_code:
            logger.warning("a question of Argo CD was answered with %d", response.status)
        return response

    async def _take(self, request: web.Request) -> web.Response:
        async def take(body: bytes) -> web.Response:
            return _receipt(await self._receiver.receive(body))

        response = await self._answer(request, take)
        self._metrics.webhook_calls.labels(str(response.status)).inc()
        if response.status != web.HTTPOk.status_code:
            logger.warning("a call from %s was answered with %d", request.remote, response.status)
        return response

    async def _answer(self, request: web.Request, handle: Handle) -> web.Response:
        try:
            self._admit(request)
        except FailoverError as error:
            return _refusal(401 if isinstance(error, Unauthorized) else 503, error)
        if self._in_hand >= CALLS_MAX:
            return _error(503, "Busy", f"{CALLS_MAX} calls are in hand already; come again")
        self._in_hand += 1
        try:
            return await self._receive(request, handle)
        finally:
            self._in_hand -= 1

    def _admit(self, request: web.Request) -> None:
        """Raise `Unauthorized` unless everything that is asked of a caller is there."""
        if self._door.client_authority is not None:
            transport = request.transport
            if transport is None or not transport.get_extra_info("peercert"):
                raise Unauthorized("show a client certificate of the authority in --client-ca")
        if self._tokens is not None:
            self._tokens.admit(request.headers.get("Authorization", ""))

    async def _receive(self, request: web.Request, handle: Handle) -> web.Response:
        try:
            async with asyncio.timeout(BODY_SECONDS_MAX):
                body = await request.read()
        except TimeoutError:
            message = f"the body has not arrived within {BODY_SECONDS_MAX:g} s"
            return _error(408, "BodyTimeout", message)
        except web.HTTPRequestEntityTooLarge:
            message = f"the body is larger than {BODY_BYTES_MAX} bytes; set max_alerts at the webhook, or group more finely"
            return _error(413, "BodyTooLarge", message)
        try:
            async with asyncio.timeout(HANDLING_SECONDS_MAX):
                return await handle(body)
        except TimeoutError:
            message = f"it took longer than {HANDLING_SECONDS_MAX:g} s; what was begun goes on, call again for the rest"
            return _error(503, "HandlingTimeout", message)
        except (TooManyApplications, TooManyHomes) as error:
            return _refusal(422, error)
        except FailoverError as error:
            return _refusal(503 if error.transient else 400, error)

    async def _say_ready(self, _request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(CHECK_SECONDS_MAX):
                await self._receiver.check()
        except TimeoutError:
            return _error(503, "TemporalUnreachable", "Temporal does not answer in time")
        except FailoverError as error:
            return _refusal(503, error)
        return web.json_response({"status": "ready"})

    async def _show_metrics(self, _request: web.Request) -> web.Response:
        text = generate_latest(self._metrics.registry)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _say_healthy(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


@web.middleware
async def _speaking_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What aiohttp refuses, and what is a bug, is told as everything else is."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        answer = _error(
            error.status, error.reason.replace(" ", ""), f"{request.method}: {error.reason}"
        )
        answer.headers.update(
            {key: error.headers[key] for key in ("Allow",) if key in error.headers}
        )
        return answer
    except Exception:
        logger.exception("a call could not be answered")
        return _error(500, "Bug", "something is wrong here; the log says what")


def _receipt(receipt: Receipt) -> web.Response:
    """200, or 503 where a part has to be tried again."""
    answer = {
        "alerts": receipt.alerts,
        "truncatedAlerts": receipt.truncated,
        "warnings": [truncation(receipt.truncated)] if receipt.truncated else [],
        "results": [
            {_camel(key): value for key, value in asdict(each).items() if value}
            for each in receipt.results
        ],
    }
    if receipt.complete:
        return web.json_response(answer)
    return web.json_response(answer, status=503, headers=_again())


def _refusal(status: int, error: FailoverError) -> web.Response:
    return _error(status, error.reason, error.message)


def _error(status: int, reason: str, message: str) -> web.Response:
    headers = _again() if status == web.HTTPServiceUnavailable.status_code else {}
    if status == web.HTTPUnauthorized.status_code:
        headers["WWW-Authenticate"] = "Bearer"
    told = {"error": {"reason": reason, "message": message}}
    return web.json_response(told, status=status, headers=headers)


def _again() -> dict[str, str]:
    return {"Retry-After": str(RETRY_AFTER_SECONDS)}


def _camel(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(map(str.title, rest))
