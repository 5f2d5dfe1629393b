"""The documentation speaks of what is there: reasons, commands, files, inputs."""

from __future__ import annotations

import ast
import functools
import importlib
import json
import pkgutil
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import typer
import yaml
from pydantic import BaseModel

import activities
import failover
from cli.main import assemble
from failover.domain.errors import FailoverError
from failover.domain.identity import failover_id
from failover.domain.phases import Outcome
from failover.domain.request import Approval, FailoverRequest, Resolution, Retarget
from failover.domain.wire import Wire
from failover.settings import Settings
from failover.temporal import FAILOVER_WORKFLOW, SEARCH_ATTRIBUTES, TASK_QUEUE

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
RUNBOOK = (DOCS / "runbook.md").read_text()
TEMPORAL = (DOCS / "temporal.md").read_text()

BASES = {"FailoverError", "TransientError", "DefiniteError", "JSONPathError", "PreservationError"}
INTERNAL = {"Expired", "StreamCut"}
"""Errors that a watch deals with by itself; they carry other reasons, or never leave it."""
NO_REASON = {
    "APIGroupDiscoveryList", "DeleteOptions", "ExecCredential", "SelfSubjectAccessReview",
    "PersistentVolumeClaim", "ResourceQuota",  # kinds
    "ManagedBy", "NoState",  # warnings of a plan, which stop nothing
    "NotThere",  # the health of what is not there
}  # fmt: skip
CAMEL = re.compile(r"[A-Z][a-zA-Z]*[a-z][A-Z][A-Za-z]*|NoTLS")
SPOKEN = ("activities", "workflows", "failover/kube", "failover/records.py", "failover/domain/planning.py",
          "failover/domain/explaining.py", "failover/domain/grounds.py")  # fmt: skip


def error_types() -> Iterator[str]:
    """The reasons that are names of errors."""
    for package in (activities, failover):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    waiting = [FailoverError]
    while waiting:
        each = waiting.pop()
        waiting += each.__subclasses__()
        if each.__module__.partition(".")[0] in {"activities", "failover"}:
            yield each.__name__


def literals() -> Iterator[str]:
    """The reasons that are written as text: every CamelCase word where reasons are given."""
    for place in SPOKEN:
        path = ROOT / place
        for file in [path] if path.suffix else path.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                value = node.value if isinstance(node, ast.Constant) else None
                if isinstance(value, str) and CAMEL.fullmatch(value):
                    yield value


REASONS = sorted({*error_types(), *literals()} - BASES - INTERNAL - NO_REASON)


def slug(heading: str) -> str:
    """The anchor that a heading gets where Markdown is rendered."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(text: str) -> set[str]:
    """Every anchor of a page."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {slug(each) for each in headings} | set(re.findall(r'<a id="([^"]+)">', text))


@pytest.mark.parametrize("reason", REASONS)
def test_the_runbook_has_a_section_for_every_reason(reason: str) -> None:
    """Whoever sees a reason finds what it means under its own name in lower case."""
    assert reason.lower() in anchors(RUNBOOK)


@pytest.mark.parametrize("outcome", [Outcome.ROLLED_BACK, Outcome.REFUSED, Outcome.ABORTED])
def test_the_runbook_tells_how_a_failover_may_end(outcome: Outcome) -> None:
    """Ends that are not what was hoped for have a section too."""
    assert outcome.lower() in anchors(RUNBOOK)


def test_every_alert_leads_to_a_section() -> None:
    """The link of an alert ends where it should."""
    rules = yaml.safe_load((ROOT / "deploy/prometheus/failover-rules.yaml").read_text())
    for group in rules["spec"]["groups"]:
        for rule in group["rules"]:
            _, _, anchor = rule["annotations"]["runbook_url"].partition("#")
            assert anchor in anchors(RUNBOOK), rule["alert"]


@pytest.mark.parametrize("path", runpy.run_path(str(DOCS / "generate.py"))["pages"]().items())
def test_generated_pages_are_up_to_date(path: tuple[Path, str]) -> None:
    """A changed model changes its page; `make docs` writes it anew."""
    file, text = path
    assert file.read_text(encoding="utf-8") == text, f"{file.name} is stale: make docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda each: str(each.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """Files and anchors that a page links to are there."""
    text = page.read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+://", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text()), target


@pytest.mark.parametrize("page", PAGES, ids=lambda each: str(each.relative_to(ROOT)))
def test_every_file_that_is_named_is_there(page: Path) -> None:
    """Paths of the project in a page exist, tests among them."""
    folders = "activities|bench|cli|deploy|devstack|docs|examples|failover|tests|triggers|workflows"
    named = re.findall(rf"`((?:{folders})/(?!shop/)[\w./-]+)`", page.read_text())
    assert [each for each in named if not (ROOT / each).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda each: str(each.relative_to(ROOT)))
def test_every_test_that_is_named_is_there(page: Path) -> None:
    """`tests/…/test_x.py::test_y` names a function of that file."""
    for file, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)", page.read_text()):
        assert f"def {name}" in (ROOT / file).read_text(), f"{file}::{name}"


@functools.cache
def verbs() -> dict[str, set[str]]:
    """Every verb of the command line, with its options."""
    root = cast("Any", typer.main.get_command(assemble()))
    everywhere = {option for each in root.params for option in each.opts}
    return {
        name: everywhere | {option for each in verb.params for option in each.opts}
        for name, verb in root.commands.items()
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda each: str(each.relative_to(ROOT)))
def test_every_command_that_is_shown_is_there(page: Path) -> None:
    """Verbs and options of `failover …` in a page exist."""
    known = verbs()
    text = page.read_text()
    shown = re.findall(r"^ *\$? ?failover ([a-z]+)([^|#\n]*)", text, re.MULTILINE)
    shown += re.findall(r"`failover ([a-z]+)([^`|]*)`", text)
    for verb, rest in shown:
        assert verb in known, f"failover {verb}"
        options = set(re.findall(r"(?<=\s)--?[a-z][a-z-]*", re.sub(r"'[^']*'", "", rest)))
        assert options <= known[verb], f"failover {verb}{rest}"


def test_every_update_that_is_shown_can_be_sent() -> None:
    """The JSON of an update is what its model takes, to the last field."""
    models: dict[str, type[Wire]] = {
        "resolve": Resolution,
        "approve": Approval,
        "deny": Approval,
        "retarget": Retarget,
    }
    shown = re.findall(r"--name (\w+) --input '([^']*)'", RUNBOOK + TEMPORAL)
    assert len(shown) > 5
    for name, text in shown:
        assert_known(models[name], json.loads(text))


def test_the_input_of_a_run_started_by_hand_is_whole() -> None:
    """The example of starting by hand is a request, under the id of its application."""
    found = re.search(r"```json\n(\{.*?\n\})\n```", TEMPORAL, re.DOTALL)
    assert found
    request = FailoverRequest.model_validate_json(found[1])
    assert_known(FailoverRequest, json.loads(found[1]))
    assert request.policy.application is not None
    command = TEMPORAL[: found.start()] + TEMPORAL[found.end() :]
    assert f"--workflow-id {failover_id(request.application)}" in command
    assert f"--type {FAILOVER_WORKFLOW} --task-queue {TASK_QUEUE}" in command


def assert_known(model: type[BaseModel], value: Any) -> None:
    """Every field that is given is one of the model's; what is unknown would be passed over."""
    read = model.model_validate(value).model_dump(mode="json", by_alias=True)
    assert unknown(value, read) == []


def unknown(given: Any, read: Any, path: str = "") -> list[str]:
    """Paths that were given and did not survive being read."""
    if not isinstance(given, dict) or not isinstance(read, dict):
        return []
    here, there = cast("dict[str, Any]", given), cast("dict[str, Any]", read)
    lost = [f"{path}.{key}" for key in here if key not in there]
    return lost + [
        each
        for key in here.keys() & there.keys()
        for each in unknown(here[key], there[key], f"{path}.{key}")
    ]


def test_every_setting_is_explained() -> None:
    """Each variable of the environment that is ours has a line."""
    text = (DOCS / "architecture.md").read_text()
    names = [f"FAILOVER_{each.upper()}" for each in Settings.model_fields]
    assert [each for each in names if f"`{each}`" not in text] == []


def test_every_search_attribute_is_explained() -> None:
    """Each column of the list in the Temporal UI has a line."""
    assert [each.name for each in SEARCH_ATTRIBUTES if f"`{each.name}`" not in TEMPORAL] == []
