"""`failover worker` and `failover watch`: the two processes that do the work, in the foreground."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from cli.context import run, surroundings
from failover.domain.errors import InvalidInput
from failover.domain.policy.places import context_of
from failover.settings import Settings
from failover.telemetry import set_up_logs

MetricsPort = Annotated[
    int | None,
    typer.Option(
        "--metrics-port", min=0, max=65535, help="Serve /metrics there; 0 is any free port."
    ),
]
MetricsAddress = Annotated[
    str | None, typer.Option("--metrics-address", help="The address to serve /metrics on.")
]
LogJson = Annotated[
    bool | None, typer.Option("--log-json/--log-text", help="The form of the logs.")
]
PolicyPlace = Annotated[
    str,
    typer.Option(
        "--policies",
        metavar="DIR|cluster:CONTEXT",
        help="A directory of policy files, or a cluster that holds policies as objects; changes are taken up as they come.",
    ),
]
Observe = Annotated[
    bool,
    typer.Option(
        "--observe",
        help="Tolerate and plan only, whatever the policies say; writes to no cluster.",
    ),
]
LogLevel = Annotated[str | None, typer.Option("--log-level", help="DEBUG, INFO, WARNING or ERROR.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands that run until they are stopped."""
    app.command(name="worker")(work)
    app.command(name="watch")(watch)


def work(
    metrics_port: MetricsPort = None,
    metrics_address: MetricsAddress = None,
    log_json: LogJson = None,
    log_level: LogLevel = None,
) -> None:
    """Carry out failovers, until SIGTERM or Ctrl-C. Run as many as you like."""
    from worker import run_worker  # noqa: PLC0415 - workflows and activities, for this verb only

    run(
        run_worker(
            settings_of(metrics_port, metrics_address, log_json=log_json, log_level=log_level)
        )
    )


def watch(
    policies: PolicyPlace,
    observe: Observe = False,
    metrics_port: MetricsPort = None,
    metrics_address: MetricsAddress = None,
    log_json: LogJson = None,
    log_level: LogLevel = None,
) -> None:
    """Start a failover for each unhealthy application, until SIGTERM or Ctrl-C."""
    from triggers.watching import run_watcher  # noqa: PLC0415 - as above

    check_place(policies)
    settings = settings_of(metrics_port, metrics_address, log_json=log_json, log_level=log_level)
    run(run_watcher(settings, policies, observe=observe))


def check_place(policies: str) -> None:
    """Raise `InvalidInput` where there is no such directory, or no context is named."""
    path = Path(policies)
    if context_of(policies) is None and not path.is_dir():
        problem = "is a file; name its directory" if path.exists() else "there is no such directory"
        raise InvalidInput(f"--policies {policies}: {problem}")


def settings_of(
    metrics_port: int | None = None,
    metrics_address: str | None = None,
    *,
    log_json: bool | None,
    log_level: str | None,
) -> Settings:
    """What the flags say, over what the environment says; logs are set up accordingly."""
    around = surroundings()
    wishes = {
        "metrics_port": metrics_port,
        "metrics_address": metrics_address,
        "log_json": log_json,
        "log_level": log_level.upper() if log_level else None,
    }
    settings = around.settings.model_copy(
        update={key: value for key, value in wishes.items() if value is not None}
    )
    if settings.log_level not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise InvalidInput(f"--log-level {settings.log_level}: write DEBUG, INFO, WARNING or ERROR")
    # What runs until it is stopped connects as Temporal's own variables say; a flag becomes one.
    if around.temporal_address:
        os.environ["TEMPORAL_ADDRESS"] = around.temporal_address
    if around.temporal_namespace:
        os.environ["TEMPORAL_NAMESPACE"] = around.temporal_namespace
    set_up_logs(as_json=settings.log_json, level=settings.log_level)
    return settings
