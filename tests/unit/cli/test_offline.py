"""`capture` and `health` answer from files alone, and say what is wrong with a file in one message."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.main import run_command
from failover.domain.manifest import Manifest
from tests.support.health.cases import NO_IMAGE, replica_set
from tests.support.health.kubernetes import DONE, deploy
from tests.support.rules import WIDGETS, clause, rule, widget
from tests.unit.cli.documents import ALIAS, deployment, policy


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Write documents into a file; answers its path."""

    def write(name: str, *documents: object) -> str:
        path = tmp_path / name
        path.write_text(yaml.safe_dump_all(documents))
        return str(path)

    return write


def test_capture_prints_the_labels_as_json(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """`-o json` is one object with the labels in it."""
    args = ["capture", "-f", write("p.yaml", policy()), "--object", write("o.yaml", deployment())]
    assert run_command([*args, "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"labels": {ALIAS: "7f3c"}}
    assert run_command(args) == 0
    assert capsys.readouterr().out == f"{ALIAS}=7f3c\n"


@pytest.mark.parametrize(
    ("template", "text"),
    [
        pytest.param("{.status.jobStatus.jobId}", "7f3c", id="the-whole-object-is-its-root"),
        pytest.param("{.kind}/{.metadata.name}", "FlinkDeployment/orders", id="text-around"),
        pytest.param(
            "{.status.jobStatus}", '{"jobId":"7f3c","state":"RUNNING"}', id="compact-json"
        ),
        pytest.param("none", "none", id="no-braces"),
    ],
)
def test_json_path_prints_the_text_alone(
    write: Any, capfdbinary: pytest.CaptureFixture[bytes], template: str, text: str
) -> None:
    """No newline and nothing else stands around it."""
    assert (
        run_command(["capture", "--json-path", template, "--object", write("o.yaml", deployment())])
        == 0
    )
    assert capfdbinary.readouterr().out == text.encode()


def test_json_keeps_its_numbers(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """JSON is read as JSON: `1e3` is a number there, which YAML 1.1 takes for a word."""
    file = tmp_path / "o.json"
    file.write_text('{"kind": "X", "status": {"a": 1e3, "b": 12345678901234567890}}')
    assert (
        run_command(["capture", "--json-path", "{.status.a} {.status.b}", "--object", str(file)])
        == 0
    )
    assert capfd.readouterr().out == "1000 12345678901234567890"


def test_standard_input_is_a_file_too(
    write: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`-` reads the object from standard input."""
    raw = io.TextIOWrapper(io.BytesIO(yaml.safe_dump(deployment()).encode()))
    monkeypatch.setattr(sys, "stdin", raw)
    assert run_command(["capture", "-f", write("p.yaml", policy()), "--object", "-"]) == 0
    assert "7f3c" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        pytest.param("{ .jobStatus.jobid }", "7f3c", "finds no 'jobid'", id="missing-key"),
        pytest.param(
            "{ .jobStatus.jobId }", "a b", "has ' ' at position 2", id="no-label-holds-it"
        ),
        pytest.param("{ .jobStatus.jobId", "7f3c", "p.yaml:1", id="unparsable"),
    ],
)
def test_what_cannot_be_captured_names_the_file(
    write: Any, capsys: pytest.CaptureFixture[str], path: str, value: str, told: str
) -> None:
    """One message, exit code 2, nothing on standard output."""
    args = [
        "-f",
        write("p.yaml", policy(path=path)),
        "--object",
        write("o.yaml", deployment(value)),
    ]
    assert run_command(["capture", *args, "-o", "json"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert told in said.err
    assert ".yaml" in said.err
    assert "Traceback" not in said.err


def test_of_several_policies_the_one_about_the_object_counts(
    write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A directory of policies may be given; what none of several is about is refused."""
    both = write("p.yaml", policy("a", "bills", "other"), policy("b", "orders"))
    assert run_command(["capture", "-f", both, "--object", write("o.yaml", deployment())]) == 0
    assert "7f3c" in capsys.readouterr().out
    neither = write("q.yaml", policy("a", "bills"), policy("b", "returns"))
    assert run_command(["capture", "-f", neither, "--object", write("o.yaml", deployment())]) == 2
    assert "no policy is about FlinkDeployment/orders in shop" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param("", "is empty", id="empty"),
        pytest.param("- 1\n", "is no object", id="a-list"),
        pytest.param("kind: X\n---\nkind: Y\n", "has 2 documents", id="two-documents"),
        pytest.param("apiVersion: v1\n", "kind: is missing", id="no-kind"),
        pytest.param("kind: X\n", "apiVersion: is missing", id="no-version"),
        pytest.param(
            "kind: List\napiVersion: v1\nitems: []\n", "items: has no object", id="empty-list"
        ),
        pytest.param(
            "kind: List\napiVersion: v1\nitems: [7]\n", "items[0]: is no object", id="no-item"
        ),
        pytest.param("a: [\n", ":2:", id="no-yaml"),
        pytest.param('{"kind": "X", "apiVersion": "v1", "a": NaN}', "NaN is no value", id="nan"),
    ],
)
def test_a_file_that_holds_no_object_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, told: str
) -> None:
    """The message says which file, and which field of it."""
    file = tmp_path / "object.yaml"
    file.write_text(content)
    assert run_command(["health", "--object", str(file)]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert str(file) in said


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["capture", "--object", "x"], id="neither-policy-nor-template"),
        pytest.param(["capture", "--object", "x", "-f", "y", "--json-path", "z"], id="both"),
        pytest.param(["health"], id="no-object"),
        pytest.param(["health", "--object", "no-such-file"], id="no-such-file"),
    ],
)
def test_wrong_usage_exits_with_two(arguments: list[str]) -> None:
    """Exit code 2 is documented for wrong usage."""
    assert run_command(arguments) == 2


def job_manager(*, ready: int) -> Manifest:
    """The Deployment that the FlinkDeployment owns."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "orders",
            "namespace": "shop",
            "labels": {"component": "jobmanager"},
            "ownerReferences": [{"uid": "u1", "kind": "FlinkDeployment", "name": "orders"}],
        },
        "spec": {"replicas": 1},
        "status": {"readyReplicas": ready},
    }


def listed(*items: Manifest) -> Manifest:
    """As `kubectl get` lists several objects."""
    return {"apiVersion": "v1", "kind": "List", "items": list(items)}


@pytest.mark.parametrize(
    ("document", "status", "reason"),
    [
        pytest.param(deployment(), "Healthy", "Running", id="alone-its-status-decides"),
        pytest.param(
            {"apiVersion": "v1", "kind": "List", "items": [deployment(), job_manager(ready=1)]},
            "Healthy",
            "Running",
            id="what-it-owns-is-ready",
        ),
        pytest.param(
            {"apiVersion": "v1", "kind": "List", "items": [deployment(), job_manager(ready=0)]},
            "Unhealthy",
            "StatusContradictsPods",
            id="what-it-owns-is-not-ready",
        ),
        pytest.param(
            {"apiVersion": "v1", "kind": "List", "items": [deployment()]},
            "Unhealthy",
            "StatusContradictsPods",
            id="it-owns-nothing",
        ),
        pytest.param(
            listed(deploy(0, DONE, "False"), *replica_set(1, NO_IMAGE)),
            "Unknown",
            "UserError",
            id="pods-of-its-replica-sets",
        ),
        pytest.param(
            {"apiVersion": "x.example/v1", "kind": "Thing", "metadata": {"name": "a"}},
            "Unknown",
            "NoStatusYet",
            id="nothing-is-known",
        ),
    ],
)
def test_health_is_three_valued(
    write: Any, capsys: pytest.CaptureFixture[str], document: Manifest, status: str, reason: str
) -> None:
    """Exit code 0 whatever the verdict, which has a reason and a message."""
    assert run_command(["health", "--object", write("o.yaml", document), "-o", "json"]) == 0
    verdict = json.loads(capsys.readouterr().out)
    assert (verdict["status"], verdict["reason"]) == (status, reason)
    assert verdict["message"]
    assert set(verdict) == {"status", "reason", "message", "cause", "progress"}


@pytest.mark.parametrize(
    ("document", "rules", "status", "cause", "reason"),
    [
        pytest.param(widget(phase="Running"), WIDGETS, "Healthy", None, "Running", id="well"),
        pytest.param(
            widget(phase="Broken", attempts=3), WIDGETS, "Unhealthy", "Fault", "Broken", id="ill"
        ),
        pytest.param(
            widget(phase="Bad"), WIDGETS, "Unknown", "UserError", "BadSpec", id="its own fault"
        ),
        pytest.param(
            widget(rows=list(range(300))),
            rule(clause("object.status.rows.all(a, object.status.rows.all(b, a + b >= 0))")),
            "Unknown",
            None,
            "RuleTooCostly",
            id="an expression that loops",
        ),
    ],
)
def test_a_rule_of_ones_own_is_tried_on_an_object(
    write: Any,
    capsys: pytest.CaptureFixture[str],
    document: Manifest,
    rules: Manifest,
    status: str,
    cause: str | None,
    reason: str,
) -> None:
    """As the engine would judge it."""
    arguments = ["--object", write("o.yaml", document), "--rules", write("r.yaml", rules)]
    assert run_command(["health", *arguments, "-o", "json"]) == 0
    verdict = json.loads(capsys.readouterr().out)
    assert (verdict["status"], verdict["cause"], verdict["reason"]) == (status, cause, reason)


def test_an_object_that_no_rule_is_about_is_judged_as_always(
    write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """And that is said."""
    arguments = ["--object", write("o.yaml", deployment()), "--rules", write("r.yaml", WIDGETS)]
    assert run_command(["health", *arguments]) == 0
    assert "no rule is about" in capsys.readouterr().err


def test_rules_that_are_wrong_are_not_tried(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The place is named, as by lint; a file without any rule is said to have none."""
    wrong = write("r.yaml", rule(clause("objct.x == 1")))
    assert run_command(["health", "--object", write("o.yaml", widget()), "--rules", wrong]) == 2
    assert "spec.rules[0].when" in capsys.readouterr().err
    none = write("p.yaml", policy())
    assert run_command(["health", "--object", write("o.yaml", widget()), "--rules", none]) == 2
    assert "there is no HealthRule" in capsys.readouterr().err
