"""What is known of the clusters of a fleet before anyone asks them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Taint(BaseModel):
    """A taint on a cluster, with the meaning that Karmada and Kubernetes give it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    value: str = ""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]


class ClusterFacts(BaseModel):
    """One cluster as `fleet.yaml` describes it; placement is decided on these."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )

    name: str
    context: str = ""
    """The kubeconfig context; empty means: the same as the name."""
    labels: dict[str, str] = Field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    region: str = ""
    zone: str = ""
    provider: str = ""
