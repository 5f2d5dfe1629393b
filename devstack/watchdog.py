"""Kills what a supervisor started, should the supervisor itself be gone.

A process of its own, in a session of its own, that reads a pipe whose other end only the supervisor
holds. Each line adds (`+ 4711`) or removes (`- 4711`) a process group. However the supervisor
ends (Ctrl-C, an exception, SIGKILL), the pipe ends with it, and every group that is left is killed:
frozen ones too, since SIGKILL needs no cooperation. It works alike on every POSIX system, and has
no say while all is well.

Standard library only, and started as a file with `-I -S`: it must be up in milliseconds.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable

COMMAND = (sys.executable, "-I", "-S", __file__)
"""How a supervisor starts it."""
HELD_BACK = ("/bin/sh", "-c", 'read -r _ || exit 1; exec "$@" </dev/null', "sh")
"""Before what is to be watched: it waits for a line, until the watchdog knows of it, and then becomes the program
itself, in the same process. A supervisor that is gone before sends none, and nothing begins."""
GONE_SECONDS = 10.0
"""How long the data directory stays locked at most, waiting for what was killed to be gone."""


def watch(lines: Iterable[str]) -> set[int]:
    """Follow the supervisor's words until it is gone; returns the groups that it left behind."""
    groups: set[int] = set()
    for line in lines:
        sign, _, number = line.strip().partition(" ")
        if sign == "+":
            groups.add(int(number))
        elif sign == "-":
            groups.discard(int(number))
    return groups


def kill(groups: set[int]) -> None:
    """Kill the groups and wait until they are gone, so that their files and ports are free."""
    deadline = time.monotonic() + GONE_SECONDS
    while groups and time.monotonic() < deadline:
        groups = {group for group in groups if _signal(group)}
        time.sleep(0.01)


def _signal(group: int) -> bool:
    """Whether something of the group was there to be killed."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
        return True
    return False


def main() -> None:
    """Ignore what a terminal sends to everyone; live exactly as long as the supervisor."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    kill(watch(sys.stdin))


if __name__ == "__main__":
    main()
