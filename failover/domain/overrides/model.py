"""`OverridePolicy` and `ClusterOverridePolicy` as Karmada writes them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from failover.domain.overrides.images import Component
from failover.domain.overrides.patching import Operator
from failover.domain.policy.base import PolicyModel
from failover.domain.policy.selectors import ClusterAffinity, ResourceSelector

OverrideKind = Literal["OverridePolicy", "ClusterOverridePolicy"]


class PlaintextOverrider(PolicyModel):
    """Changes one field of the object."""

    path: str
    """A JSON pointer into the object."""
    operator: Operator
    """What is done there."""
    value: Any = None
    """The new value, for `add` and `replace`."""


class ImagePredicate(PolicyModel):
    """Which image is meant."""

    path: str
    """A JSON pointer to the image."""


class ImageOverrider(PolicyModel):
    """Changes a part of images."""

    predicate: ImagePredicate | None = None
    """The image to change; left out, every container image of a Pod, ReplicaSet, Deployment,
    DaemonSet, StatefulSet or Job."""
    component: Component
    """The part."""
    operator: Operator
    """`add` appends the value to the part, `replace` puts it in its place, `remove` takes the part
    away."""
    value: str = ""
    """The text, for `add` and `replace`."""


class CommandArgsOverrider(PolicyModel):
    """Changes the command or the arguments of a container."""

    container_name: str
    """The container."""
    operator: Literal["add", "remove"]
    """`add` appends the values, `remove` takes away every word that is one of them."""
    value: tuple[str, ...] = ()
    """The words."""


class MetadataOverrider(PolicyModel):
    """Changes labels or annotations of the object."""

    operator: Operator
    """`replace` and `remove` touch keys that are there, and leave others alone."""
    value: dict[str, str]
    """Keys and values; with `remove` the values do not matter."""


class FieldOperation(PolicyModel):
    """One change within a text that is JSON or YAML itself."""

    sub_path: str
    """A JSON pointer into that text."""
    operator: Operator
    """What is done there."""
    value: Any = None
    """The new value, for `add` and `replace`."""


class FieldOverrider(PolicyModel):
    """Changes a JSON or YAML text that is a field of the object, as in a ConfigMap."""

    field_path: str
    """A JSON pointer to the text."""
    json_: tuple[FieldOperation, ...] = Field(default=(), alias="json")
    """Changes to a JSON text."""
    yaml: tuple[FieldOperation, ...] = ()
    """Changes to a YAML text."""


class Overriders(PolicyModel):
    """Changes, made in this order."""

    image_overrider: tuple[ImageOverrider, ...] = ()
    """Changes to images."""
    command_overrider: tuple[CommandArgsOverrider, ...] = ()
    """Changes to commands."""
    args_overrider: tuple[CommandArgsOverrider, ...] = ()
    """Changes to arguments."""
    labels_overrider: tuple[MetadataOverrider, ...] = ()
    """Changes to labels."""
    annotations_overrider: tuple[MetadataOverrider, ...] = ()
    """Changes to annotations."""
    field_overrider: tuple[FieldOverrider, ...] = ()
    """Changes within texts."""
    plaintext: tuple[PlaintextOverrider, ...] = ()
    """Changes to any field."""


class OverrideRule(PolicyModel):
    """Changes for some clusters."""

    target_cluster: ClusterAffinity | None = None
    """The clusters; left out, all of them."""
    overriders: Overriders
    """The changes."""


class OverrideSpec(PolicyModel):
    """What an override says."""

    resource_selectors: tuple[ResourceSelector, ...] = ()
    """The objects; none means all."""
    override_rules: tuple[OverrideRule, ...] = ()
    """The changes, by cluster."""
    target_cluster: ClusterAffinity | None = None
    """Deprecated by Karmada: the clusters of `overriders`."""
    overriders: Overriders = Overriders()
    """Deprecated by Karmada: changes, where there are no overrideRules."""

    @property
    def rules(self) -> tuple[OverrideRule, ...]:
        """The rules, whichever way they are written."""
        if self.override_rules:
            return self.override_rules
        return (OverrideRule(target_cluster=self.target_cluster, overriders=self.overriders),)


class Override(PolicyModel):
    """One override document."""

    kind: OverrideKind = "OverridePolicy"
    """The kind of the document."""
    name: str
    """Its `metadata.name`."""
    namespace: str = ""
    """Its `metadata.namespace`; empty for cluster-wide ones."""
    spec: OverrideSpec
    """What it says."""

    def __str__(self) -> str:
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.kind}/{self.name}{where}"
