"""Long work that is seen to go on: one live line on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

LIVE_SECONDS = 1.0
"""How often the line on a terminal is rewritten."""

PLAIN_SECONDS = 30.0
"""How often a line is added where there is no terminal, so that nobody thinks it hangs."""


def say(text: str) -> None:
    """One line to the person who waits, beside whatever the program prints as its result."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


@contextmanager
def showing(text: str) -> Generator[None, None, None]:
    """Say what is being done, keep showing for how long, and how long it took in the end."""
    done = threading.Event()
    ticker = threading.Thread(target=_tick, args=(text, done), daemon=True)
    started = time.monotonic()
    if not sys.stderr.isatty():
        say(text)
    ticker.start()
    try:
        yield
    except BaseException:
        _finish(done, ticker, f"{text}: failed after {_elapsed(started)}")
        raise
    _finish(done, ticker, f"{text}: done in {_elapsed(started)}")


def _tick(text: str, done: threading.Event) -> None:
    live = sys.stderr.isatty()
    started = time.monotonic()
    while not done.wait(LIVE_SECONDS if live else PLAIN_SECONDS):
        if live:
            sys.stderr.write(f"\r\x1b[K{text}: {_elapsed(started)}")
            sys.stderr.flush()
        else:
            say(f"{text}: {_elapsed(started)} so far")


def _finish(done: threading.Event, ticker: threading.Thread, text: str) -> None:
    done.set()
    ticker.join()
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    say(text)


def _elapsed(started: float) -> str:
    minutes, seconds = divmod(int(time.monotonic() - started), 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"
