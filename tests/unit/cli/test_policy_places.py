"""Policies of a cluster, where a verb takes policies: one word, one error, and what is wrong there is left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from cli import policies as policies_module
from cli.main import run_command
from failover.domain.errors import Forbidden
from failover.domain.policy.reading import read_policies
from tests.unit.cli.documents import policy
from triggers.policies import PolicySet

KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "east", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "us", "user": {"token": "t"}}],
    "contexts": [{"name": "east", "context": {"cluster": "east", "user": "us"}}],
}
VERBS = {
    "plan": ["plan", "flinkdeployment/orders", "-f"],
    "start": ["start", "flinkdeployment/orders", "-y", "--policies"],
    "explain": ["explain", "flinkdeployment/orders", "-f"],
    "protect": ["protect", "-f"],
    "doctor": ["doctor", "--policies"],
    "rbac": ["rbac", "--role", "watcher", "-f"],
    "rebuild": ["rebuild", "--policies"],
    "rebuild by hand": ["rebuild", "-f"],
    "lint": ["lint"],
}


@pytest.fixture(autouse=True)
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kubeconfig with one context, whose cluster does not answer."""
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(KUBECONFIG))
    monkeypatch.setenv("KUBECONFIG", str(file))
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")


def holding(monkeypatch: pytest.MonkeyPatch, *documents: object) -> None:
    """Let `cluster:east` hold these."""

    async def read_once(place: str, _kubeconfig: object) -> PolicySet:
        assert place == "cluster:east"
        found = read_policies(yaml.safe_dump_all(documents), "cluster east")
        return PolicySet(found.policies, found.overrides, found.problems, found.rules)

    monkeypatch.setattr(policies_module, "read_once", read_once)


@pytest.mark.parametrize("arguments", VERBS.values(), ids=VERBS)
def test_a_context_that_is_not_there_is_one_error_everywhere(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """It names those that are; so is a word without a context."""
    assert run_command([*arguments, "cluster:nowhere"]) == 2
    told = capsys.readouterr().err
    assert "there is no context 'nowhere'; the contexts there are: east" in told
    assert run_command([*arguments, "cluster:"]) == 2
    assert "names no context" in capsys.readouterr().err


def test_a_cluster_stands_beside_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong on it is told, and hinders nothing else."""
    wrong = policy("wrong", "bills")
    wrong["spec"]["failover"]["application"]["decisionConditions"]["tolerationSeconds"] = -1
    other = policy("other")
    other["spec"]["resourceSelectors"] = [{"apiVersion": "batch/v1", "kind": "Job"}]
    holding(monkeypatch, wrong, other)
    file = tmp_path / "p.yaml"
    file.write_text(yaml.safe_dump(policy()))
    assert run_command(["rbac", "--role", "mover", "-f", str(file), "-f", "cluster:east"]) == 0
    said = capsys.readouterr()
    assert "flinkdeployments" in said.out
    assert "- jobs" in said.out
    assert "tolerationSeconds" in said.err


def test_lint_looks_at_what_a_cluster_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each object for itself, and against files that are named with it."""
    holding(monkeypatch, policy("held"))
    assert run_command(["lint", "cluster:east"]) == 0
    assert capsys.readouterr().out.startswith("1 cluster, 1 policy, ")
    file = tmp_path / "p.yaml"
    file.write_text(yaml.safe_dump(policy("same")))
    assert run_command(["lint", str(file), "cluster:east", "-o", "json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert (found["files"], found["clusters"]) == (1, 1)
    assert [each["reason"] for each in found["problems"]] == ["AmbiguousPolicy"]


def test_the_doctor_says_where_policies_are_hidden(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As one finding among the others."""

    async def read_once(_place: str, _kubeconfig: object) -> PolicySet:
        raise Forbidden("list FailoverPolicy on east: not allowed")

    monkeypatch.setattr(policies_module, "read_once", read_once)
    assert run_command(["doctor", "-f", "cluster:east", "-o", "json"]) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert ("policies", "Forbidden") in {(each["about"], each["reason"]) for each in findings}
    assert len(findings) > 2
