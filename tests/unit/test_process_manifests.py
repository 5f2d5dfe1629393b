"""The manifests of `failover serve` and `failover watch` speak of options, variables, paths and ports that exist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from cli.main import assemble
from failover.domain.rbac import SYSTEM_NAMESPACE
from failover.settings import Settings
from triggers.serving import CHECK_SECONDS_MAX, CLOSING_SECONDS_MAX

DEPLOY = Path(__file__).parents[2] / "deploy"
OF_TEMPORAL = {"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"}


class Process:
    """A Deployment of one container, and what else its manifest has."""

    def __init__(self, path: str) -> None:
        self.deployment, *self.others = yaml.safe_load_all((DEPLOY / path).read_text())
        self.pod: dict[str, Any] = self.deployment["spec"]["template"]
        (self.container,) = self.pod["spec"]["containers"]
        self.options = dict(each.partition("=")[::2] for each in self.container["args"])
        self.mounts = {each["name"]: each["mountPath"] for each in self.container["volumeMounts"]}


SERVE, WATCH = Process("serve/serve.yaml"), Process("watch/watch.yaml")
BOTH = pytest.mark.parametrize("process", [SERVE, WATCH], ids=["serve", "watch"])


@BOTH
def test_its_options_and_variables_exist(process: Process) -> None:
    """A misspelt one would keep it from starting, or be passed over."""
    program, verb = process.container["command"]
    assert program == "failover"
    command: Any = typer.main.get_command(assemble([verb]))
    known = {
        option
        for each in command.commands[verb].params
        for option in (*each.opts, *each.secondary_opts)
    }
    assert set(process.options) <= known
    variables = {f"FAILOVER_{each.upper()}" for each in Settings.model_fields} | OF_TEMPORAL
    assert {each["name"] for each in process.container["env"]} <= variables


@BOTH
def test_every_file_that_it_is_given_is_mounted(process: Process) -> None:
    """And every volume that is mounted is there."""
    given = [each["value"] for each in process.container["env"]]
    for path in (each for each in [*process.options.values(), *given] if each.startswith("/")):
        mounted = process.mounts.values()
        assert any(path == at or path.startswith(f"{at}/") for at in mounted), path
    assert {each["name"] for each in process.pod["spec"]["volumes"]} == set(process.mounts)


@BOTH
def test_it_has_no_rights_but_those_of_its_kubeconfig(process: Process) -> None:
    """No token of where it runs, no root, nothing to write to; the namespace is that of the records."""
    assert process.pod["spec"]["automountServiceAccountToken"] is False
    assert process.pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert process.container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    for each in (process.deployment, *process.others):
        assert each["metadata"]["namespace"] == SYSTEM_NAMESPACE


@BOTH
def test_the_deployment_finds_its_pods(process: Process) -> None:
    """By labels that they have."""
    chosen = process.deployment["spec"]["selector"]["matchLabels"].items()
    assert chosen <= process.pod["metadata"]["labels"].items()


def test_probes_and_service_lead_to_serve() -> None:
    """By a port that it listens on, and paths that it serves; a probe has time for the slowest answer."""
    (port,) = SERVE.container["ports"]
    assert SERVE.options["--listen"] == f":{port['containerPort']}"
    (service,) = SERVE.others
    (led,) = service["spec"]["ports"]
    assert (led["targetPort"], led["port"]) == (port["name"], port["containerPort"])
    chosen = SERVE.deployment["spec"]["selector"]["matchLabels"]
    assert service["spec"]["selector"] == chosen
    for probe, path in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
        assert SERVE.container[probe]["httpGet"] == {
            "path": path,
            "port": port["name"],
            "scheme": "HTTPS",
        }
    assert SERVE.container["readinessProbe"]["timeoutSeconds"] > CHECK_SECONDS_MAX
    assert SERVE.pod["spec"]["terminationGracePeriodSeconds"] > CLOSING_SECONDS_MAX


def test_metrics_of_watch_are_served_where_they_are_scraped() -> None:
    """By the port that the container names, and not for its own host alone."""
    (port,) = WATCH.container["ports"]
    assert WATCH.options["--metrics-port"] == str(port["containerPort"])
    assert WATCH.options["--metrics-address"] == "0.0.0.0"
