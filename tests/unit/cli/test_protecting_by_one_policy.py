"""`failover protect -f`: an application is declared by one policy, or nothing is declared and one error says why."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from cli.context import Surroundings
from cli.main import run_command
from failover.domain.application import Declaration
from failover.domain.identity import ApplicationRef
from failover.domain.manifest import Manifest
from failover.fleet import Fleet
from tests.unit.cli.documents import deployment, policy
from tests.unit.triggers.clusters import ScriptedCluster, as_fleet
from triggers import protecting


@pytest.fixture
def east(monkeypatch: pytest.MonkeyPatch) -> ScriptedCluster:
    """The one cluster of the fleet; `orders` is on it."""
    cluster = ScriptedCluster("east")
    cluster.listed = (deployment(),)

    @asynccontextmanager
    async def fleet(_: Surroundings) -> AsyncGenerator[Fleet, None]:
        yield as_fleet(cluster)

    monkeypatch.setattr(Surroundings, "fleet", fleet)
    return cluster


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What Temporal was told to protect, and by which policy."""
    told: list[tuple[str, str]] = []

    async def client(_: Surroundings) -> None:
        return None

    async def protection(_client: None, _application: ApplicationRef) -> None:
        return None

    async def declare(_client: None, application: ApplicationRef, said: Declaration) -> None:
        told.append((application.name, said.policy.name))

    monkeypatch.setattr(Surroundings, "client", client)
    monkeypatch.setattr(protecting, "protection", protection)
    monkeypatch.setattr(protecting, "declare", declare)
    return told


def written(directory: Path, *documents: Manifest) -> list[str]:
    """A file for each, as flags."""
    flags: list[str] = []
    for number, each in enumerate(documents):
        path = directory / f"{number}.yaml"
        path.write_text(yaml.safe_dump(each))
        flags += ["-f", str(path)]
    return flags


def meaning(name: str, *selected: Manifest, priority: int = 0) -> Manifest:
    """A policy with these selectors, of FlinkDeployments all."""
    made = policy(name)
    kind = {"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment"}
    made["spec"]["resourceSelectors"] = [{**kind, **each} for each in selected]
    made["spec"]["priority"] = priority
    return made


BY_NAME: Manifest = {"name": "orders"}
BY_KIND: Manifest = {}
BY_LABELS: Manifest = {"labelSelector": {"matchLabels": {"team": "sales"}}}


@pytest.mark.parametrize(
    "selector", [BY_NAME, BY_KIND, BY_LABELS], ids=["by-name", "by-kind", "by-labels"]
)
def test_two_policies_that_mean_one_application_declare_nothing(
    east: ScriptedCluster,
    declared: list[tuple[str, str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    selector: Manifest,
) -> None:
    """Not the first of them, nor what else the files mean: one error names both, and how to decide."""
    east.listed[0]["metadata"]["labels"] = {"team": "sales"}
    east.listed = (named("bills"), *east.listed)
    bills = meaning("bills", {"name": "bills"}, priority=1)
    files = written(tmp_path, bills, meaning("b", selector), meaning("a", selector))
    assert run_command(["protect", *files]) == 2
    assert declared == []
    assert capsys.readouterr().err == (
        "error: PropagationPolicy/a in shop and PropagationPolicy/b in shop are equally about "
        "FlinkDeployment/orders in shop; name it in the resourceSelectors of one, give one a higher "
        "spec.priority, or take it out of the others. Nothing was declared.\n"
    )


def test_many_applications_that_two_policies_mean_are_one_error(
    east: ScriptedCluster,
    declared: list[tuple[str, str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It names the first, and says how many more there are."""
    east.listed = tuple(named(each) for each in ("c", "a", "b"))
    files = written(tmp_path, meaning("one", BY_KIND), meaning("two", BY_KIND))
    assert run_command(["protect", *files]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "equally about FlinkDeployment/a in shop;" in line
    assert line.endswith("The same is so for 2 more applications. Nothing was declared.")
    assert declared == []


def test_a_policy_that_was_edited_and_is_given_twice_is_told_from_two(
    east: ScriptedCluster,
    declared: list[tuple[str, str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Both have one name, so that naming both would help nobody."""
    edited = policy()
    edited["spec"]["failover"]["application"]["decisionConditions"]["tolerationSeconds"] = 20
    assert run_command(["protect", *written(tmp_path, policy(), edited)]) == 2
    assert "is there 2 times, and says something else each time" in capsys.readouterr().err
    assert (declared, east.lists) == ([], 1)


@pytest.mark.parametrize(
    "selectors",
    [
        pytest.param((BY_NAME, BY_KIND), id="name-and-kind"),
        pytest.param((BY_KIND, BY_NAME), id="kind-and-name"),
        pytest.param((BY_NAME, BY_NAME), id="name-twice"),
        pytest.param((BY_KIND, BY_LABELS, BY_NAME), id="all-three"),
    ],
)
def test_one_policy_with_several_selectors_for_one_application_declares_it_once(
    east: ScriptedCluster,
    declared: list[tuple[str, str]],
    tmp_path: Path,
    selectors: Sequence[Manifest],
) -> None:
    """However often it means it, it is one policy."""
    east.listed[0]["metadata"]["labels"] = {"team": "sales"}
    assert run_command(["protect", *written(tmp_path, meaning("one", *selectors))]) == 0
    assert declared == [("orders", "one")]


@pytest.mark.usefixtures("east")
@pytest.mark.parametrize(
    ("documents", "wins"),
    [
        pytest.param([policy("same"), policy("same")], "same", id="one-policy-read-twice"),
        pytest.param(
            [meaning("z", BY_KIND, priority=1), meaning("a", BY_KIND)], "z", id="by-priority"
        ),
        pytest.param([meaning("a", BY_KIND), meaning("z", BY_NAME)], "z", id="by-precision"),
    ],
)
def test_of_two_policies_the_stronger_declares_it(
    declared: list[tuple[str, str]], tmp_path: Path, documents: Sequence[Manifest], wins: str
) -> None:
    """Where precedence decides there is nothing to complain about."""
    assert run_command(["protect", *written(tmp_path, *documents)]) == 0
    assert declared == [("orders", wins)]


def named(name: str) -> Manifest:
    """An application of this name."""
    made = deployment()
    made["metadata"] = {**made["metadata"], "name": name, "uid": name}
    return made
