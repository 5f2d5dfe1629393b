"""A TCP relay in front of a server: cuts connections that both ends believe in, and loses answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

_CHUNK_BYTES = 65_536


class Relay:
    """Passes bytes between its own port and a server, until told otherwise."""

    def __init__(self, host: str, port: int) -> None:
        """Describe where the bytes go."""
        self._host, self._port = host, port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._answering = asyncio.Event()
        self._answering.set()
        self.accepted = 0
        self.address = ""

    async def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        port = int(self.address.rpartition(":")[2] or 0)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        port = self._server.sockets[0].getsockname()[1]
        self.address = f"https://127.0.0.1:{port}"

    def cut(self) -> None:
        """Close every connection; new ones are welcome."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def stop(self) -> None:
        """Close every connection, and refuse new ones."""
        if self._server is not None:
            self._server.close()
            self.cut()
            await self._server.wait_closed()

    def hold(self) -> None:
        """Keep all connections open, and pass nothing on: a dead link."""
        self._flowing.clear()

    def hold_answers(self) -> None:
        """Pass requests on, and nothing back: what was asked for arrives, and nobody hears of it."""
        self._answering.clear()

    def release(self) -> None:
        """Pass bytes on again, in both directions."""
        self._answering.set()
        self._flowing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        with suppress(OSError):
            there = await asyncio.open_connection(self._host, self._port)
            self._writers |= {writer, there[1]}
            await asyncio.gather(
                self._pass_on(reader, there[1]),
                self._pass_on(there[0], writer, self._answering),
            )
        writer.close()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *gates: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK_BYTES):
                for gate in (self._flowing, *gates):
                    await gate.wait()
                writer.write(data)
                await writer.drain()
        self._writers.discard(writer)
        writer.close()


@asynccontextmanager
async def relay_to(server: str) -> AsyncGenerator[Relay, None]:
    """A relay to `https://host:port`."""
    host, _, port = server.removeprefix("https://").rpartition(":")
    relay = Relay(host, int(port))
    await relay.start()
    try:
        yield relay
    finally:
        relay.release()
        await relay.stop()
