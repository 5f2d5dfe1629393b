"""`orders` in `shop`, and the shortest policy that moves it: where a test is about something else."""

from __future__ import annotations

from failover.domain.identity import ApplicationRef

ORDERS = ApplicationRef(
    group="flink.apache.org", kind="FlinkDeployment", namespace="shop", name="orders"
)
POLICY = """
apiVersion: stateful-failover.dev/v1alpha1
kind: FailoverPolicy
metadata: {name: orders, namespace: shop}
spec:
  resourceSelectors: [{apiVersion: flink.apache.org/v1beta1, kind: FlinkDeployment, name: orders}]
  failover: {application: {purgeMode: Directly}}
"""
