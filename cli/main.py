"""`failover`, and `kubectl failover`: the verbs put together, and what becomes of an error.

No error shows a traceback: one of ours is a sentence and a documented exit code (`cli.exits`);
anything else is a bug, and says how its traceback can be seen.

Only the family of the verb at hand is imported: what needs no server starts at once, and a machine
without the packages of the local world misses only `up` and `demo`.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, NoReturn, Protocol, cast

import typer
from rich.markup import escape
from typer.exceptions import Abort, TyperException

from cli.context import hoisted, surround
from cli.exits import EXIT_BUG, EXIT_DONE, EXIT_INTERRUPTED, exit_code
from cli.printing import say, tell
from failover.domain.errors import FailoverError, InvalidInput
from failover.domain.phases import EXIT_USAGE
from failover.stopping import leave

_DEVSTACK_PACKAGES = frozenset({"cryptography", "psutil"})
INSTALL_DEVSTACK = "pip install '.[devstack]'"
EPILOG = (
    "The options above may stand before or after a command. `failover COMMAND --help` tells more. "
    "Exit codes: 0 done, 1 failed, 2 wrong usage or input, 3 waits for a person, 4 no end in time, 5 refused by a rule, "
    "70 a bug, 130 interrupted."
)


@dataclass(frozen=True)
class Family:
    """A module of verbs, and where `--help` lists them."""

    module: str
    verbs: tuple[str, ...]
    panel: str


FAMILIES = (
    Family("cli.listing", ("list",), "Look"),
    Family("cli.following", ("status", "timeline"), "Look"),
    Family("cli.getting", ("get", "describe"), "Look"),
    Family("cli.whereabouts", ("where", "history"), "Look"),
    Family("cli.planning", ("plan",), "Look"),
    Family("cli.explaining", ("explain",), "Look"),
    Family("cli.reviewing", ("report",), "Look"),
    Family("cli.doctor", ("doctor",), "Look"),
    Family("cli.starting", ("start",), "Act"),
    Family(
        "cli.steering",
        ("retry", "skip", "abort", "replan", "retarget", "approve", "deny"),
        "Act",
    ),
    Family("cli.protecting", ("protect", "unprotect", "suspend"), "Act"),
    Family("cli.rebuilding", ("rebuild",), "Act"),
    Family("cli.pausing", ("pause", "resume"), "Act"),
    Family("cli.linting", ("lint",), "Without any server"),
    Family("cli.offline", ("capture", "health"), "Without any server"),
    Family("cli.rbac", ("rbac",), "Without any server"),
    Family("cli.calling", ("call",), "Act"),
    Family("cli.working", ("worker", "watch"), "Run"),
    Family("cli.serving", ("serve",), "Run"),
    Family("cli.up", ("up",), "Run"),
    Family("cli.demo", ("demo",), "Run"),
)


class _Module(Protocol):
    def add_to(self, app: typer.Typer) -> None: ...


def main() -> None:
    """Run the command line and exit."""
    leave(run_command(sys.argv[1:]))


def run_command(arguments: Sequence[str]) -> int:
    """Run one command; every error becomes a sentence on standard error and an exit code."""
    wanted = hoisted(arguments)
    try:
        app = assemble(wanted)
        answered = app(args=wanted, prog_name=_name(), standalone_mode=False)
    except FailoverError as error:
        tell(f"error: {error.message}", style="red")
        return exit_code(error)
    except TyperException as error:
        return _usage(error)
    except Abort:
        tell("nothing done")
        return EXIT_INTERRUPTED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader has what it wanted (`| head`); keep the interpreter from complaining at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_DONE
    except Exception as error:  # noqa: BLE001 - the last resort: no bug shows a traceback unasked
        if "--debug" in wanted:
            traceback.print_exc()
        told = f"{type(error).__name__}: {error}"
        tell(f"internal error ({told[:300]}), run with --debug for the traceback", style="red")
        return EXIT_BUG
    return answered if isinstance(answered, int) else EXIT_DONE


def assemble(arguments: Sequence[str] = ()) -> typer.Typer:
    """The command line for these arguments: with one verb among them its family, else all of them."""
    app = typer.Typer(
        name="failover",
        help="Durable failover for stateful applications on several Kubernetes clusters.",
        epilog=EPILOG,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_globals)
    for family in _families(arguments):
        known = len(app.registered_commands)
        _add(app, family)
        for command in app.registered_commands[known:]:
            command.rich_help_panel = family.panel
    return app


def _families(arguments: Sequence[str]) -> Sequence[Family]:
    """Where a value is taken for the verb by mistake, its family is there as well as the right one."""
    meant = [family for family in FAMILIES if set(family.verbs) & set(arguments)]
    return meant or FAMILIES


def _add(app: typer.Typer, family: Family) -> None:
    try:
        module = cast("_Module", importlib.import_module(family.module))
    except ModuleNotFoundError as error:
        if error.name not in _DEVSTACK_PACKAGES:
            raise
        for verb in family.verbs:
            app.command(
                name=verb,
                # Whatever follows, the answer is what to install.
                help=f"Needs `{escape(INSTALL_DEVSTACK)}`.",
                context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
            )(_needs_devstack)
        return
    module.add_to(app)


def _needs_devstack() -> NoReturn:
    message = (
        f"the local world needs more packages: {INSTALL_DEVSTACK}, in a clone of the repository"
    )
    raise InvalidInput(message, reason="DevstackMissing")


def _usage(error: TyperException) -> int:
    message = error.format_message()
    if not message:
        return EXIT_USAGE  # help was shown, since nothing was asked
    context = getattr(error, "ctx", None)
    hint = f" (see `{context.command_path} --help`)" if context is not None else ""
    tell(f"error: {' '.join(message.split())}{hint}", style="red")
    return EXIT_USAGE


def _name() -> str:
    """How the person called us: kubectl runs its plugin `kubectl-failover`."""
    return "kubectl failover" if Path(sys.argv[0]).name.startswith("kubectl-") else "failover"


def _show_version(wanted: bool) -> None:
    if wanted:
        try:
            say(version("stateful-failover"))
        except PackageNotFoundError:
            say("unknown (not installed)")
        raise typer.Exit


def _globals(
    fleet: Annotated[
        str,
        typer.Option(metavar="FILE", help="The fleet file; else every context of the kubeconfig."),
    ] = "",
    kubeconfig: Annotated[
        str, typer.Option(metavar="FILE", help="Kubeconfig; else $KUBECONFIG or ~/.kube/config.")
    ] = "",
    temporal_address: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Temporal; else $TEMPORAL_ADDRESS or profile.")
    ] = "",
    temporal_namespace: Annotated[
        str, typer.Option(metavar="NAME", help="Temporal namespace; else $TEMPORAL_NAMESPACE.")
    ] = "",
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an internal error.")
    ] = False,
    _version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="The version."),
    ] = False,
) -> None:
    surround(
        fleet=fleet,
        kubeconfig=kubeconfig,
        temporal_address=temporal_address,
        temporal_namespace=temporal_namespace,
        debug=debug,
    )


if __name__ == "__main__":
    main()
