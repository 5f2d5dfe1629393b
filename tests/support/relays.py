"""A relay that can lose answers only: what was asked for arrives, and nobody hears that it did."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from tests.support.relay import _CHUNK_BYTES
from tests.support.relay import Relay as TwoWayRelay


class Relay(TwoWayRelay):
    """Holds back answers as well as whole connections."""

    def __init__(self, host: str, port: int) -> None:
        """Describe where the bytes go."""
        super().__init__(host, port)
        self._answering = asyncio.Event()
        self._answering.set()

    def hold_answers(self) -> None:
        """Pass requests on, and nothing back."""
        self._answering.clear()

    def release(self) -> None:
        """Pass bytes on again, in both directions."""
        self._answering.set()
        super().release()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        with suppress(OSError):
            there = await asyncio.open_connection(self._host, self._port)
            self._writers |= {writer, there[1]}
            await asyncio.gather(self._pass_on(reader, there[1]), self._answer(there[0], writer))
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK_BYTES):
                await self._flowing.wait()
                await self._answering.wait()
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
