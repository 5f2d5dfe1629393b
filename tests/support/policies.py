"""Policies and overrides for the application of one case."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from devstack.flink import ALIAS_LABEL, HOLD
from failover.domain.overrides import Override
from failover.domain.policy import Policy
from failover.domain.policy.reading import read_policies

NAMESPACE = "saga"
GROUP = "flink.apache.org"
KIND = "FlinkDeployment"
CLUSTERS = ("east", "west", "north")


def policy_of(
    name: str,
    *,
    purge_mode: str = "Directly",
    toleration: int = 0,
    clusters: Iterable[str] = CLUSTERS,
    path: str = "{ .jobStatus.jobId }",
    spec: Mapping[str, Any] | None = None,
    **application: Any,
) -> Policy:
    """A policy for one application; what else it says comes as `spec` and keywords.

    A case that moves its application twice does not wait for the cool-down, which has tests of its own.
    """
    application.setdefault("budget", {"coolDownSeconds": 0})
    document = {
        "apiVersion": "stateful-failover.dev/v1alpha1",
        "kind": "FailoverPolicy",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "resourceSelectors": [
                {
                    "apiVersion": f"{GROUP}/v1beta1",
                    "kind": KIND,
                    "namespace": NAMESPACE,
                    "name": name,
                }
            ],
            "placement": {"clusterAffinity": {"clusterNames": list(clusters)}},
            "failover": {
                "application": {
                    "purgeMode": purge_mode,
                    "allowTwoCopies": purge_mode != "Directly",
                    "decisionConditions": {"tolerationSeconds": toleration},
                    "statePreservation": {
                        "rules": [{"aliasLabelName": ALIAS_LABEL, "jsonPath": path}]
                    },
                    **application,
                }
            },
            **(spec or {}),
        },
    }
    reading = read_policies(json.dumps(document), "policy.json")
    assert reading.policies, reading.problems
    return reading.policies[0]


def override_of(
    name: str, cluster: str, path: str, value: object, *, operator: str = "add"
) -> Override:
    """An override of one field of one application on one cluster."""
    selector = {"apiVersion": f"{GROUP}/v1beta1", "kind": KIND, "name": name}
    plain = {"path": path, "operator": operator, "value": value}
    document = {
        "apiVersion": "policy.karmada.io/v1alpha1",
        "kind": "OverridePolicy",
        "metadata": {"name": f"{name}-{cluster}", "namespace": NAMESPACE},
        "spec": {
            "resourceSelectors": [selector],
            "overrideRules": [
                {
                    "targetCluster": {"clusterNames": [cluster]},
                    "overriders": {"plaintext": [plain]},
                }
            ],
        },
    }
    reading = read_policies(json.dumps(document), "override.json")
    assert reading.overrides, reading.problems
    return reading.overrides[0]


def never_healthy_on(name: str, *clusters: str) -> tuple[Override, ...]:
    """Overrides by which the operator leaves the copies on these clusters alone."""
    return tuple(
        override_of(name, each, "/metadata/annotations", {HOLD: "true"}) for each in clusters
    )
