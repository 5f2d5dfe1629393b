"""Models as structural schemas: what a CustomResourceDefinition can hold, and all that it can check.

What a model refuses by itself, or by a check that looks at one object alone, the API server refuses
too: `_AMENDED` bounds single fields, `_RULES` are the checks over several fields, in CEL. The rest
(templates, other policies) is found by whoever reads the object, and said in its status.

No default is written: the defaults are the models', and an object says what its author wrote. The
bounds on lengths are there because the API server reckons what a rule may cost by the longest input.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, NamedTuple, cast

from pydantic import BaseModel

from failover.domain.manifest import OUR_PREFIX
from failover.domain.policy.checks import SECONDS_MAX
from failover.domain.policy.model import SPELLINGS
from failover.domain.preservation import LABEL_NAME_LENGTH_MAX, LABEL_PREFIX_LENGTH_MAX

Schema = dict[str, Any]


class Rule(NamedTuple):
    """A rule in CEL, and what is said where it does not hold."""

    rule: str
    message: str


_ALIAS_LENGTH_MAX = LABEL_PREFIX_LENGTH_MAX + 1 + LABEL_NAME_LENGTH_MAX
_DNS_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_LABEL_KEY = rf"^({_DNS_LABEL}(\.{_DNS_LABEL})*/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"


def _seconds(least: int) -> Schema:
    return {"minimum": least, "maximum": SECONDS_MAX}


_NEEDED_TEXT: Schema = {"minLength": 1, "maxLength": 253}
_FEW: Schema = {"maxItems": 100}

_AMENDED: dict[str, dict[str, Schema]] = {
    "PolicySpec": {"resourceSelectors": {"minItems": 1, "maxItems": 1000}},
    "ResourceSelector": {"apiVersion": _NEEDED_TEXT, "kind": _NEEDED_TEXT},
    "LabelSelector": {"matchExpressions": _FEW},
    "FieldSelector": {"matchExpressions": _FEW},
    "FieldRequirement": {"values": {"minItems": 1}},
    "Placement": {"clusterAffinities": _FEW, "clusterTolerations": _FEW, "spreadConstraints": _FEW},
    "ClusterAffinityTerm": {"affinityName": _NEEDED_TEXT},
    "DecisionConditions": {"tolerationSeconds": _seconds(0)},
    "ApplicationFailover": {
        "purgeMode": {"enum": ["Directly", "Gracefully", "Never", *SPELLINGS]},
        "gracePeriodSeconds": _seconds(1),
        "settleSeconds": _seconds(0),
    },
    "Fencing": {"goneWithinSeconds": _seconds(1)},
    "Verification": {"healthyWithinSeconds": _seconds(1), "maxSeconds": _seconds(1)},
    "StatePreservation": {
        "rules": {
            "minItems": 1,
            "maxItems": 100,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["aliasLabelName"],
        }
    },
    "PreservationRule": {
        "aliasLabelName": {"minLength": 1, "maxLength": _ALIAS_LENGTH_MAX, "pattern": _LABEL_KEY},
        "jsonPath": {"minLength": 1},
    },
    "HealthRuleSpec": {"rules": {"minItems": 1}},
    "KindRef": {"kind": _NEEDED_TEXT},
    "HealthClause": {"when": {"minLength": 1}},
}
"""What fields of a model must be, beyond their types."""

_REQUIRED = {
    "PolicySpec": ("resourceSelectors",),
    "ResourceSelector": ("apiVersion", "kind"),
    "ClusterAffinityTerm": ("affinityName",),
    "FieldRequirement": ("values",),
    "StatePreservation": ("rules",),
    "HealthRuleSpec": ("rules",),
    "KindRef": ("kind",),
}
"""What must be written although the model could do without: its checks cannot."""

_RULES: dict[str, tuple[Rule, ...]] = {
    "ApplicationFailover": (
        Rule(
            "!has(self.gracePeriodSeconds) || !has(self.purgeMode) "
            "|| self.purgeMode in ['Gracefully', 'Graciously']",
            "gracePeriodSeconds has a meaning only with purgeMode: Gracefully; take it out",
        ),
    ),
    "Placement": (
        Rule(
            "!has(self.clusterAffinity) || !has(self.clusterAffinities) "
            "|| size(self.clusterAffinities) == 0",
            "clusterAffinities cannot be together with clusterAffinity; "
            "write that one as the first group",
        ),
        Rule(
            "!has(self.clusterAffinities) || self.clusterAffinities.all(one, "
            "self.clusterAffinities.exists_one(other, other.affinityName == one.affinityName))",
            "each group of clusterAffinities needs a name of its own",
        ),
    ),
    "ClusterToleration": (
        Rule(
            "!has(self.operator) || self.operator != 'Exists' "
            "|| !has(self.value) || self.value == ''",
            "value must be left out with operator: Exists",
        ),
        Rule(
            "(has(self.operator) && self.operator == 'Exists') "
            "|| (has(self.key) && self.key != '')",
            "key is missing; to tolerate every taint, write operator: Exists",
        ),
    ),
    "LabelRequirement": (
        Rule(
            "self.operator in ['Exists', 'DoesNotExist'] "
            "|| (has(self.values) && size(self.values) > 0)",
            "values is empty; In and NotIn need at least one value",
        ),
        Rule(
            "self.operator in ['In', 'NotIn'] || !has(self.values) || size(self.values) == 0",
            "values must be left out with Exists and DoesNotExist",
        ),
    ),
    "PreservationRule": (
        Rule(
            f"!self.aliasLabelName.startsWith('{OUR_PREFIX}')",
            f"aliasLabelName: {OUR_PREFIX} belongs to the engine; choose another prefix",
        ),
    ),
}
"""What must hold between the fields of a model."""


def structural(model: type[BaseModel]) -> Schema:
    """A model as a structural schema: nothing referred to, nothing that the API server refuses."""
    schema = model.model_json_schema(by_alias=True, mode="validation")
    definitions = cast("dict[str, Schema]", schema.pop("$defs", {}))
    amended = {name: _amended(name, each) for name, each in definitions.items()}
    return _inlined(_amended(model.__name__, schema), amended)


def _amended(name: str, schema: Schema) -> Schema:
    required = dict.fromkeys((*_REQUIRED.get(name, ()), *schema.get("required", ())))
    rules = [each._asdict() for each in _RULES.get(name, ())]
    properties = cast("dict[str, Schema]", schema.get("properties", {}))
    for field, more in _AMENDED.get(name, {}).items():
        properties[field] = {**_without_null(properties[field]), **more}
    return {
        **schema,
        **({"required": list(required)} if required else {}),
        **({"x-kubernetes-validations": rules} if rules else {}),
    }


def _without_null(schema: Schema) -> Schema:
    """What may be left out is left out: for the API server, null is nothing written."""
    variants = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**variants[0], **rest} if len(variants) == 1 else schema


def _inlined(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    schema = _without_null(schema)
    reference = schema.get("$ref")
    if reference is not None:
        schema = {**definitions[reference.rpartition("/")[2]], **schema}
    kept = {
        key: schema[key]
        for key in ("description", "type", "format", "required", *_KEPT)
        if key in schema
    }
    if "const" in schema:
        kept["enum"] = [schema["const"]]
    if isinstance(text := kept.get("description"), str):
        kept["description"] = " ".join(text.split())
    if isinstance(inner := schema.get("additionalProperties"), dict):
        kept["additionalProperties"] = _inlined(cast("Schema", inner), definitions)
    if "properties" in schema:
        fields = cast("dict[str, Schema]", schema["properties"])
        kept["properties"] = {name: _inlined(each, definitions) for name, each in fields.items()}
    if "items" in schema:
        kept["items"] = _inlined(schema["items"], definitions)
    return deepcopy(kept)


_KEPT = (
    "enum", "minimum", "maximum", "minLength", "maxLength", "pattern", "minItems", "maxItems",
    "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-validations",
)  # fmt: skip
