"""The manifests of the admission guard: they cover what may be moved, and read what is written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.rbac import CATALOGUE as PLURALS
from failover.domain.health.catalogue import CATALOGUE
from failover.domain.identity import ApplicationRef, GroupKind
from failover.domain.marks import GENERATION
from failover.domain.notice import Notice
from failover.domain.policy.reading import read_policies
from failover.domain.record import NAMESPACE

ROOT = Path(__file__).parents[2]
POLICY, BINDING = yaml.safe_load_all((ROOT / "deploy/guard/guard.yaml").read_text())

MADE_BY_OTHERS = {GroupKind("", "Pod"), GroupKind("apps", "ReplicaSet")}
"""Created so often, and by controllers, that asking about each would cost more than it gives."""

ORDERS = ApplicationRef(group="apps", kind="Deployment", namespace="shop", name="orders")
NOTICE = Notice(application=ORDERS, home="west", generation=1).to_config_map()


def covers(rule: dict[str, Any], kind: GroupKind) -> bool:
    """Whether the rule is about creations of this kind."""
    assert rule["operations"] == ["CREATE"]
    resources = rule["resources"]
    return kind.group in rule["apiGroups"] and (resources == ["*"] or PLURALS[kind] in resources)


def test_every_kind_of_the_catalogue_is_guarded() -> None:
    """A kind that is new in the catalogue comes into the guard too."""
    rules = POLICY["spec"]["matchConstraints"]["resourceRules"]
    left_out = {kind for kind in CATALOGUE if not any(covers(rule, kind) for rule in rules)}
    assert left_out == MADE_BY_OTHERS


def test_the_guard_takes_the_notices_for_its_parameters() -> None:
    """The binding selects by the label that they carry, where they are."""
    metadata, reference = NOTICE["metadata"], BINDING["spec"]["paramRef"]
    assert reference["selector"]["matchLabels"] == metadata["labels"]
    assert reference["namespace"] == metadata["namespace"] == NAMESPACE
    assert BINDING["spec"]["policyName"] == POLICY["metadata"]["name"]


@pytest.mark.parametrize("kind", ["FailoverPolicy", "PropagationPolicy"])
def test_the_policies_of_the_page_are_valid(kind: str) -> None:
    """What docs/gitops.md shows can be used as it is."""
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/gitops.md").read_text(), re.DOTALL)
    shown = [text for text in blocks if yaml.safe_load(text)["kind"] == kind]
    assert shown
    for text in shown:
        reading = read_policies(text, "gitops.md")
        assert len(reading.policies) == 1
        assert [each for each in reading.problems if each.severity == "Error"] == []


def test_the_guard_reads_what_is_written() -> None:
    """Every field of a notice is looked at, and so is our mark."""
    text = yaml.safe_dump(POLICY["spec"], width=10_000)
    for key in NOTICE["data"]:
        assert f"data[?''{key}'']" in text or f"data[?'{key}']" in text, key
    assert GENERATION in text
