"""The alert rules speak of metrics that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from failover.domain.phases import WAITING_PHASES, Outcome
from failover.domain.sighting import Answer
from failover.telemetry import Metrics
from triggers import receiving
from triggers.serving import CODES

FILE = Path(__file__).parents[2] / "deploy" / "prometheus" / "failover-rules.yaml"
DOCUMENT: dict[str, Any] = yaml.safe_load(FILE.read_text())
RULES: list[dict[str, Any]] = [
    rule for group in DOCUMENT["spec"]["groups"] for rule in group["rules"]
]
OTHERS = {"up", "temporal_workflow_task_execution_failed"}
"""Prometheus' own metric, and one of Temporal's SDK."""
WORDS = {"max", "sum", "by", "increase", "absent", "time"}
LABEL_VALUES = {
    "failover_waiting": WAITING_PHASES,
    "failover_total": {each.value for each in Outcome},
    "failover_triggers_total": {each.value for each in Answer},
    "failover_alerts_total": {each.value for each in receiving.Outcome},
    "failover_webhook_calls_total": {str(each) for each in CODES},
}
"""What the one label has, by which a rule chooses among a metric's values."""


def names(registry: CollectorRegistry) -> set[str]:
    """Every name that a metric is scraped under, labelled or not."""
    suffix = {"counter": "_total", "gauge": "", "histogram": "_bucket"}
    return {f"{each.name}{suffix[each.type]}" for each in registry.collect()}


def by_name(rule: dict[str, Any]) -> str:
    """The alert's name."""
    return str(rule["alert"])


@pytest.mark.parametrize("rule", RULES, ids=by_name)
def test_every_metric_of_a_rule_exists(rule: dict[str, Any]) -> None:
    """A rule on a metric that nobody serves would never fire."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|by \([^)]*\)", "", rule["expr"])
    used = set(re.findall(r"[a-z_]{2,}", bare)) - WORDS
    assert used
    assert used <= names(Metrics().registry) | OTHERS


@pytest.mark.parametrize("rule", RULES, ids=by_name)
def test_every_label_value_of_a_rule_exists(rule: dict[str, Any]) -> None:
    """A misspelt reason or outcome would never fire either."""
    chosen = re.findall(r'(failover_[a-z_]+){[a-z]+=~?"([^"]*)"', rule["expr"])
    assert len(chosen) == len(re.findall(r"failover_[a-z_]+{", rule["expr"]))
    for metric, values in chosen:
        assert set(values.split("|")) <= LABEL_VALUES[metric]


@pytest.mark.parametrize("rule", RULES, ids=by_name)
def test_every_alert_says_what_to_do(rule: dict[str, Any]) -> None:
    """Summary, description and a place in the runbook; a severity to route by."""
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert all(rule["annotations"].values())
    assert re.fullmatch(r"docs/runbook\.md#[a-z-]+", rule["annotations"]["runbook_url"])
    assert rule["labels"]["severity"] in {"critical", "warning"}


def test_alert_names_are_unique() -> None:
    """One name, one alert."""
    found = [rule["alert"] for rule in RULES]
    assert len(found) == len(set(found))
