"""The demo plays to its end, shows what it promises, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

SECONDS_MAX = 400
ACTS = 3
STEPS = (
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
    r"It all stays up until Ctrl-C"
)


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
async def test_demo_plays_to_its_end_and_stays_until_ctrl_c() -> None:
    """Every step in its order, three acts; then what it prints can be typed; after Ctrl-C nothing is left."""
    # Not pytest's own directory: what the demo leaves in its temporary one is part of the question.
    with tempfile.TemporaryDirectory() as place:
        process = await play("--keep", directory=Path(place))
        assert process.stdout is not None
        text = (await process.stdout.readuntil(b"get flinkdeployments -n shop\n")).decode()
        assert re.search(STEPS, text, re.DOTALL), text
        assert "\x1b" not in text
        exports, commands = printed(text)
        listed, told = [await typed(exports, each) for each in commands]
        assert len(re.findall(r"flinkdeployment/orders\s+Completed", listed)) == ACTS, listed
        assert re.search(r"Purging\s+(east|west|north)", told), told
        running = psutil.Process(process.pid).children(recursive=True)
        ports = {port for each in running for port in listened_to(each)}
        assert ports
        process.send_signal(signal.SIGINT)
        raw, _ = await process.communicate()
        assert process.returncode == 0, raw.decode()
        assert os.listdir(place) == []  # noqa: PTH208 - quick, and nothing else runs in this loop
    assert psutil.wait_procs(running, timeout=15)[1] == []
    assert [port for port in ports if is_listened_to(port)] == []


def printed(text: str) -> tuple[list[str], list[str]]:
    """What is to be typed in another terminal: the exports, and the commands of ours."""
    lines = [
        each.strip() for each in text.partition("It all stays up until Ctrl-C")[2].splitlines()
    ]
    exports = [each for each in lines if each.startswith("export ")]
    ours = [each for each in lines if re.match(r"\S*failover \S", each)]
    assert len(exports) == len(ours) * 2 == 4, text
    return exports, ours


async def typed(exports: list[str], command: str) -> str:
    """What a shell prints in which these lines are typed."""
    process = await asyncio.create_subprocess_shell(
        "\n".join(["set -e", *exports, command]),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    raw, _ = await process.communicate()
    assert process.returncode == 0, raw.decode()
    return raw.decode()


def listened_to(process: psutil.Process) -> set[int]:
    """The ports on which it accepts connections."""
    connections = process.net_connections("tcp")
    return {each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN}


def is_listened_to(port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0


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
