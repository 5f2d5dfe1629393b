"""Ports on the loopback interface that stay ours, also while the part that uses one is down.

They are taken below the range from which the system takes ports for outgoing connections: in
there, a port could be gone by the time its part is started again.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Collection
from pathlib import Path

from devstack.errors import PortInUse

LOOPBACK = "127.0.0.1"
LOWEST = 15000
HIGHEST = 32000
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
ATTEMPTS_MAX = 1000


def free_port(taken: Collection[int] = ()) -> int:
    """A port that nobody uses now, other than those already given away."""
    highest = min(HIGHEST, _first_ephemeral() - 1)
    lowest = min(LOWEST, highest - 1000)
    for _ in range(ATTEMPTS_MAX):
        port = random.randint(lowest, highest)  # noqa: S311 - no secret hangs on it
        if port not in taken and is_free(port):
            return port
    raise PortInUse(f"No port between {lowest} and {highest} on {LOOPBACK} is free.")


def claim(port: int, flag: str) -> int:
    """The port that a person asked for, or an error that names it and the flag to change it."""
    if not is_free(port):
        raise PortInUse(
            f"Port {port} on {LOOPBACK} is in use by another process. "
            f"End that process, or choose another port with {flag}."
        )
    return port


def is_free(port: int) -> bool:
    """Whether a server could listen on it now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As Go's listeners do: connections that are still closing are in nobody's way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        probe.listen(1)
        return True


async def answers(port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        _, writer = await asyncio.open_connection(LOOPBACK, port)
    except OSError:
        return False
    writer.close()
    return True


def _first_ephemeral() -> int:
    if EPHEMERAL.exists():
        return int(EPHEMERAL.read_text().split()[0])
    return 49152
