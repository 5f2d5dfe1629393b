"""A small application and its policy, as documents."""

from __future__ import annotations

from typing import Any

from failover.domain.manifest import Manifest

ALIAS = "resourcebinding.karmada.io/failover-jobid"


def deployment(job_id: str = "7f3c", **status: Any) -> Manifest:
    """A FlinkDeployment whose operator says that it runs."""
    return {
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": "FlinkDeployment",
        "metadata": {"name": "orders", "namespace": "shop", "uid": "u1", "generation": 1},
        "spec": {"job": {"parallelism": 2}},
        "status": {
            "jobManagerDeploymentStatus": "READY",
            "lifecycleState": "STABLE",
            "jobStatus": {"jobId": job_id, "state": "RUNNING"},
            **status,
        },
    }


def policy(
    name: str = "orders", application: str = "orders", path: str = "{ .jobStatus.jobId }"
) -> Manifest:
    """A policy that preserves the id of the job."""
    return {
        "apiVersion": "policy.karmada.io/v1alpha1",
        "kind": "PropagationPolicy",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "resourceSelectors": [
                {
                    "apiVersion": "flink.apache.org/v1beta1",
                    "kind": "FlinkDeployment",
                    "name": application,
                }
            ],
            "propagateDeps": True,
            "placement": {"clusterAffinity": {"clusterNames": ["east", "west"]}},
            "failover": {
                "application": {
                    "purgeMode": "Directly",
                    "decisionConditions": {"tolerationSeconds": 10},
                    "statePreservation": {"rules": [{"aliasLabelName": ALIAS, "jsonPath": path}]},
                }
            },
        },
    }
