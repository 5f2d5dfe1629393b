"""Schema and reference are written from the models, and every field says what it means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from failover.domain.policy.fields import unknown_fields
from failover.domain.policy.karmada import BEYOND_KARMADA, NOT_YET
from failover.domain.policy.model import PolicySpec
from failover.domain.policy.reference import policy_reference_markdown
from failover.domain.policy.schema import json_schema


def _undescribed(name: str, definition: dict[str, Any]) -> Iterator[str]:
    for field, schema in definition.get("properties", {}).items():
        if "description" not in schema and "$ref" not in schema:
            yield f"{name}.{field}"


def test_every_field_is_described_in_the_schema() -> None:
    """An editor shows a description wherever somebody writes."""
    schema = json_schema()
    definitions = {**schema["$defs"], "spec": schema["properties"]["spec"]}
    assert all("description" in one for one in definitions.values())
    missing = [each for name, one in definitions.items() for each in _undescribed(name, one)]
    assert missing == []


def test_unknown_fields_are_closed_out_in_the_schema() -> None:
    """No map of our own takes a field that it does not know."""
    schema = json_schema()
    for name, definition in {**schema["$defs"], "": schema}.items():
        assert definition["additionalProperties"] is False, name


def test_the_schema_takes_all_spellings_of_the_purge_modes() -> None:
    """What can be read is valid in an editor too."""
    modes = json_schema()["$defs"]["ApplicationFailover"]["properties"]["purgeMode"]["enum"]
    assert modes == ["Directly", "Gracefully", "Never", "Immediately", "Graciously"]


def test_the_reference_has_a_row_for_every_field() -> None:
    """The reference names each field, its default, whose it is, and what it means."""
    text = policy_reference_markdown()
    assert (
        "| `spec.failover.application.decisionConditions.tolerationSeconds` | whole number | `300` "
        "| Karmada | Seconds that" in text
    )
    assert (
        "| `spec.failover.application.mode` | `Observe`, `Confirm`, `Automatic` |  | ours |" in text
    )
    for path in BEYOND_KARMADA:
        assert f"`{path}" in text or path.endswith(".approval"), path


def test_what_is_not_yet_supported_is_no_field_of_the_models() -> None:
    """A field that is refused cannot be half supported."""
    for path in NOT_YET:
        content: object = 1
        for step in reversed(path.split(".")[1:]):
            content = {step: content}
        assert [each for each, _, _ in unknown_fields(PolicySpec, content, "spec")] == [path]
