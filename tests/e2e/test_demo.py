"""The demo plays to its end by itself, and shows what it promises."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import tempfile
from pathlib import Path

import pytest

SECONDS_MAX = 400


async def play(*flags: str, directory: Path) -> asyncio.subprocess.Process:
    """`failover demo`, piped."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cli.main",
        "demo",
        *flags,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "TMPDIR": str(directory)},
    )


@pytest.mark.timeout(SECONDS_MAX)
async def test_demo_plays_to_its_end() -> None:
    """Exit code 0, every step in its order, three acts, three commands, and nothing is left."""
    # Not pytest's own directory: what the demo leaves in its temporary one is part of the question.
    with tempfile.TemporaryDirectory() as place:
        process = await play(directory=Path(place))
        raw, _ = await process.communicate()
        text = raw.decode()
        assert process.returncode == 0, text
        assert os.listdir(place) == []  # noqa: PTH208 - quick, and nothing else runs in this loop
    steps = (
        r"Act 1 .*"
        r"detected\s+StatusContradictsPods.*"
        r"tolerating\s+\d+ s left.*"
        r"captured\s+jobId [0-9a-f]{32}.*"
        r"purged\s+from east, and confirmed gone.*"
        r"started\s+on west with resourcebinding\.karmada\.io/failover-jobid=[0-9a-f]{32}.*"
        r"healthy\s+on west.*"
        r"the label resourcebinding\.karmada\.io/failover-jobid is off again.*"
        r"http://127\.0\.0\.1:\d+/namespaces/default/workflows/failover%2Fshop%2F\S+/[-0-9a-f]{36}.*"
        r"Purging\s+east\s+\S+ m?s.*"
        r"Act 2 .*SIGKILL\s+to the worker.*started again.*on time.*"
        r"Act 3 .*SIGKILL\s+to the worker.*let go.*on time.*"
        r"Three things to try next"
    )
    assert re.search(steps, text, re.DOTALL), text
    assert "\x1b" not in text


async def test_ctrl_c_ends_everything(tmp_path: Path) -> None:
    """Nothing that the demo started outlives it."""
    process = await play(directory=tmp_path)
    assert process.stdout is not None
    await process.stdout.readuntil(b"no pod runs.")
    process.send_signal(signal.SIGINT)
    await process.communicate()
    assert process.returncode == 130
    assert not _alive(str(tmp_path))


def _alive(word: str) -> list[str]:
    """Processes with this word in their command line."""
    lines: list[str] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (
                    (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
            except OSError:
                continue  # it has ended while we looked
            if word in line:
                lines.append(line)
    return lines
