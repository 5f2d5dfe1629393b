"""Overrides: how a manifest differs from cluster to cluster, as Karmada writes it."""

from __future__ import annotations

from failover.domain.overrides.applying import apply_overrides, matching_overrides
from failover.domain.overrides.model import Override, Overriders, OverrideRule, OverrideSpec

__all__ = [
    "Override",
    "OverrideRule",
    "OverrideSpec",
    "Overriders",
    "apply_overrides",
    "matching_overrides",
]
