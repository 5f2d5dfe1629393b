"""Objects that the tests of the fleet write."""

from __future__ import annotations

from typing import Any

from failover.domain.identity import GroupKind

CONFIG_MAP = GroupKind("", "ConfigMap")
SECRET = GroupKind("", "Secret")
NAMESPACE = GroupKind("", "Namespace")
DEPLOYMENT = GroupKind("apps", "Deployment")
FLINK = GroupKind("flink.apache.org", "FlinkDeployment")
NO_SUCH_KIND = GroupKind("example.test", "Nothing")


def config_map(namespace: str, name: str, **data: str) -> dict[str, Any]:
    """A ConfigMap."""
    metadata = {"namespace": namespace, "name": name}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def flink_deployment(namespace: str, name: str) -> dict[str, Any]:
    """A small FlinkDeployment."""
    return {
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": "FlinkDeployment",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"image": "flink:1.20", "flinkVersion": "v1_20"},
    }


def widget_definition(group: str) -> dict[str, Any]:
    """A CRD for the kind Widget in a group of the test's own."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    short = [widget_short_name(group)]
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget", "shortNames": short}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def widget_short_name(group: str) -> str:
    """What it is called for short; other groups' Widgets, which other tests have left, are not."""
    return f"wd-{group.partition('.')[0]}"


def widget(group: str, namespace: str, name: str) -> dict[str, Any]:
    """A Widget."""
    metadata = {"namespace": namespace, "name": name}
    return {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": metadata}
