"""Settings of a process, from `FAILOVER_*` variables; flags of the command line win over them.

Connection settings of Temporal are Temporal's own (`TEMPORAL_*`, profiles), see `failover.temporal`.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What a worker, a watcher or a command line needs to know of its surroundings."""

    model_config = SettingsConfigDict(env_prefix="FAILOVER_", extra="ignore")

    fleet: Path | None = None
    """The fleet file; without one, every context of the kubeconfig is a cluster."""
    kubeconfig: str = ""
    """Kubeconfig files, as in KUBECONFIG; empty: KUBECONFIG, then ~/.kube/config."""
    metrics_address: str = "127.0.0.1"
    metrics_port: int | None = Field(default=None, ge=0, le=65535)
    """Where `/metrics` is served; unset: not at all, 0: any free port."""
    temporal_metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """Where the worker serves the metrics of Temporal's SDK; unset: not at all."""
    sweep_every_seconds: float = Field(default=60.0, ge=1, le=86_400)
    """How often the worker has all applications under protection looked at, without any watcher."""
    log_json: bool = False
    log_level: str = "INFO"
    ui: str = ""
    """The address of Temporal's Web UI, for links."""
    receivers: Path | None = None
    """Who is called where a failover waits for a person; unset: nobody."""
    runbook: str = ""
    """The address of your runbook, for links."""
