"""Where an application may run: Karmada's `spec.placement`, as far as one cluster is concerned."""

from __future__ import annotations

from typing import Literal

from failover.domain.policy.base import PolicyModel
from failover.domain.policy.selectors import ClusterAffinity, ClusterAffinityTerm, ClusterToleration


class SpreadConstraint(PolicyModel):
    """How many groups of clusters Karmada would spread over. Here it is always one cluster."""

    spread_by_field: Literal["cluster", "region", "zone", "provider", ""] = ""
    """What makes a group."""
    spread_by_label: str = ""
    """The cluster label that makes a group."""
    min_groups: int = 0
    """The least number of groups."""
    max_groups: int = 0
    """The greatest number of groups; 0 means no bound."""


class ReplicaScheduling(PolicyModel):
    """How Karmada would divide replicas between clusters. Here all of them go to one cluster."""

    replica_scheduling_type: Literal["Duplicated", "Divided"] = "Divided"
    """`Duplicated` gives each cluster all replicas, `Divided` a share; one cluster gets all."""
    replica_division_preference: Literal["Aggregated", "Weighted", ""] = ""
    """How replicas would be divided; not used."""


class Placement(PolicyModel):
    """Where the application may run."""

    cluster_affinity: ClusterAffinity | None = None
    """The clusters that may be chosen; not together with clusterAffinities."""
    cluster_affinities: tuple[ClusterAffinityTerm, ...] = ()
    """Ordered groups of clusters: the first group that has an eligible cluster is used."""
    cluster_tolerations: tuple[ClusterToleration, ...] = ()
    """Taints that do not keep the application away from a cluster."""
    spread_constraints: tuple[SpreadConstraint, ...] = ()
    """Accepted for Karmada's sake; an application always runs on one cluster."""
    replica_scheduling: ReplicaScheduling | None = None
    """Accepted for Karmada's sake; an application always runs on one cluster."""
    capacity: Literal["Check", "Ignore"] = "Check"
    """`Check`: a cluster has to have room for what the application requests, by its ResourceQuotas and
    by its nodes, less what runs there and what other failovers in flight will bring; where that cannot
    be read, it is not checked. `Ignore`: it need not, as where nodes are added on demand."""

    @property
    def groups(self) -> tuple[ClusterAffinityTerm, ...]:
        """The affinity groups in their order; a nameless one where only one affinity is written."""
        if self.cluster_affinities:
            return self.cluster_affinities
        affinity = self.cluster_affinity or ClusterAffinity()
        return (
            ClusterAffinityTerm(
                **{name: getattr(affinity, name) for name in ClusterAffinity.model_fields}
            ),
        )
