"""`failover serve`: alerts of Alertmanager and Grafana start failovers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.context import run
from cli.working import LogJson, LogLevel, Observe, PolicyPlace, check_place, settings_of


def add_to(app: typer.Typer) -> None:
    """Add `serve`."""
    app.command(name="serve")(serve)


def serve(
    policies: PolicyPlace,
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Where calls come in.")
    ] = "127.0.0.1:8080",
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            metavar="FILE",
            help="Bearer tokens, one a line; read again when it changes.",
        ),
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option("--tls-cert", metavar="FILE", help="Our certificate, for HTTPS.")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option("--tls-key", metavar="FILE", help="Its private key.")
    ] = None,
    client_ca: Annotated[
        Path | None,
        typer.Option(
            "--client-ca", metavar="FILE", help="Callers need a certificate of this authority."
        ),
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option(
            "--label",
            metavar="LABEL=KIND",
            help="A label whose value is the name of an object of a kind, as app=FlinkDeployment.flink.apache.org.",
        ),
    ] = None,
    cluster_labels: Annotated[
        list[str] | None,
        typer.Option(
            "--cluster-label",
            metavar="LABEL",
            help="A label that names the cluster; `cluster` if left out.",
        ),
    ] = None,
    applications_max: Annotated[
        int,
        typer.Option(
            "--max-applications", min=1, help="A call that means more is refused as a whole."
        ),
    ] = 50,
    observe: Observe = False,
    log_json: LogJson = None,
    log_level: LogLevel = None,
) -> None:
    """Start a failover for each application that an alert means, until SIGTERM or Ctrl-C."""
    from triggers.admitting import Address, Door  # noqa: PLC0415 - what knows servers, for this verb only
    from triggers.alerts import Naming, naming_of  # noqa: PLC0415
    from triggers.receiving import Reading  # noqa: PLC0415
    from triggers.serving import run_server  # noqa: PLC0415

    check_place(policies)
    door = Door(Address.parse(listen), token_file, tls_cert, tls_key, client_ca)
    door.check()
    naming: Naming = naming_of(labels or (), cluster_labels or ())
    settings = settings_of(log_json=log_json, log_level=log_level)
    run(run_server(settings, policies, door, Reading(naming, applications_max), observe=observe))
