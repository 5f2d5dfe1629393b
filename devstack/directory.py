"""The data directory of one world: where each thing lies, which ports it has, and who uses it.

A world that is started again on its directory finds its databases, its certificates and, unless
another program took one meanwhile, its ports: kubeconfigs and bookmarks stay valid.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

import psutil

from devstack import ports
from devstack.errors import DirectoryInUse
from devstack.watchdog import GONE_SECONDS


class DataDirectory:
    """One world's files. It is ours from `lock` until every process that got `held` has ended."""

    def __init__(self, root: Path) -> None:
        """Make the directory if needed."""
        self.root = root.expanduser().resolve()
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock: int | None = None
        self._state: dict[str, Any] = {}
        self._ports: dict[str, int] = {}

    @property
    def logs(self) -> Path:
        """One file per part."""
        return self.root / "logs"

    @property
    def pki(self) -> Path:
        """Certificates and keys."""
        return self.root / "pki"

    @property
    def held(self) -> tuple[int, ...]:
        """The file descriptor to keep open while anything of this world runs."""
        return () if self._lock is None else (self._lock,)

    def lock(self) -> None:
        """Claim the directory; raise `DirectoryInUse` if a world runs in it."""
        descriptor = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + GONE_SECONDS
        while not _try_lock(descriptor):
            owner = os.pread(descriptor, 20, 0).decode().strip()
            # The parts of a world that was killed are on their way out: that is worth a moment.
            if _runs(owner) or time.monotonic() > deadline:
                os.close(descriptor)
                raise DirectoryInUse(
                    f"Another world runs in {self.root} (process {owner or 'unknown'}). "
                    "Stop it, or choose another directory with --data."
                )
            time.sleep(0.02)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._lock = descriptor
        with contextlib.suppress(FileNotFoundError, ValueError):
            self._state = json.loads((self.root / "world.json").read_text())

    def unlock(self) -> None:
        """Let go of the directory."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def port(self, name: str, wanted: int | None = None, flag: str = "") -> int:
        """The port of a part: the one a person asked for, else the same as last time, else any."""
        if name in self._ports:
            return self._ports[name]
        known: dict[str, int] = self._state.setdefault("ports", {})
        others = {port for other, port in known.items() if other != name}
        if wanted is not None:
            known[name] = ports.claim(wanted, flag)
        elif name not in known or known[name] in others or not ports.is_free(known[name]):
            known[name] = ports.free_port(others)
        self._ports[name] = known[name]
        self._save()
        return known[name]

    def generation(self, cluster: str) -> int:
        """How often the cluster was made anew."""
        return int(self._state.get("generations", {}).get(cluster, 0))

    def next_generation(self, cluster: str) -> int:
        """Forget what the cluster held: from now on it is another one, and empty."""
        generations = self._state.setdefault("generations", {})
        generations[cluster] = self.generation(cluster) + 1
        self._save()
        return int(generations[cluster])

    def write(self, name: str, text: str) -> Path:
        """Write a file whole or not at all, readable for its owner alone."""
        return write_private(self.root / name, text)

    def _save(self) -> None:
        self.write("world.json", json.dumps(self._state, indent=2))


def write_private(path: Path, text: str) -> Path:
    """Write a file whole or not at all, readable for its owner alone."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.touch(mode=0o600)
    temporary.write_text(text)
    temporary.replace(path)
    return path


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _runs(pid: str) -> bool:
    return pid.isdigit() and psutil.pid_exists(int(pid))
