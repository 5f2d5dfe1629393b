"""Long work that is seen to go on: one live line on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

LIVE_SECONDS = 1.0
"""How often the line on a terminal is rewritten."""

PLAIN_SECONDS = 30.0
"""How often a line is added where there is no terminal, so that nobody thinks it hangs."""


def say(text: str) -> None:
    """One line to the person who waits, beside whatever the program prints as its result."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


ESTIMATED_AFTER_SECONDS = 2.0
"""What has come by then says something about what is to come."""


def arrived(done: int, whole: int | None, seconds: float) -> str:
    """How many bytes have come, of how many and for how long still, where that is known.

    By what has come since the beginning: where it stalls, what remains grows as it must.
    """
    if whole is None:
        return f"{_megabytes(done)} MB"
    said = f"{_megabytes(done)} of {_megabytes(whole)} MB"
    if not done or seconds < ESTIMATED_AFTER_SECONDS:
        return said
    left = math.ceil(max(whole - done, 0) * seconds / done)
    return f"{said}, about {_spoken(left)} left"


@contextmanager
def showing(
    text: str, further: Callable[[float], str] | None = None
) -> Generator[None, None, None]:
    """Say what is being done, keep showing for how long, and how long it took in the end.

    `further` says how far it is, given for how many seconds it has been going on.
    """
    done = threading.Event()
    ticker = threading.Thread(target=_tick, args=(text, done, further), daemon=True)
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


def _tick(text: str, done: threading.Event, further: Callable[[float], str] | None) -> None:
    live = sys.stderr.isatty()
    started = time.monotonic()
    while not done.wait(LIVE_SECONDS if live else PLAIN_SECONDS):
        how_far = f", {further(time.monotonic() - started)}" if further else ""
        if live:
            sys.stderr.write(f"\r\x1b[K{text}: {_elapsed(started)}{how_far}")
            sys.stderr.flush()
        else:
            say(f"{text}: {_elapsed(started)} so far{how_far}")


def _finish(done: threading.Event, ticker: threading.Thread, text: str) -> None:
    done.set()
    ticker.join()
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    say(text)


def _elapsed(started: float) -> str:
    return _spoken(int(time.monotonic() - started))


def _spoken(whole_seconds: int) -> str:
    minutes, seconds = divmod(whole_seconds, 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.1f}"
