"""How the demo ends, once all of it was played; how it plays is tested on real servers (`tests/e2e/test_demo.py`)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cli.demo.acts import Play
from cli.main import run_command

ACTS = ("a_cluster_loses_a_job", "the_worker_dies_tolerating", "the_worker_dies_purging")


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The acts that were played, on a stage without anything."""
    names: list[str] = []

    @asynccontextmanager
    async def bare(directory: Path) -> AsyncGenerator[None, None]:
        (directory / "world").mkdir()
        yield
        names.append("curtain")

    async def nothing(*_: object) -> None:
        """Nobody is set up."""

    def act(name: str) -> None:
        async def played(_: Play) -> None:
            names.append(name)

        monkeypatch.setattr(Play, name, played)

    for each in ACTS:
        act(each)
    monkeypatch.setattr("cli.demo.open_stage", bare)
    monkeypatch.setattr("cli.demo._set_up", nothing)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return names


def test_it_ends_by_itself(
    played: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 0, three commands to try next, all of them ours, and no directory is left."""
    assert run_command(["demo"]) == 0
    assert played == [*ACTS, "curtain"]
    told = capsys.readouterr().out.partition("Three things to try next:")[2]
    verbs = [line.split("failover ")[1].split()[0] for line in told.splitlines() if line.strip()]
    assert verbs == ["demo", "up", "lint"]
    assert not list(tmp_path.iterdir())


def test_what_fails_keeps_its_logs(
    played: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And says where they are."""

    async def fails(_: Play) -> None:
        raise TimeoutError

    monkeypatch.setattr(Play, ACTS[1], fails)
    assert run_command(["demo"]) != 0
    assert played == [ACTS[0]]
    [kept] = tmp_path.iterdir()
    assert f"the logs are in {kept / 'world' / 'logs'}" in capsys.readouterr().err
