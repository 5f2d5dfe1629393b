"""Failover policies: what they say, how they are read, and which one is about an application."""

from __future__ import annotations

from failover.domain.policy.model import (
    API_VERSION,
    KARMADA_API_VERSION,
    ApplicationFailover,
    Budget,
    DecisionConditions,
    Failover,
    Fencing,
    Mode,
    OnUnknown,
    Policy,
    PolicyKind,
    PolicySpec,
    PurgeMode,
    StatePreservation,
    TemplateSource,
    Verification,
)
from failover.domain.policy.placement import Placement, ReplicaScheduling, SpreadConstraint
from failover.domain.policy.selectors import (
    ClusterAffinity,
    ClusterAffinityTerm,
    ClusterToleration,
    FieldSelector,
    LabelSelector,
    ResourceSelector,
)

__all__ = [
    "API_VERSION",
    "KARMADA_API_VERSION",
    "ApplicationFailover",
    "Budget",
    "ClusterAffinity",
    "ClusterAffinityTerm",
    "ClusterToleration",
    "DecisionConditions",
    "Failover",
    "Fencing",
    "FieldSelector",
    "LabelSelector",
    "Mode",
    "OnUnknown",
    "Placement",
    "Policy",
    "PolicyKind",
    "PolicySpec",
    "PurgeMode",
    "ReplicaScheduling",
    "ResourceSelector",
    "SpreadConstraint",
    "StatePreservation",
    "TemplateSource",
    "Verification",
]
