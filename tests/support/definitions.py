"""Our CustomResourceDefinitions, and documents of their kinds."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import yaml

from failover.domain.manifest import Manifest
from failover.domain.policy.crd import policy_definition, rule_definition

ROOT = Path(__file__).parents[2]
GROUP = "/apis/stateful-failover.dev/v1alpha1"


def definitions() -> list[Manifest]:
    """Both, as they lie in `deploy/crds`."""
    return [policy_definition(), rule_definition()]


def policies_of(namespace: str) -> str:
    """The path of a namespace's policies."""
    return f"{GROUP}/namespaces/{namespace}/failoverpolicies"


def documents() -> list[Manifest]:
    """Every document of a defined kind that the project shows: in its examples, and on its pages."""
    texts = [file.read_text() for file in sorted((ROOT / "examples").glob("*.yaml"))]
    for page in sorted((ROOT / "docs").glob("*.md")):
        texts += re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
    found = [each for text in texts for each in _read(text)]
    kinds = {each["spec"]["names"]["kind"] for each in definitions()}
    ours = (each for each in found if str(each.get("apiVersion", "")).startswith("stateful-failo"))
    return [each for each in ours if each["kind"] in kinds]


def policy(namespace: str, name: str = "orders", **application: Any) -> Manifest:
    """A policy about one FlinkDeployment."""
    selector = {"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "name": name}
    return {
        "apiVersion": "stateful-failover.dev/v1alpha1",
        "kind": "FailoverPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "resourceSelectors": [selector],
            "failover": {"application": {"purgeMode": "Directly", **application}},
        },
    }


def changed(manifest: Manifest, path: str, value: object) -> Manifest:
    """A copy with another value at a path (`spec.placement`); numbers are places in lists."""
    copied = copy.deepcopy(manifest)
    here: Any = copied
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in steps:
        here = here[step] if isinstance(step, int) else here.setdefault(step, {})
    here[last] = value
    return copied


def _read(text: str) -> list[Manifest]:
    try:
        return [each for each in yaml.safe_load_all(text) if isinstance(each, dict)]
    except yaml.YAMLError:
        return []  # a part of a document, as pages show them
