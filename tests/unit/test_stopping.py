"""How processes end."""

from __future__ import annotations

import os
import subprocess
import sys

LEAVES = """
import threading
from failover.stopping import leave
threading.Thread(target=threading.Event().wait).start()
print("all is said", end="")
leave(3)
"""
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def test_a_process_leaves_with_threads_that_still_run() -> None:
    """The code is the one meant, and what was said is written; the interpreter's own end would wait for the thread."""
    left = ended(f"\"{sys.executable}\" -c '{LEAVES}'")
    assert (left.returncode, left.stdout, left.stderr) == (3, "all is said", "")


def test_a_process_leaves_though_nobody_reads() -> None:
    """`| head` has ended: nothing is complained of."""
    left = ended(f'"{sys.executable}" -c \'{LEAVES}\' | true; exit "${{PIPESTATUS[0]}}"')
    assert (left.returncode, left.stderr) == (3, "")


def ended(command: str) -> subprocess.CompletedProcess[str]:
    """The command's end, its output buffered as usual."""
    return subprocess.run(
        ["bash", "-c", command],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env=BUFFERED,
    )
