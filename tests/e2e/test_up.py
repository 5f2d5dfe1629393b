"""`up` brings everything up, keeps it up, and takes all of it down again."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from failover.temporal import connect
from tests.support.engine import command
from tests.support.scraping import sample, scrape
from triggers.retention import retention_of

READY_SECONDS = 150
CLEAN = ("FAILOVER_", "TEMPORAL_", "KUBECONFIG")


@asynccontextmanager
async def up(
    *flags: str, **more: str
) -> AsyncGenerator[tuple[asyncio.subprocess.Process, str], None]:
    """`failover up`, once it has said where everything is; `more` is for its environment."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(CLEAN)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli.main", "up", *flags),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**clean, **more},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(READY_SECONDS):
            said = await process.stdout.readuntil(b"Ctrl-C stops all of it")
        yield process, said.decode()
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        await process.communicate()


def child(process: asyncio.subprocess.Process, *words: str) -> psutil.Process | None:
    """The child whose command line holds these words."""
    for each in psutil.Process(process.pid).children(recursive=True):
        try:
            if all(word in each.cmdline() for word in words):
                return each
        except psutil.Error:
            continue  # it has ended while we looked
    return None


@pytest.mark.timeout(300)
async def test_up_keeps_its_worker_alive_and_leaves_nothing(tmp_path: Path) -> None:
    """What it prints works; a killed worker is replaced; Ctrl-C ends all of it with exit code 0."""
    wishes = ("--data", str(tmp_path), "--clusters", "east,west")
    async with up(*wishes, FAILOVER_METRICS_PORT="0") as (process, said):
        address = re.search(r"TEMPORAL_ADDRESS=(\S+)", said)
        assert address is not None
        flags = ("--temporal-address", address[1], "--fleet", str(tmp_path / "fleet.yaml"))
        kubeconfig = ("--kubeconfig", str(tmp_path / "kubeconfig"))
        doctor = await asyncio.to_thread(command, "doctor", *flags, *kubeconfig)
        assert doctor.code == 0, doctor.out
        assert await retention_of(await connect(address=address[1])) == timedelta(days=30)
        report = await asyncio.to_thread(command, "report", "-A", "-o", "json", *flags)
        assert not report.json["longerThanRetention"], "it looks back as far as Temporal keeps"
        samples = await scrape((tmp_path / "logs" / "worker.log").read_text())
        assert sample(samples, "failover_open") == 0
        assert sample(samples, "failover_total", outcome="Completed") == 0
        worker = child(process, "-m", "worker")
        assert worker is not None
        worker.kill()
        assert process.stdout is not None
        async with asyncio.timeout(30):
            await process.stdout.readuntil(b"the worker ended with code -9; it is started again")
            # The system has no event for a process that begins.
            while (again := child(process, "-m", "worker")) is None or again.pid == worker.pid:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        running = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        await process.communicate()
        assert process.returncode == 0
        assert psutil.wait_procs(running, timeout=15)[1] == []


@pytest.mark.timeout(300)
async def test_up_for_clusters_of_ones_own_is_temporal_alone(tmp_path: Path) -> None:
    """No cluster is started where a kubeconfig is given; one that is down hinders nobody."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        "apiVersion: v1\nkind: Config\n"
        "clusters: [{name: mine, cluster: {server: 'https://127.0.0.1:1'}}]\n"
        "users: [{name: me, user: {token: x}}]\n"
        "contexts: [{name: mine, context: {cluster: mine, user: me}}]\n"
    )
    flags = ("--data", str(tmp_path / "data"), "--kubeconfig", str(kubeconfig))
    async with up(*flags) as (process, said):
        assert "mine (your own)" in said
        assert child(process, "-m", "worker") is not None
        names = [each.name() for each in psutil.Process(process.pid).children(recursive=True)]
        assert not any("kube" in name or "etcd" in name for name in names)


def test_a_port_in_use_is_named_with_its_flag(tmp_path: Path) -> None:
    """Exit code 2, and nothing is started."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        arguments = ("--data", str(tmp_path), "--clusters", "1", "--temporal-port", port)
        answered = command("up", *arguments)
    assert answered.code == 2
    assert port in answered.err
    assert "--temporal-port" in answered.err
