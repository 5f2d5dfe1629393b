"""`rbac` prints what can be applied, for the kinds that policies name, without any cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.main import run_command
from tests.unit.cli.documents import policy


@pytest.fixture
def policy_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A policy about a FlinkDeployment; and no kubeconfig anywhere."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    file = tmp_path / "p.yaml"
    file.write_text(yaml.safe_dump(policy()))
    return file


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    """The documents that the command prints."""
    assert run_command(["rbac", *arguments]) == 0
    return list(yaml.safe_load_all(capsys.readouterr().out))


def verbs_on(documents: list[dict[str, Any]], resource: str) -> set[str]:
    """All verbs on a resource."""
    rules = [rule for each in documents for rule in each.get("rules", [])]
    return {verb for rule in rules if resource in rule["resources"] for verb in rule["verbs"]}


def test_a_mover_may_delete_and_a_watcher_may_not(
    policy_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """For the kinds of the policies, and no other; who refers to a dependent is only listed."""
    mover = printed(capsys, "-f", str(policy_file), "--role", "mover")
    watcher = printed(capsys, "-f", str(policy_file), "--role", "watcher")
    assert "delete" in verbs_on(mover, "flinkdeployments")
    assert verbs_on(watcher, "flinkdeployments") == {"get", "list", "watch"}
    assert verbs_on(mover, "sparkapplications") == {"list"}
    assert not verbs_on(watcher, "sparkapplications")


def test_a_server_lists_the_records_and_finds_applications(
    policy_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What Argo CD's generator and the webhook need."""
    server = printed(capsys, "-f", str(policy_file), "--role", "server")
    assert verbs_on(server, "flinkdeployments") == {"get"}
    assert verbs_on(server, "secrets") == {"list"}
    assert not verbs_on(server, "pods")


def test_a_cluster_that_holds_policies_needs_rights_for_them(
    policy_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """To follow all kinds of policies and to write statuses of ours; only where that is asked for."""
    arguments = ["-f", str(policy_file), "--role", "watcher"]
    assert not verbs_on(printed(capsys, *arguments), "failoverpolicies")
    documents = printed(capsys, *arguments, "--holds-policies")
    for plural in ("failoverpolicies", "healthrules", "clusteroverridepolicies"):
        assert verbs_on(documents, plural) == {"get", "list", "watch"}
    assert verbs_on(documents, "failoverpolicies/status") == {"patch"}
    assert not verbs_on(documents, "propagationpolicies/status")


def test_what_stands_between_a_kind_and_its_pods_is_only_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A RayJob's RayCluster must be seen gone; nobody has to delete it."""
    ray = policy("ray")
    ray["spec"]["resourceSelectors"] = [{"apiVersion": "ray.io/v1", "kind": "RayJob"}]
    file = tmp_path / "ray.yaml"
    file.write_text(yaml.safe_dump(ray))
    mover = printed(capsys, "-f", str(file), "--role", "mover")
    assert verbs_on(mover, "rayclusters") == {"get", "list", "watch"}
    assert "delete" in verbs_on(mover, "rayjobs")


def test_namespaces_and_subject_are_taken_over(
    policy_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With namespaces, the applications' rights are bound in these alone."""
    arguments = ["--role", "mover", "-n", "shop", "--subject", "Group:sre"]
    documents = printed(capsys, "-f", str(policy_file), *arguments)
    bindings = [each for each in documents if each["kind"] == "RoleBinding"]
    assert {each["metadata"]["namespace"] for each in bindings} == {"shop", "failover-system"}
    assert all(each["subjects"][0]["name"] == "sre" for each in bindings)


def test_an_unknown_kind_needs_its_plural(
    policy_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message says which flag to give, and with it the command works."""
    unknown = policy_file.read_text().replace("flink.apache.org", "example.com")
    policy_file.write_text(unknown.replace("FlinkDeployment", "Widget"))
    arguments = ["rbac", "-f", str(policy_file), "--role", "watcher"]
    assert run_command(arguments) == 2
    assert "--resource Widget.example.com=PLURAL" in capsys.readouterr().err
    documents = printed(capsys, *arguments[1:], "--resource", "Widget.example.com=widgets")
    assert verbs_on(documents, "widgets") == {"get", "list", "watch"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["--subject", "failover"], "--subject failover", id="subject"),
        pytest.param(["--resource", "widgets"], "--resource widgets", id="resource"),
    ],
)
def test_a_wrong_flag_is_named(
    policy_file: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    """With how it is written."""
    assert run_command(["rbac", "-f", str(policy_file), "--role", "mover", *arguments]) == 2
    assert told in capsys.readouterr().err
