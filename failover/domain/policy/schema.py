"""The JSON Schema of a FailoverPolicy document, for editors and whoever else checks one."""

from __future__ import annotations

from typing import Any, cast

from failover.domain.policy.model import API_VERSION, SPELLINGS, PolicySpec

SCHEMA_ID = "https://stateful-failover.dev/schemas/failoverpolicy-v1alpha1.json"


def json_schema() -> dict[str, Any]:
    """The schema; stricter than reading a stored policy, as strict as `lint`."""
    spec = PolicySpec.model_json_schema(by_alias=True, mode="validation")
    definitions = cast("dict[str, Any]", spec.pop("$defs", {}))
    for definition in (spec, *definitions.values()):
        _close(definition)
    _add_spellings(definitions["ApplicationFailover"])
    spec["required"] = ["resourceSelectors"]
    metadata = {
        "type": "object",
        "description": "The document's name and namespace.",
        "properties": {"name": {"type": "string"}, "namespace": {"type": "string"}},
        "required": ["name"],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "FailoverPolicy",
        "description": "When, where and how applications are moved to another cluster.",
        "type": "object",
        "properties": {
            "apiVersion": {"const": API_VERSION},
            "kind": {"const": "FailoverPolicy"},
            "metadata": metadata,
            "spec": spec,
        },
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def _close(definition: dict[str, Any]) -> None:
    """Unknown fields are errors, and pydantic's titles say nothing that the names do not."""
    if definition.get("type") != "object":
        return
    definition["additionalProperties"] = False
    definition.pop("title", None)
    for field in cast("dict[str, dict[str, Any]]", definition.get("properties", {})).values():
        field.pop("title", None)
        if field.get("default") is None or "$ref" in field:
            field.pop("default", None)
        if isinstance(text := field.get("description"), str):
            field["description"] = " ".join(text.split())


def _add_spellings(application: dict[str, Any]) -> None:
    modes = cast("list[str]", application["properties"]["purgeMode"]["enum"])
    application["properties"]["purgeMode"]["enum"] = [*modes, *SPELLINGS]
