"""`failover demo`: the main job on real servers, played out before a person's eyes.

1. A Flink job loses its JobManager and moves to another cluster, with its state handle on it.
2. The same, and the worker is killed with SIGKILL in the middle of the toleration.
3. The same, and the worker is killed in the middle of the purge.

Ends with 0 if all of it happened, and each in time; else it says what did not.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from cli.context import run
from cli.demo.acts import Play
from cli.demo.narrator import Narrator, took
from cli.demo.stage import EXAMPLE, TOLERATION_SECONDS, WRITTEN, Stage, open_stage
from cli.local import local_world
from devstack.up import stop_requested


def add_to(app: typer.Typer) -> None:
    """Add `demo`."""
    app.command(name="demo")(play_demo)


def play_demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave everything up to play with, until Ctrl-C.")
    ] = False,
) -> None:
    """Watch an application move from one cluster to another, three times, in a minute.

    Everything runs on this machine and is gone afterwards.
    """
    directory = Path(tempfile.mkdtemp(prefix="failover-demo-"))
    narrator = Narrator()
    try:
        with local_world():
            run(_play(directory, narrator, keep=keep))
    except BaseException:
        narrator.settle()
        typer.echo(f"the logs are in {directory / 'world' / 'logs'}", err=True)
        raise
    shutil.rmtree(directory, ignore_errors=True)


async def _play(directory: Path, narrator: Narrator, *, keep: bool) -> None:
    narrator.title("A stateful application moves between clusters, and nothing is lost")
    narrator.text("Real servers on this machine: Temporal, and three Kubernetes API servers")
    narrator.text("(east, west, north). Flink's operator is a stand-in; no pod runs.")
    narrator.text("They start now, which takes ten seconds or so; then it plays for a minute.")
    narrator.text()
    narrator.begin()
    async with open_stage(directory) as stage:
        await _set_up(stage, narrator)
        play = Play(stage, narrator)
        await play.a_cluster_loses_a_job()
        await play.the_worker_dies_tolerating()
        await play.the_worker_dies_purging()
        narrator.title("All of it happened, and there was never more than one copy.")
        if keep:
            await _stay(stage, narrator)
    if not keep:
        _say_next(narrator)


async def _set_up(stage: Stage, narrator: Narrator) -> None:
    await stage.start_worker()
    await stage.start_watcher()
    await stage.deploy(stage.world.clusters[0])
    await stage.running()
    narrator.settle()
    world = stage.world
    count = len(world.clusters)
    servers = f"Temporal, etcd, {count} API servers, {count} controller managers, worker, watcher"
    narrator.fact("up in", f"{took(narrator.elapsed)}: {servers}")
    narrator.fact("policy", f"examples/{EXAMPLE.name} as it is,")
    narrator.fact(
        "", f"but tolerationSeconds is {TOLERATION_SECONDS} instead of {WRITTEN.split()[-1]}"
    )
    narrator.fact("Web UI", world.temporal_ui_url)


async def _stay(stage: Stage, narrator: Narrator) -> None:
    world, command = stage.world, _ourselves()
    narrator.text()
    narrator.text("It all stays up until Ctrl-C. In another terminal:")
    narrator.text()
    for name, value in (
        ("KUBECONFIG", world.kubeconfig),
        ("FAILOVER_FLEET", world.fleet_file),
        ("FAILOVER_UI", world.temporal_ui_url),
        ("TEMPORAL_ADDRESS", world.temporal_address),
    ):
        narrator.text(f"export {name}={value}")
    narrator.text()
    narrator.text(f"{command} list --all -n shop")
    narrator.text(f"{command} timeline flinkdeployment/orders -n shop")
    home = (await stage.running()).cluster
    narrator.text(f"kubectl --context {home} get flinkdeployments -n shop")
    async with stop_requested() as stopped:
        await stopped


def _say_next(narrator: Narrator) -> None:
    command = _ourselves()
    narrator.text()
    narrator.text("Three things to try next:")
    narrator.text()
    narrator.text(f"{command} demo --keep        the same, and the world stays up to play with")
    narrator.text(f"{command} up                 a world of your own, with worker and watcher")
    narrator.text(
        f"{command} lint {_shown(EXAMPLE.parent)}      the policies, checked field by field"
    )
    narrator.text()


def _ourselves() -> str:
    """How this command can be typed again."""
    if shutil.which("failover"):
        return "failover"
    return _shown(Path(sys.executable).parent / "failover")


def _shown(path: Path) -> str:
    """A path as short as it can be typed here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
