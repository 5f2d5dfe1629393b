"""Policies that one look at the object alone shows to be wrong, with what has to be said of each."""

from __future__ import annotations

from failover.domain.manifest import Manifest
from tests.support.definitions import changed, policy

_APPLICATION = "spec.failover.application"
_ALIAS = {"aliasLabelName": "example.com/job", "jsonPath": "{ .jobStatus.jobId }"}

_CHANGES: dict[str, tuple[str, object, str]] = {
    "no selector": ("spec.resourceSelectors", [], "resourceSelectors"),
    "no kind": ("spec.resourceSelectors.0.kind", "", "kind"),
    "purge mode": (f"{_APPLICATION}.purgeMode", "Sometimes", "Gracefully"),
    "grace without Gracefully": (
        f"{_APPLICATION}.gracePeriodSeconds", 60, "only with purgeMode: Gracefully",
    ),
    "negative toleration": (
        f"{_APPLICATION}.decisionConditions", {"tolerationSeconds": -1}, "tolerationSeconds",
    ),
    "text for a number": (f"{_APPLICATION}.settleSeconds", "10", "settleSeconds"),
    "no time to verify": (f"{_APPLICATION}.verification", {"maxSeconds": 0}, "maxSeconds"),
    "two affinities": (
        "spec.placement",
        {"clusterAffinity": {}, "clusterAffinities": [{"affinityName": "a"}]},
        "cannot be together",
    ),
    "one group twice": (
        "spec.placement.clusterAffinities",
        [{"affinityName": "a"}, {"affinityName": "a"}],
        "affinityName|a name of its own|the name of an earlier group",
    ),
    "toleration of Exists with a value": (
        "spec.placement.clusterTolerations",
        [{"key": "a", "operator": "Exists", "value": "b"}],
        "must be left out with",
    ),
    "toleration without a key": (
        "spec.placement.clusterTolerations", [{"value": "b"}], "operator: Exists",
    ),
    "In without values": (
        "spec.resourceSelectors.0.labelSelector",
        {"matchExpressions": [{"key": "a", "operator": "In"}]},
        "at least one value",
    ),
    "Exists with values": (
        "spec.resourceSelectors.0.labelSelector",
        {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]},
        "must be left out with",
    ),
    "no field values": (
        "spec.placement.clusterAffinity",
        {"fieldSelector": {"matchExpressions": [{"key": "zone", "operator": "In", "values": []}]}},
        "values",
    ),
    "no preservation rule": (f"{_APPLICATION}.statePreservation", {"rules": []}, "rules"),
    "one label twice": (
        f"{_APPLICATION}.statePreservation", {"rules": [_ALIAS, _ALIAS]}, "example.com/job",
    ),
    "our own label": (
        f"{_APPLICATION}.statePreservation",
        {"rules": [{**_ALIAS, "aliasLabelName": "stateful-failover.dev/job"}]},
        "belongs to th",
    ),
    "no label": (
        f"{_APPLICATION}.statePreservation",
        {"rules": [{**_ALIAS, "aliasLabelName": "-job"}]},
        "aliasLabelName",
    ),
}  # fmt: skip


def wrong_policies(namespace: str) -> dict[str, tuple[Manifest, str]]:
    """Each by what is wrong with it, and a pattern of what is said."""
    return {
        name: (changed(policy(namespace, f"wrong-{number}"), path, value), said)
        for number, (name, (path, value, said)) in enumerate(_CHANGES.items())
    }
