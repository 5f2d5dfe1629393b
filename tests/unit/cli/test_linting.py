"""`lint` finds what is wrong in policy files, and between them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.main import run_command
from tests.support.rules import WIDGETS, clause, rule
from tests.unit.cli.documents import policy


def write(path: Path, *documents: object) -> Path:
    """Documents in a file."""
    path.write_text(yaml.safe_dump_all(documents))
    return path


def lint(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit code and what was found."""
    code = run_command(["lint", *arguments, "-o", "json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_directory_of_good_policies_passes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All YAML and JSON below a directory is read, nothing else."""
    (tmp_path / "deep").mkdir()
    write(tmp_path / "a.yaml", policy("a"))
    write(tmp_path / "deep" / "b.yml", policy("b", "bills"))
    (tmp_path / "notes.txt").write_text("no policy at all")
    code, found = lint(capsys, str(tmp_path))
    assert (code, found["files"], found["problems"]) == (0, 2, [])
    assert len(found["policies"]) == 2


def test_an_error_names_file_line_and_field(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And exits with 2."""
    wrong = policy()
    wrong["spec"]["failover"]["application"]["decisionConditions"]["tolerationSeconds"] = -1
    file = write(tmp_path / "a.yaml", policy("good", "bills"), wrong)
    code, found = lint(capsys, str(file))
    assert code == 2
    assert found["errors"] == 1
    (problem,) = found["problems"]
    assert problem["file"] == str(file)
    assert problem["line"] > 1
    assert problem["path"] == "spec.failover.application.decisionConditions.tolerationSeconds"
    assert problem["reason"]
    assert problem["message"]


def test_warnings_fail_only_where_that_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--strict` is for continuous integration."""
    other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    file = write(tmp_path / "a.yaml", policy(), other)
    assert lint(capsys, str(file))[0] == 0
    code, found = lint(capsys, str(file), "--strict")
    assert (code, found["warnings"]) == (2, 1)


def whole_kind(name: str) -> dict[str, Any]:
    """A policy about every FlinkDeployment of its namespace."""
    made = policy(name)
    del made["spec"]["resourceSelectors"][0]["name"]
    return made


@pytest.mark.parametrize(
    ("documents", "reasons"),
    [
        pytest.param([policy("a"), policy("b")], ["AmbiguousPolicy"], id="one-application-twice"),
        pytest.param([whole_kind("a"), whole_kind("b")], ["AmbiguousPolicy"], id="a-kind-twice"),
        pytest.param([policy("a"), policy("a")], ["DuplicatePolicy"], id="one-policy-twice"),
        pytest.param([policy("a"), whole_kind("b")], [], id="the-closer-one-wins"),
        pytest.param([policy("a"), policy("b", "bills")], [], id="two-applications"),
    ],
)
def test_policies_are_checked_against_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], documents: list[Any], reasons: list[str]
) -> None:
    """Also across files."""
    for number, document in enumerate(documents):
        write(tmp_path / f"{number}.yaml", document)
    code, found = lint(capsys, str(tmp_path))
    assert [each["reason"] for each in found["problems"]] == reasons
    assert code == (2 if reasons else 0)


@pytest.mark.parametrize("content", ["", "# nothing\n"], ids=["empty", "a-comment"])
def test_a_file_without_policies_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    """A misspelt path must not look like a pass."""
    (tmp_path / "a.yaml").write_text(content)
    assert run_command(["lint", str(tmp_path)]) == 2
    assert "there is no policy" in capsys.readouterr().err


def test_health_rules_are_checked_to_the_expression(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the path of the field, and the column in the text."""
    write(tmp_path / "a.yaml", policy("a"), WIDGETS)
    code, found = lint(capsys, str(tmp_path))
    assert (code, found["problems"], found["healthRules"]) == (0, [], ["HealthRule/widgets"])
    write(tmp_path / "a.yaml", policy("a"), rule(clause("true"), clause("object.a = 1")))
    code, found = lint(capsys, str(tmp_path))
    assert code == 2
    (problem,) = found["problems"]
    assert (problem["path"], problem["reason"]) == ("spec.rules[1].when", "NotAnExpression")
    assert "column" in problem["message"]


def test_two_rules_for_one_kind_are_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Across files."""
    write(tmp_path / "a.yaml", WIDGETS)
    write(tmp_path / "b.yaml", {**WIDGETS, "metadata": {"name": "mine"}})
    code, found = lint(capsys, str(tmp_path))
    assert code == 2
    (problem,) = found["problems"]
    assert problem["reason"] == "SeveralRulesForOneKind"
    assert "HealthRule/widgets in" in problem["message"]


def test_an_experimental_kind_without_a_mode_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says that it is only observed, and what to write."""
    ray = policy("ray")
    ray["spec"]["resourceSelectors"] = [{"apiVersion": "ray.io/v1", "kind": "RayJob"}]
    ray["spec"]["failover"]["application"]["purgeMode"] = "Directly"
    ray["spec"]["failover"]["application"].pop("gracePeriodSeconds", None)
    code, found = lint(capsys, str(write(tmp_path / "a.yaml", ray)))
    reasons = {each["path"]: each["reason"] for each in found["problems"]}
    assert code == 0
    assert reasons["spec.failover.application.mode"] == "ExperimentalKind"
