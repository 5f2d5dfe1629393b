"""A directory of policies that people edit while the watcher runs."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path

import pytest

from failover.domain.errors import InvalidInput
from failover.domain.identity import ApplicationRef
from failover.domain.policy import Policy
from failover.domain.policy.matching import NoPolicy
from triggers import policies as policies_module
from triggers.policies import PolicyDirectory, PolicySet, log_changes
from triggers.sources import called

ORDERS = ApplicationRef(
    group="flink.apache.org", kind="FlinkDeployment", namespace="shop", name="orders"
)
TEXT = """
apiVersion: stateful-failover.dev/v1alpha1
kind: FailoverPolicy
metadata: {{name: {name}, namespace: shop}}
spec:
  resourceSelectors: [{{apiVersion: flink.apache.org/v1beta1, kind: FlinkDeployment, name: {app}}}]
  failover: {{application: {{purgeMode: Directly, decisionConditions: {{tolerationSeconds: {seconds}}}}}}}
"""


def text(name: str, *, app: str = "orders", seconds: int = 3) -> str:
    """A policy file."""
    return TEXT.format(name=name, app=app, seconds=seconds)


def test_what_is_broken_is_left_out_and_hinders_nothing(tmp_path: Path) -> None:
    """A wrong field, no YAML and no text cost their own documents only."""
    (tmp_path / "a.yaml").write_text(text("a"))
    (tmp_path / "b.yml").write_text(text("b").replace("purgeMode", "purgeMod"))
    (tmp_path / "c.json").write_text("{")
    (tmp_path / "d.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "e.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / ".hidden.yaml").write_text(text("hidden"))
    (tmp_path / "notes.txt").write_text("not looked at")
    found = PolicyDirectory(tmp_path).read()
    assert [each.name for each in found.policies] == ["a"]
    broken = {Path(each.origin).name for each in found.problems if each.severity == "Error"}
    assert broken == {"b.yml", "c.json", "d.yaml", "e.yaml"}


def test_only_another_content_is_a_change(tmp_path: Path) -> None:
    """Touching a file changes nothing; writing, adding and removing do."""
    file = tmp_path / "a.yaml"
    file.write_text(text("a"))
    directory = PolicyDirectory(tmp_path)
    directory.read()
    file.write_text(text("a"))
    assert directory.read_if_changed() is None
    file.write_text(text("a", seconds=4))
    changed = directory.read_if_changed()
    assert changed is not None
    assert changed.policies[0].active.toleration.total_seconds() == 4
    (tmp_path / "b.yaml").write_text(text("b"))
    added = directory.read_if_changed()
    assert added is not None
    assert [each.name for each in added.policies] == ["a", "b"]
    file.unlink()
    removed = directory.read_if_changed()
    assert removed is not None
    assert [each.name for each in removed.policies] == ["b"]


def test_a_file_with_an_error_takes_nothing_away(tmp_path: Path) -> None:
    """What it held when it was good stays in force until it is mended, moved or removed."""
    file, other = tmp_path / "a.yaml", tmp_path / "b.yaml"
    file.write_text(f"{text('a')}---{text('b')}")
    directory = PolicyDirectory(tmp_path)
    assert directory.read().whole
    file.write_text(f"{text('a', seconds=4)}---{text('b').replace('purgeMode', 'purgeMod')}")
    assert told(directory) == {"a": 4, "b": 3}
    file.write_text("{")
    assert told(directory) == {"a": 4, "b": 3}
    other.write_text(text("b", seconds=5))
    assert told(directory) == {"a": 4, "b": 5}
    assert not directory.read().whole
    file.write_text(text("a"))
    assert told(directory) == {"a": 3, "b": 5}
    file.write_text("{")
    file.unlink()
    assert told(directory) == {"b": 5}


async def test_a_directory_yields_the_whole_set_and_again_on_each_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As every source of policies does."""
    monkeypatch.setattr(policies_module, "READ_EVERY", timedelta(milliseconds=5))
    (tmp_path / "a.yaml").write_text(text("a"))
    async with aclosing(PolicyDirectory(tmp_path).sets()) as sets, asyncio.timeout(10):
        assert [each.name for each in (await anext(sets)).policies] == ["a"]
        (tmp_path / "b.yaml").write_text(text("b"))
        assert [each.name for each in (await anext(sets)).policies] == ["a", "b"]


def told(directory: PolicyDirectory) -> dict[str, int]:
    """The policies in force, with their tolerations."""
    found = directory.read_if_changed()
    assert found is not None
    assert len({each.name for each in found.policies}) == len(found.policies)
    return {
        each.name: each.active.decision_conditions.toleration_seconds for each in found.policies
    }


def test_a_directory_that_is_gone_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What was read last stays in use, and this is said once."""
    inside = tmp_path / "policies"
    inside.mkdir()
    directory = PolicyDirectory(inside)
    directory.read()
    inside.rmdir()
    assert directory.read_if_changed() is None
    assert directory.read_if_changed() is None
    assert caplog.text.count("stay in use") == 1
    with pytest.raises(InvalidInput, match="cannot be read"):
        PolicyDirectory(inside).read()


def test_changes_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The log says which policies were added, removed and changed."""
    before = read(tmp_path / "1", a=text("a"), b=text("b"))
    after = read(tmp_path / "2", b=text("b", seconds=9), c=text("c"))
    seconds = "spec.failover.application.decisionConditions.tolerationSeconds"
    with caplog.at_level(logging.INFO):
        log_changes(before, after)
    assert [each.message for each in caplog.records] == [
        "added FailoverPolicy shop/c",
        "removed FailoverPolicy shop/a",
        f"changed FailoverPolicy shop/b: {seconds}: 3 → 9",
    ]


def test_the_index_finds_what_all_policies_together_give(tmp_path: Path) -> None:
    """Policies by name, by kind, and of others: the application gets the closest."""
    found = read(
        tmp_path,
        a=text("named"),
        b=text("kind").replace(", name: orders", ""),
        c=text("x", app="x"),
    )
    assert named(found.about(ORDERS, {})) == "named"
    assert named(found.about(ORDERS.model_copy(update={"name": "clicks"}), {})) == "kind"
    assert isinstance(found.about(ORDERS.model_copy(update={"namespace": "bank"}), {}), NoPolicy)


def named(found: object) -> str:
    """The name of the policy that was found."""
    assert isinstance(found, Policy)
    return found.name


def read(directory: Path, **files: str) -> PolicySet:
    """What a directory of these files holds."""
    directory.mkdir(exist_ok=True)
    for name, content in files.items():
        (directory / f"{name}.yaml").write_text(content)
    return PolicyDirectory(directory).read()


def test_a_directory_is_called_alike_whatever_its_link_leads_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout is a link to another directory after each commit; what it declares stays its own."""
    link = tmp_path / "current"
    names: set[str] = set()
    for commit in ("one", "two"):
        (tmp_path / commit).mkdir()
        link.unlink(missing_ok=True)
        link.symlink_to(tmp_path / commit)
        names.add(called(str(link)))
    monkeypatch.chdir(tmp_path)
    names |= {called("current/"), called("./one/../current")}
    assert names == {f"directory {link}"}
