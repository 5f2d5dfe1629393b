"""Ending a process: when it is asked to, and when it is done."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable
from contextlib import suppress
from typing import NoReturn


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set, in place of ending the process on the spot."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    return stop


async def until(stop: asyncio.Event, work: Awaitable[None]) -> None:
    """Do the work until it fails, or is to be stopped."""
    working = asyncio.ensure_future(work)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        return
    working.result()


def leave(code: int) -> NoReturn:
    """End this process here, its output written, and nothing else done.

    Temporal's SDK leaves threads behind that may still ask for the interpreter, and before Python 3.14 such a
    thread crashes an interpreter that is ending (temporalio/sdk-python#300): all was done, and the exit code is
    134 or 139. On a busy machine 8 of 300 programs of one call ended so, and none of those that left like this.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # nobody reads it any more
            stream.flush()
    os._exit(code)
