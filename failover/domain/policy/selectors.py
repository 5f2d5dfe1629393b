"""Who is meant: selectors of labels, clusters and resources, with Karmada's meaning."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Literal, assert_never

from pydantic import Field

from failover.domain.identity import ApplicationRef, GroupKind
from failover.domain.policy.base import PolicyModel
from failover.domain.topology import ClusterFacts, Taint


class LabelRequirement(PolicyModel):
    """One condition on a label."""

    key: str
    """The label's key."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """How the label is compared; `NotIn` and `DoesNotExist` hold where the label is absent."""
    values: tuple[str, ...] = ()
    """What it is compared with: at least one for `In` and `NotIn`, none for the other two."""

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether these labels meet the condition."""
        match self.operator:
            case "In":
                return self.key in labels and labels[self.key] in self.values
            case "NotIn":
                return self.key not in labels or labels[self.key] not in self.values
            case "Exists":
                return self.key in labels
            case "DoesNotExist":
                return self.key not in labels
            case _:
                assert_never(self.operator)


class LabelSelector(PolicyModel):
    """A label query; all its conditions must hold, and an empty one selects everything."""

    match_labels: dict[str, str] = Field(default_factory=dict)
    """Labels that must be there with exactly these values."""
    match_expressions: tuple[LabelRequirement, ...] = ()
    """Further conditions."""

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether these labels are selected."""
        exact = all(labels.get(key) == value for key, value in self.match_labels.items())
        return exact and all(each.matches(labels) for each in self.match_expressions)


class FieldRequirement(PolicyModel):
    """One condition on what a cluster is: its provider, region or zone."""

    key: Literal["provider", "region", "zone"]
    """The field of the cluster."""
    operator: Literal["In", "NotIn"]
    """How it is compared."""
    values: tuple[str, ...] = ()
    """What it is compared with."""

    def matches(self, cluster: ClusterFacts) -> bool:
        """Whether the cluster meets the condition."""
        fields = {"provider": cluster.provider, "region": cluster.region, "zone": cluster.zone}
        actual = fields[self.key]
        return (bool(actual) and actual in self.values) == (self.operator == "In")


class FieldSelector(PolicyModel):
    """A query over providers, regions and zones; all conditions must hold."""

    match_expressions: tuple[FieldRequirement, ...] = ()
    """The conditions."""

    def matches(self, cluster: ClusterFacts) -> bool:
        """Whether the cluster is selected."""
        return all(each.matches(cluster) for each in self.match_expressions)


class ClusterAffinity(PolicyModel):
    """Which clusters are meant; all that is written must hold, and nothing written means all."""

    label_selector: LabelSelector | None = None
    """Selects clusters by the labels that the fleet file gives them."""
    field_selector: FieldSelector | None = None
    """Selects clusters by provider, region or zone."""
    cluster_names: tuple[str, ...] = ()
    """Selects clusters by name; their order is the order of preference."""
    exclude: tuple[str, ...] = ()
    """Clusters that are never meant, by name; stronger than everything else."""

    def matches(self, cluster: ClusterFacts) -> bool:
        """Whether this cluster is meant."""
        if cluster.name in self.exclude:
            return False
        if self.cluster_names and cluster.name not in self.cluster_names:
            return False
        if self.field_selector is not None and not self.field_selector.matches(cluster):
            return False
        return self.label_selector is None or self.label_selector.matches(cluster.labels)


class ClusterAffinityTerm(ClusterAffinity):
    """One of several affinity groups, tried in their order."""

    affinity_name: str = ""
    """The group's name, shown in plans."""


class ClusterToleration(PolicyModel):
    """A taint on a cluster that does not matter to this application."""

    key: str = ""
    """The taint's key; empty (with `Exists`) means every taint."""
    operator: Literal["Equal", "Exists", ""] = "Equal"
    """`Equal` compares key and value, `Exists` the key alone."""
    value: str = ""
    """The taint's value, for `Equal`."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute", ""] = ""
    """The taint's effect; empty means every effect."""
    toleration_seconds: int | None = None
    """Karmada evicts after this long; it has no meaning for choosing a target and is not used."""

    def tolerates(self, taint: Taint) -> bool:
        """Whether this toleration covers the taint."""
        if self.effect and self.effect != taint.effect:
            return False
        if self.key and self.key != taint.key:
            return False
        if self.operator == "Exists":
            return True
        return bool(self.key) and self.value == taint.value


class Precision(IntEnum):
    """How closely a selector means an object; the closer one has precedence."""

    NONE = 0
    KIND = 1
    LABELS = 2
    NAME = 3


class ResourceSelector(PolicyModel):
    """Which objects a policy is about: one by name, some by labels, or a whole kind."""

    api_version: str = ""
    """The objects' apiVersion, as in `flink.apache.org/v1beta1`."""
    kind: str = ""
    """The objects' kind."""
    namespace: str = ""
    """The objects' namespace; empty means the policy's own, or every one for cluster-wide ones."""
    name: str = ""
    """One object's name; empty means all. Where it is set, labelSelector is not looked at."""
    label_selector: LabelSelector | None = None
    """Selects objects by label."""

    @property
    def group_kind(self) -> GroupKind:
        """The kind, without version: an object is the same one in every version."""
        return GroupKind.of({"apiVersion": self.api_version, "kind": self.kind})

    def precision(self, application: ApplicationRef, labels: Mapping[str, str]) -> Precision:
        """How closely this means the object with these labels."""
        elsewhere = self.namespace and self.namespace != application.namespace
        if self.group_kind != application.group_kind or elsewhere:
            return Precision.NONE
        if self.name:
            return Precision.NAME if self.name == application.name else Precision.NONE
        if self.label_selector is None:
            return Precision.KIND
        return Precision.LABELS if self.label_selector.matches(labels) else Precision.NONE


def closest(
    selectors: tuple[ResourceSelector, ...], application: ApplicationRef, labels: Mapping[str, str]
) -> Precision:
    """How closely the best of the selectors means the object."""
    return max((each.precision(application, labels) for each in selectors), default=Precision.NONE)
