"""Build a product from its pinned Go module, once per machine.

Every build lands in the cache under a key made of its version, its module's files and its flags;
a lock keeps two processes from building the same thing, and a file appears only when it is whole.
A build that is killed, or whose starter is, leaves nothing running, and no files after the next one.
"""

from __future__ import annotations

import fcntl
import math
import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from devstack import toolchain, watchdog
from devstack.errors import BuildFailed
from devstack.products import Product
from devstack.progress import say, showing
from devstack.workplace import workplace

FREE_BYTES_NEEDED = 6 << 30
"""What Go's own caches and the result take at most, all products together."""


def build(product: Product, destination: Path, cache: Path) -> None:
    """Build the product into `destination`, a file that appears only once it is whole."""
    go = toolchain.go(cache)
    with workplace(destination) as place:
        output = place / product.binary
        with showing(f"building {product.contents} ({estimate(product)}, once)"):
            _compile(go, product, output)
        output.rename(destination)


def estimate(product: Product) -> str:
    """How long a first build takes on this machine, as told to the person who waits."""
    cores = os.cpu_count() or 1
    minutes = math.ceil(product.cpu_minutes / cores)
    return f"about {_counted(minutes, 'minute')} on {_counted(cores, 'core')}"


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def command_line(go: Path, product: Product, output: Path) -> list[str]:
    """The build: reproducible, without cgo, so that the file runs on any machine of its kind."""
    return [
        str(go),
        "build",
        "-trimpath",
        "-buildvcs=false",
        f"-ldflags={product.linker_flags}",
        "-o",
        str(output),
        product.package,
    ]


def _compile(go: Path, product: Product, output: Path) -> None:
    environment = {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOFLAGS": "-mod=readonly",
        "GOTMPDIR": str(output.parent),
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }
    environment.setdefault("HOME", str(output.parent))
    with (
        subprocess.Popen(
            [*watchdog.HELD_BACK, *command_line(go, product, output)],
            cwd=product.module,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as ran,
        _ends_with_us(ran.pid),
    ):
        _, said = ran.communicate("go\n")
    if ran.returncode:
        tail = "\n".join(said.strip().splitlines()[-15:])
        raise BuildFailed(
            f"Building {product.contents} failed. Go needs its module proxy (GOPROXY) in reach and "
            f"about {FREE_BYTES_NEEDED >> 30} GB of disk. It said:\n{tail}"
        )


@contextmanager
def _ends_with_us(group: int) -> Generator[None, None, None]:
    """Kill what is left of the group after the block, however it ends, SIGKILL included."""
    with subprocess.Popen(
        watchdog.COMMAND, stdin=subprocess.PIPE, text=True, start_new_session=True
    ) as watching:
        assert watching.stdin is not None
        watching.stdin.write(f"+ {group}\n")
        watching.stdin.flush()
        yield


@contextmanager
def only_one(lock: Path, what: str) -> Generator[None, None, None]:
    """Hold the lock while building, after whoever holds it now has finished."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another process is already getting {what}; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
