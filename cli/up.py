"""`failover up`: everything on one machine, from Temporal to the watcher, until Ctrl-C.

Without a fleet of your own there are local clusters; with `--fleet` or `--kubeconfig` there is
Temporal alone, embedded, and worker and watcher mind your clusters. Everything it keeps lies in one
directory, and a later `up` on it goes on where it stood. A worker or watcher that dies is started
again; where a server dies, all is ended with its last words.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from temporalio.client import Client

from cli.context import run, surroundings
from cli.local import (
    await_worker,
    connect_to,
    environment_of,
    local_world,
    system_namespace,
    temporal_environment,
    watcher_command,
    worker_command,
)
from cli.printing import pair_lines, say, tell
from devstack.errors import PartFailed
from devstack.ports import is_free
from devstack.processes import Part
from devstack.up import stop_requested
from devstack.world import World
from failover.domain.errors import InvalidInput
from failover.kube.fleetfile import FleetFile
from triggers.retention import keep_at_least

NAMES = ("east", "west", "north", "south", "center", "coast", "island", "harbor")
TEMPORAL_PORT, UI_PORT = 7233, 8233
RETENTION = timedelta(days=30)
"""As far as `failover report` looks back; of itself Temporal's development server keeps a day."""
RESTART_SECONDS, RESTART_SECONDS_MAX = 0.5, 30.0
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?")


@dataclass(frozen=True)
class Wishes:
    """What a person asked for."""

    data: Path
    clusters: tuple[str, ...]
    """Local clusters; none where the person has clusters of their own."""
    own: FleetFile | None
    temporal_port: int | None
    ui_port: int | None
    policies: Path
    worker: bool


def add_to(app: typer.Typer) -> None:
    """Add `up`."""
    app.command(name="up")(bring_up)


def bring_up(
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="DIR", help="Where everything is kept; else in your data directory."
        ),
    ] = None,
    clusters: Annotated[
        str,
        typer.Option(
            metavar="N|NAMES", help="Local clusters: how many, or their names, as in east,west."
        ),
    ] = "",
    temporal_port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Temporal's port; else 7233, if it is free."),
    ] = None,
    ui_port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="The Web UI's port; else 8233, if it is free."),
    ] = None,
    policies: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The policies to watch; else DATA/policies.")
    ] = None,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Servers only: no worker, no watcher.")
    ] = False,
) -> None:
    """Run everything on this machine, until Ctrl-C: Temporal, clusters, worker, watcher.

    With --fleet or --kubeconfig: Temporal alone, with a worker and a watcher for your own clusters.
    """
    place = (data or default_directory()).expanduser().absolute()
    own = None if clusters else _own_fleet(place)
    names = () if own else chosen_clusters(clusters or "3")
    watched = (policies or place / "policies").expanduser().absolute()
    if policies is not None and not policies.is_dir():
        raise InvalidInput(f"--policies {policies}: there is no such directory")
    wishes = Wishes(place, names, own, temporal_port, ui_port, watched, not no_worker)
    with local_world():
        run(_until_stopped(wishes))


def chosen_clusters(text: str) -> tuple[str, ...]:
    """`3`, or `east,west`, as names."""
    if text.isascii() and text.isdigit():
        if not 1 <= int(text) <= len(NAMES):
            raise InvalidInput(
                f"--clusters {text}: give 1 to {len(NAMES)}, or names, as in east,west"
            )
        return NAMES[: int(text)]
    names = tuple(text.split(","))
    for name in names:
        if not _NAME.fullmatch(name):
            message = f"--clusters {text}: {name!r} is no name for a cluster; use a-z, 0-9 and -"
            raise InvalidInput(message)
    if len(set(names)) < len(names):
        raise InvalidInput(f"--clusters {text}: a name is there twice")
    return names


def default_directory() -> Path:
    """Where the world of `up` lies, unless a person says otherwise."""
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "stateful-failover"


def _own_fleet(place: Path) -> FleetFile | None:
    """The clusters of the person; the fleet that an earlier `up` has written here is none of them."""
    around = surroundings()
    settings = around.settings
    ours = settings.fleet is not None and settings.fleet.absolute() == place / "fleet.yaml"
    if ours or not (settings.fleet or settings.kubeconfig):
        return None
    return around.fleet_file()


async def _until_stopped(wishes: Wishes) -> None:
    """Run it all; a signal ends it at any moment, also while it starts."""
    async with stop_requested() as stopped:
        work = asyncio.create_task(_run(wishes))
        await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            tell("stopping")
            work.cancel()
        try:
            await work
        except asyncio.CancelledError:
            if not stopped.done():
                raise


async def _run(wishes: Wishes) -> None:
    tell(f"starting Temporal{_and(wishes.clusters)} in {wishes.data}")
    world = World(
        wishes.data,
        clusters=wishes.clusters,
        temporal_port=_port(wishes.temporal_port, TEMPORAL_PORT),
        ui_port=_port(wishes.ui_port, UI_PORT),
    )
    async with world:
        servers = tuple(world.parts.values())
        client = await connect_to(world)
        await keep_at_least(client, RETENTION)
        await world.install_everywhere([system_namespace()])
        wishes.policies.mkdir(parents=True, exist_ok=True)
        children = await _start_children(client, world, wishes) if wishes.worker else ()
        minding = [asyncio.create_task(_mind(part)) for part in children]
        _say_where(world, wishes)
        try:
            raise await _first_to_die(servers)
        finally:
            for task in minding:
                task.cancel()


async def _start_children(client: Client, world: World, wishes: Wishes) -> tuple[Part, ...]:
    """Worker and watcher, side by side."""
    environment = _environment(world, wishes)
    log = world.data_directory / "logs" / "watcher.log"
    log.unlink(missing_ok=True)  # its words of an earlier life would say that it is ready
    worker, watcher = await asyncio.gather(
        world.run("worker", worker_command(environment)),
        world.run("watcher", watcher_command(environment, wishes.policies, log)),
    )
    await await_worker(client, worker)
    return worker, watcher


async def _mind(part: Part) -> None:
    """Start it again whenever it dies, less and less eagerly while it keeps dying."""
    loop, pause = asyncio.get_running_loop(), RESTART_SECONDS
    while True:
        began = loop.time()
        await part.wait_died_alone()
        if loop.time() - began > RESTART_SECONDS_MAX:
            pause = RESTART_SECONDS
        tell(
            f"the {part.name} ended with code {part.exit_code}; it is started again (log: {part.log})"
        )
        await asyncio.sleep(pause)
        pause = min(2 * pause, RESTART_SECONDS_MAX)
        await part.start()


async def _first_to_die(parts: tuple[Part, ...]) -> PartFailed:
    tasks = {asyncio.create_task(part.wait_died_alone()): part for part in parts}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
    part = tasks[done.pop()]
    return PartFailed(f"{part.name} ended with code {part.exit_code}. {part.last_words()}")


def _environment(world: World, wishes: Wishes) -> Mapping[str, str]:
    if wishes.own is None:
        return environment_of(world)
    settings = surroundings().settings
    own = {
        "FAILOVER_FLEET": str(settings.fleet.absolute()) if settings.fleet else "",
        "FAILOVER_KUBECONFIG": settings.kubeconfig,
        "FAILOVER_UI": world.temporal_ui_url,
    }
    return {
        **temporal_environment(world.temporal_address),
        **{key: value for key, value in own.items() if value},
    }


def _say_where(world: World, wishes: Wishes) -> None:
    own = wishes.own
    names = [each.name for each in own.clusters] if own else list(world.clusters)
    facts = [
        ("Temporal", world.temporal_address),
        ("Web UI", world.temporal_ui_url),
        ("Clusters", ", ".join(names) + (" (your own)" if own else "")),
        ("Policies", f"{wishes.policies} (read again when they change)"),
        ("Logs", str(world.data_directory / "logs")),
    ]
    for line in pair_lines(facts):
        say(line)
    say()
    say("In another terminal:")
    say()
    for name, value in _exports(world, wishes).items():
        say(f"  export {name}={value}")
    say()
    for command in _commands(wishes):
        say(f"  {command}")
    say()
    say("Ctrl-C stops all of it; the next `failover up` goes on from here.")


def _exports(world: World, wishes: Wishes) -> dict[str, str]:
    found = dict(_environment(world, wishes))
    wanted = {"TEMPORAL_ADDRESS": found["TEMPORAL_ADDRESS"]}
    wanted |= {key: value for key, value in found.items() if key.startswith("FAILOVER_")}
    if wishes.own is None:
        wanted["KUBECONFIG"] = str(world.kubeconfig)
        del wanted["FAILOVER_KUBECONFIG"]
    return wanted


def _commands(wishes: Wishes) -> tuple[str, ...]:
    last = (
        f"failover lint {wishes.policies}"
        if wishes.own or not shutil.which("kubectl")
        else f"kubectl --context {wishes.clusters[0]} get namespaces"
    )
    return "failover doctor", "failover list --all-namespaces", last


def _port(wanted: int | None, usual: int) -> int | None:
    """The port asked for; else the usual one, where nobody has it."""
    return wanted if wanted is not None else usual if is_free(usual) else None


def _and(clusters: tuple[str, ...]) -> str:
    return f" and the clusters {', '.join(clusters)}" if clusters else ""
