"""The CustomResourceDefinitions of our own kinds, written from the models (`make docs`).

The columns show what counts in the end, from the status: an object itself says only what its author
wrote. Where they are empty, no watcher has taken the object up.
"""

from __future__ import annotations

from copy import deepcopy

from failover.domain.policy.model import API_VERSION, PolicySpec
from failover.domain.policy.structural import Schema, structural
from failover.domain.rules.model import HealthRuleSpec

GROUP, VERSION = API_VERSION.split("/")

_CONDITION: Schema = {
    "type": "object",
    "required": ["type", "status", "reason", "message", "lastTransitionTime"],
    "properties": {
        "type": {"type": "string", "description": "`Accepted` or `Ready`."},
        "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
        "reason": {"type": "string", "description": "A CamelCase token."},
        "message": {"type": "string", "description": "A sentence for a person."},
        "observedGeneration": {"type": "integer", "format": "int64"},
        "lastTransitionTime": {"type": "string", "format": "date-time"},
    },
}
_STATUS: dict[str, Schema] = {
    "observedGeneration": {
        "type": "integer",
        "format": "int64",
        "description": "The generation that was looked at last.",
    },
    "conditions": {
        "type": "array",
        "description": "`Accepted`: this generation can be used. `Ready`: it is in force.",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": _CONDITION,
    },
}
_POLICY_STATUS: dict[str, Schema] = {
    "generationInForce": {
        "type": "integer",
        "format": "int64",
        "description": "The generation that decides: an earlier one while the last is not accepted.",
    },
    "applications": {"type": "string", "description": "What the policy in force is about."},
    "mode": {"type": "string", "description": "The mode that counts, written or not."},
    "purgeMode": {"type": "string", "description": "The purge mode that counts, written or not."},
    "tolerationSeconds": {
        "type": "integer",
        "format": "int64",
        "description": "The toleration that counts, written or not.",
    },
}
_READY = '.status.conditions[?(@.type=="Ready")].status'
_AGE = ("Age", "date", ".metadata.creationTimestamp")


def policy_definition() -> Schema:
    """The CustomResourceDefinition of `FailoverPolicy`."""
    columns = (
        ("Mode", "string", ".status.mode"),
        ("Purge", "string", ".status.purgeMode"),
        ("Toleration", "integer", ".status.tolerationSeconds"),
        ("Applications", "string", ".status.applications"),
        ("Ready", "string", _READY),
        _AGE,
    )
    description = "When, where and how applications are moved to another cluster."
    spec, status = structural(PolicySpec), {**_STATUS, **_POLICY_STATUS}
    names = ("FailoverPolicy", "failoverpolicies", "fop", "Namespaced")
    return _definition(names, description, spec, status, columns)


def rule_definition() -> Schema:
    """The CustomResourceDefinition of `HealthRule`."""
    columns = (
        ("Group", "string", ".spec.target.group"),
        ("Kind", "string", ".spec.target.kind"),
        ("Ready", "string", _READY),
        _AGE,
    )
    description = "How the health of a kind is judged."
    names = ("HealthRule", "healthrules", "fohr", "Cluster")
    return _definition(names, description, structural(HealthRuleSpec), _STATUS, columns)


def _definition(
    names: tuple[str, str, str, str],
    description: str,
    spec: Schema,
    status: dict[str, Schema],
    columns: tuple[tuple[str, str, str], ...],
) -> Schema:
    kind, plural, short, scope = names
    shown = [{"name": name, "type": what, "jsonPath": path} for name, what, path in columns]
    schema = {
        "type": "object",
        "description": description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": {
                "type": "object",
                "description": "What the watcher made of it; written by `failover watch`.",
                "properties": deepcopy(status),
            },
        },
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{GROUP}",
            "labels": {"app.kubernetes.io/part-of": "stateful-failover"},
        },
        "spec": {
            "group": GROUP,
            "scope": scope,
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": kind.lower(),
                "shortNames": [short],
                "categories": ["failover"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": shown,
                    "schema": {"openAPIV3Schema": schema},
                }
            ],
        },
    }
