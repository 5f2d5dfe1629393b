"""The CustomResourceDefinitions that are written from the models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

import pytest

from failover.domain.policy.crd import policy_definition, rule_definition
from failover.domain.policy.fields import model_of, wire_fields
from failover.domain.policy.model import PolicySpec
from failover.domain.policy.reading import read_document
from failover.domain.policy.structural import Schema
from tests.support.definitions import definitions, documents, policy
from tests.support.wrong_policies import wrong_policies

STRUCTURAL = {
    "description", "type", "format", "required", "properties", "items", "additionalProperties",
    "enum", "minimum", "maximum", "minLength", "maxLength", "pattern", "minItems", "maxItems",
    "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-validations",
}  # fmt: skip


def schema_of(definition: Schema) -> Schema:
    """The schema of its one version."""
    return cast("Schema", definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"])


def parts(schema: Schema) -> Iterator[Schema]:
    """The schema, and every schema within it."""
    yield schema
    inner = [*schema.get("properties", {}).values()]
    inner += [schema[key] for key in ("items", "additionalProperties") if key in schema]
    for each in inner:
        yield from parts(each)


@pytest.mark.parametrize("definition", definitions(), ids=["FailoverPolicy", "HealthRule"])
def test_a_schema_is_structural_and_says_all_it_knows(definition: Schema) -> None:
    """Each part has a type and nothing that a definition may not hold; no field is left open."""
    for part in parts(schema_of(definition)):
        assert part.keys() <= STRUCTURAL
        assert isinstance(part["type"], str)
        assert part["type"] != "array" or "items" in part
        assert not ("properties" in part and "additionalProperties" in part)


def test_every_field_of_the_model_is_there() -> None:
    """At every depth, under its name on the wire."""

    def compare(model: Any, schema: Schema, path: str) -> None:
        fields = wire_fields(model)
        assert set(schema["properties"]) == set(fields), path
        for name, field in fields.items():
            inner, many = model_of(field.annotation)
            here = schema["properties"][name]
            if inner is not None:
                compare(inner, here["items"] if many else here, f"{path}.{name}")

    compare(PolicySpec, schema_of(policy_definition())["properties"]["spec"], "spec")


def test_no_default_is_written() -> None:
    """The defaults are the models', and an object says what its author wrote."""
    for definition in definitions():
        assert all("default" not in part for part in parts(schema_of(definition)))


def test_columns_lead_to_what_the_schema_has() -> None:
    """A misspelt path would be an empty column for ever."""
    for definition in (policy_definition(), rule_definition()):
        for column in definition["spec"]["versions"][0]["additionalPrinterColumns"]:
            here = schema_of(definition)
            for step in re.findall(r"\.(\w+)", column["jsonPath"].partition("[")[0]):
                if step == "metadata":
                    break
                here = here["properties"][step]


def test_what_the_server_refuses_lint_refuses_too() -> None:
    """Every wrong policy of the table; the integration test shows them to a server."""
    assert read_document(policy("shop"))[0] is not None
    for name, (manifest, _) in wrong_policies("shop").items():
        assert read_document(manifest)[0] is None, name


def test_the_project_shows_documents_of_our_kinds() -> None:
    """They are what the integration test applies."""
    assert {each["kind"] for each in documents()} == {"FailoverPolicy", "HealthRule"}
