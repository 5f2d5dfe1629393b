"""A build that is killed leaves nothing: no process, and no files once the next one has begun."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from devstack import toolchain
from devstack.building import build
from devstack.products import TEMPORAL

SECONDS = 30
BUILDS_FOR_EVER = """#!/bin/sh
sleep 1000 &
echo "$$ $!" > "$0.new"
mv "$0.new" "$0.pids"
wait
"""
BUILDS = """#!/bin/sh
while [ "$1" != -o ]; do shift; done
touch "$2"
"""
STARTER = """
import signal
import sys
from pathlib import Path

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored below a shell's background job
from devstack import building, toolchain
from devstack.products import TEMPORAL

go, destination = map(Path, sys.argv[1:])
toolchain.go = lambda _: go
{first}building.build(TEMPORAL, destination, destination.parent)
"""
KILLED_BEFORE = """
import time
def never(group):
    Path(f"{go}.pids").write_text(str(group))
    time.sleep(1000)

building._ends_with_us = never
"""
KILLS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def compiler(path: Path, script: str) -> Path:
    """What stands for Go."""
    path.write_text(script)
    path.chmod(0o755)
    return path


def until(level: Callable[[], bool], what: str) -> None:
    """Wait for a level, with a deadline."""
    deadline = time.monotonic() + SECONDS
    while not level():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


@pytest.mark.parametrize("first", ["", KILLED_BEFORE], ids=["in-the-middle", "at-the-start"])
@pytest.mark.parametrize("how", KILLS)
def test_nothing_goes_on_when_its_starter_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: signal.Signals, first: str
) -> None:
    """The compiler and what it has started end with the one who wanted the build, whenever that is."""
    go = compiler(tmp_path / "go", BUILDS_FOR_EVER)
    destination = tmp_path / "cache" / "temporal"
    with subprocess.Popen(
        [sys.executable, "-c", STARTER.format(first=first), str(go), str(destination)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        stderr=subprocess.DEVNULL,
    ) as starter:
        pids = tmp_path / "go.pids"
        until(pids.exists, "the build goes on")
        until(lambda: bool(pids.read_text()), "the build goes on")
        starter.send_signal(how)
    numbers = [int(each) for each in pids.read_text().split()]
    until(lambda: not any(map(psutil.pid_exists, numbers)), "all of it has ended")

    def builds(_: Path) -> Path:
        return compiler(go, BUILDS)

    monkeypatch.setattr(toolchain, "go", builds)
    build(TEMPORAL, destination, tmp_path)
    assert list(destination.parent.iterdir()) == [destination]
