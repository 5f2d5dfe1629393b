"""A command on a terminal of its own: read as it is written to the screen, typed to, interrupted."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import struct
import sys
import termios
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

ROWS, COLUMNS = 50, 160
DEADLINE_SECONDS = 60.0
CTRL_C = "\x03"
REDRAWN = "\x1b[1A"
"""The cursor goes back up: what follows is drawn over what was there."""

_ESCAPE = re.compile(r"\x1b(\[[0-9;?]*[a-zA-Z]|\][^\x07]*\x07)")
_TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; "
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
"""The terminal becomes the session's own, so that Ctrl-C interrupts what runs in it."""


class Terminal:
    """The screen and the keyboard of one command."""

    def __init__(self, keyboard: int, process: asyncio.subprocess.Process) -> None:
        """Nothing is on the screen yet."""
        self._keyboard, self._process = keyboard, process
        self._written = bytearray()
        self._news = asyncio.Event()
        asyncio.get_running_loop().add_reader(keyboard, self._read)

    @property
    def raw(self) -> str:
        """All that was ever written, with what moves the cursor."""
        return self._written.decode(errors="replace")

    @property
    def text(self) -> str:
        """All that was ever written, as it reads."""
        return _ESCAPE.sub("", self.raw).replace("\r", "")

    def type(self, keys: str) -> None:
        """Press these keys."""
        os.write(self._keyboard, keys.encode())

    async def shows(self, pattern: str, *, after: int = 0) -> re.Match[str]:
        """Wait until this is shown, after so many characters of the text."""
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                while not (found := re.compile(pattern).search(self.text, after)):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"the terminal does not show {pattern!r}:\n{self.text}") from None
        return found

    async def ends(self) -> int:
        """The exit code."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            code = await self._process.wait()
        self._read()
        return code

    def _read(self) -> None:
        with suppress(BlockingIOError):
            try:
                while data := os.read(self._keyboard, 65_536):
                    self._written += data
            except OSError as error:
                if isinstance(error, BlockingIOError):
                    raise
                asyncio.get_running_loop().remove_reader(self._keyboard)  # nobody writes any more
        self._news.set()


@asynccontextmanager
async def on_terminal(*command: str) -> AsyncGenerator[Terminal, None]:
    """Run a command on a terminal; it ends with the block."""
    keyboard, screen = os.openpty()
    fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    os.set_blocking(keyboard, False)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _TAKE_TERMINAL, *command,
        stdin=screen, stdout=screen, stderr=screen, start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(screen)
    try:
        yield Terminal(keyboard, process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        asyncio.get_running_loop().remove_reader(keyboard)
        os.close(keyboard)
