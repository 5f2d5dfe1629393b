"""What every verb shares: where the fleet and Temporal are, and how an answer is waited for.

    failover [--fleet FILE] [--kubeconfig FILE] [--temporal-address HOST:PORT] [--debug] VERB …

These options may stand before or after the verb (`hoisted`). What they leave open comes from
`FAILOVER_*` (see `failover.settings`) and from Temporal's own `TEMPORAL_*` variables and profiles.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import socket
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from pydantic import ValidationError

from failover.domain.errors import InvalidInput
from failover.settings import Settings

if TYPE_CHECKING:
    # Imported when asked for: a verb that needs no server is not to wait for what knows servers.
    from temporalio.client import Client

    from failover.kube.fleet import KubeFleet
    from failover.kube.fleetfile import FleetFile

T = TypeVar("T")

GLOBAL_OPTIONS = ("--fleet", "--kubeconfig", "--temporal-address", "--temporal-namespace")
GLOBAL_FLAGS = ("--debug",)
_CLOSING_SECONDS = 0.02

Namespace = Annotated[
    str,
    typer.Option(
        "--namespace", "-n", envvar="FAILOVER_NAMESPACE", help="Namespace of the application."
    ),
]
AllNamespaces = Annotated[bool, typer.Option("--all-namespaces", "-A", help="In all namespaces.")]
Actor = Annotated[
    str, typer.Option("--actor", help="Who decides, for the history; you, if left out.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the history.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
POLICIES = ("-f", "--policies")
POLICY_PLACE = "FILE|DIR|cluster:CONTEXT"
"""What stands after these options, wherever policies are read once."""
PolicyPlaces = Annotated[
    list[str],
    typer.Option(
        *POLICIES,
        metavar=POLICY_PLACE,
        help="Policies: files, directories of them, `-` for standard input, or a cluster that holds them as objects.",
    ),
]


@dataclass(frozen=True)
class Surroundings:
    """Where things are, as flags and environment say."""

    settings: Settings = field(default_factory=Settings)
    temporal_address: str = ""
    temporal_namespace: str = ""
    debug: bool = False

    def fleet_file(self) -> FleetFile:
        """The fleet's description. Raises `InvalidInput`."""
        from failover.kube.fleetfile import load_fleet  # noqa: PLC0415 - see above

        return load_fleet(self.settings.fleet, self.settings.kubeconfig or None)

    @asynccontextmanager
    async def fleet(self) -> AsyncGenerator[KubeFleet, None]:
        """The clusters; nothing is asked yet."""
        from failover.kube.fleet import open_fleet  # noqa: PLC0415 - see above

        async with open_fleet(self.fleet_file()) as fleet:
            yield fleet

    async def client(self) -> Client:
        """A connection to Temporal. Raises `TemporalUnreachable`."""
        from failover.temporal import connect  # noqa: PLC0415 - see above
        from triggers.asking import connecting  # noqa: PLC0415

        with connecting():
            return await connect(
                address=self.temporal_address,
                namespace=self.temporal_namespace,
                identity=f"failover-cli@{actor()}",
            )

    def link(self, temporal_namespace: str, workflow_id: str, run_id: str = "") -> str:
        """Where Temporal's Web UI shows a run; empty where its address is not known (FAILOVER_UI)."""
        from failover.temporal import ui_link  # noqa: PLC0415 - see above

        return ui_link(self.settings.ui, temporal_namespace, workflow_id, run_id)


_surroundings: ContextVar[Surroundings] = ContextVar("surroundings")


def surroundings() -> Surroundings:
    """Those of the verb that is running."""
    found = _surroundings.get(None)
    return found if found is not None else Surroundings()


def surround(
    *,
    fleet: str = "",
    kubeconfig: str = "",
    temporal_address: str = "",
    temporal_namespace: str = "",
    debug: bool = False,
) -> Surroundings:
    """Take up the global options. Raises `InvalidInput` for a `FAILOVER_*` variable that is wrong."""
    wishes = {"fleet": fleet, "kubeconfig": kubeconfig}
    try:
        settings = Settings(**{key: value for key, value in wishes.items() if value})  # type: ignore[arg-type]
    except ValidationError as error:
        found = "; ".join(
            f"FAILOVER_{str(each['loc'][0]).upper()}: {each['msg']}" for each in error.errors()
        )
        raise InvalidInput(f"the environment is wrong: {found}") from error
    made = Surroundings(settings, temporal_address, temporal_namespace, debug)
    _surroundings.set(made)
    return made


def run(work: Coroutine[Any, Any, T]) -> T:
    """Carry out one verb's work to its end."""
    return asyncio.run(_with_rest(work))


async def _with_rest(work: Coroutine[Any, Any, T]) -> T:
    """The work, and then the moment that connections cut while they opened need to be closed."""
    try:
        return await work
    finally:
        await asyncio.sleep(_CLOSING_SECONDS)


def actor(given: str = "") -> str:
    """Who decides: the one named, or `user@host`."""
    if given:
        return given
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def hoisted(arguments: Sequence[str]) -> list[str]:
    """The arguments with the global options first, wherever they stood; nothing after `--` moves."""
    first: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for each in waiting:
        name, given, _ = each.partition("=")
        if each == "--":
            rest += [each, *waiting]
        elif name in GLOBAL_OPTIONS and not given:
            first += [each, *([value] if (value := next(waiting, None)) is not None else [])]
        elif name in GLOBAL_OPTIONS or each in GLOBAL_FLAGS:
            first.append(each)
        else:
            rest.append(each)
    return [*first, *rest]
