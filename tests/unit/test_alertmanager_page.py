"""The snippets of docs/alertmanager.md do what they are shown for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from failover.domain.policy.reading import read_policies
from failover.telemetry import Metrics
from tests.support.alerts import alert, call
from triggers.alerts import Naming, meant_by, read_call
from triggers.policies import PolicySet
from triggers.receiving import Outcome

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "alertmanager.md").read_text()
YAML: list[dict[str, Any]] = [
    yaml.safe_load(each) for each in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
]
POLICIES = PolicySet(
    read_policies((ROOT / "examples" / "flink-failover-policy.yaml").read_text(), "p").policies
)
ORDERS = "FlinkDeployment/orders in shop"


def meant(body: bytes) -> list[str]:
    """The applications that a call means under the policy of the example."""
    found = meant_by(read_call(body), POLICIES, Naming())
    assert found.unmatched == ()
    return [str(each.application) for each in found.targets]


def test_the_rule_names_an_application_and_is_routed() -> None:
    """Its labels are understood, and match the route to the receiver that calls us."""
    rule, configuration = YAML
    (each,) = rule["spec"]["groups"][0]["rules"]
    assert meant(call(alert(name=each["alert"], **each["labels"]))) == [ORDERS]
    route, others = configuration["route"]["routes"]
    assert route["continue"]
    assert others["receiver"] == "people"
    (name, value) = re.fullmatch(r'(\w+) = "(\w+)"', route["matchers"][0]).groups()  # type: ignore[union-attr]
    assert each["labels"][name] == value
    assert set(route["group_by"]) <= set(each["labels"])
    receivers = {each["name"]: each for each in configuration["receivers"]}
    (webhook,) = receivers[route["receiver"]]["webhook_configs"]
    assert webhook["url"].endswith("/alertmanager")
    assert (webhook["send_resolved"], webhook["max_alerts"]) == (True, 0)


def test_the_call_to_try_is_one() -> None:
    """It can be sent as it stands."""
    (text,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert meant(text.encode()) == [ORDERS]


def test_every_outcome_and_metric_is_named() -> None:
    """What an answer may say, and what is counted."""
    assert [each for each in Outcome if f"`{each}`" not in PAGE] == []
    for name in re.findall(r"`(failover_\w+_total)`", PAGE):
        assert name.removesuffix("_total") in {each.name for each in Metrics().registry.collect()}
