"""The manifest of `failover serve` speaks of options, variables, paths and ports that exist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer
import yaml

from cli.main import assemble
from failover.domain.rbac import SYSTEM_NAMESPACE
from failover.settings import Settings
from triggers.serving import CHECK_SECONDS_MAX, CLOSING_SECONDS_MAX

ROOT = Path(__file__).parents[2]
DEPLOYMENT, SERVICE = yaml.safe_load_all((ROOT / "deploy/serve/serve.yaml").read_text())
POD: dict[str, Any] = DEPLOYMENT["spec"]["template"]
(CONTAINER,) = POD["spec"]["containers"]
OPTIONS = dict(each.partition("=")[::2] for each in CONTAINER["args"])
MOUNTS = {each["name"]: each["mountPath"] for each in CONTAINER["volumeMounts"]}
OF_TEMPORAL = {"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"}


def test_its_options_and_variables_exist() -> None:
    """A misspelt one would keep it from starting, or be passed over."""
    program, verb = CONTAINER["command"]
    assert program == "failover"
    command: Any = typer.main.get_command(assemble([verb]))
    known = {
        option
        for each in command.commands[verb].params
        for option in (*each.opts, *each.secondary_opts)
    }
    assert set(OPTIONS) <= known
    variables = {f"FAILOVER_{each.upper()}" for each in Settings.model_fields} | OF_TEMPORAL
    assert {each["name"] for each in CONTAINER["env"]} <= variables


def test_every_file_that_it_is_given_is_mounted() -> None:
    """And every volume that is mounted is there."""
    named = [*OPTIONS.values(), *(each["value"] for each in CONTAINER["env"])]
    for path in (each for each in named if each.startswith("/")):
        assert any(path == at or path.startswith(f"{at}/") for at in MOUNTS.values()), path
    assert {each["name"] for each in POD["spec"]["volumes"]} == set(MOUNTS)


def test_probes_and_service_lead_to_it() -> None:
    """By a port that it listens on, and paths that it serves; a probe has time for the slowest answer."""
    (port,) = CONTAINER["ports"]
    assert OPTIONS["--listen"] == f":{port['containerPort']}"
    (led,) = SERVICE["spec"]["ports"]
    assert (led["targetPort"], led["port"]) == (port["name"], port["containerPort"])
    selector = SERVICE["spec"]["selector"].items()
    assert selector <= POD["metadata"]["labels"].items()
    assert DEPLOYMENT["spec"]["selector"]["matchLabels"].items() == selector
    for probe, path in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
        assert CONTAINER[probe]["httpGet"] == {
            "path": path,
            "port": port["name"],
            "scheme": "HTTPS",
        }
    assert CONTAINER["readinessProbe"]["timeoutSeconds"] > CHECK_SECONDS_MAX
    assert POD["spec"]["terminationGracePeriodSeconds"] > CLOSING_SECONDS_MAX


def test_it_has_no_rights_but_those_of_its_kubeconfig() -> None:
    """No token of where it runs, no root, nothing to write to; the namespace is that of the records."""
    assert POD["spec"]["automountServiceAccountToken"] is False
    assert POD["spec"]["securityContext"]["runAsNonRoot"] is True
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {each["metadata"]["namespace"] for each in (DEPLOYMENT, SERVICE)} == {SYSTEM_NAMESPACE}
