"""What is decided before anything is done: an immutable plan, or why there is none.

A plan leaves nothing to choose: execution does as told. It travels through Temporal, therefore it
holds digests and references, never a manifest.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from failover.domain.budget import CountedMove
from failover.domain.health import Health
from failover.domain.identity import ApplicationRef, ObjectRef
from failover.domain.selection import Considered
from failover.domain.states import StateGeneration

PurgeMode = Literal["Directly", "Gracefully", "Never"]
Mode = Literal["Observe", "Confirm", "Automatic"]


class PlannedDependent(BaseModel):
    """A dependent, and what will be done about it on the target."""

    model_config = ConfigDict(frozen=True)

    ref: ObjectRef
    action: Literal["Create", "Keep", "Overwrite", "Missing"]


class Warn(BaseModel):
    """Something a person should know about a plan that goes ahead."""

    model_config = ConfigDict(frozen=True)

    reason: str
    message: str


class FailoverPlan(BaseModel):
    """Where from, where to, with which state, and what is purged when."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["Plan"] = "Plan"
    application: ApplicationRef
    source: str
    source_uid: str
    source_cluster_uid: str = ""
    target: str
    purge_mode: PurgeMode
    exclusive: bool = False
    mode: Mode | None = None
    """What may be done with this plan; `None`, of an older release: as the policy says."""
    labels: dict[str, str] = Field(default_factory=dict[str, str])
    """Captured state: alias label to value."""
    manifest_digest: str = ""
    """SHA-256 of the object that will be created on the target, before the mark of the failover."""
    dependents: tuple[PlannedDependent, ...] = ()
    dry_run: bool = True
    """Whether the target's API server has said, in a dry run, that it would take the copy."""
    considered: tuple[Considered, ...] = ()
    """Every cluster of the fleet, with the reason why it was chosen or refused."""
    warnings: tuple[Warn, ...] = ()
    generation_seen: int = 0
    """The highest generation found on any cluster that answered."""
    counted: tuple[CountedMove, ...] = ()
    """The moves that count towards the budget, as the records of all clusters that answered have them."""
    good: StateGeneration | None = None
    """The last good state, as the records of all clusters that answered have it."""
    settle_seconds: float = 0
    health: Health | None = None
    leftover_targets: tuple[str, ...] = ()
    """Targets of an earlier, interrupted failover, to be tidied up with this one."""

    @property
    def digest(self) -> str:
        """What an approval is bound to: changes when anything that matters to a person changes."""
        essence = self.model_dump_json(
            include={
                "application", "source", "source_uid", "target", "purge_mode", "labels",
                "manifest_digest", "dependents",
            }
        )  # fmt: skip
        return hashlib.sha256(essence.encode()).hexdigest()[:16]

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps in order, as a person would say them."""
        purge = f"delete {self.application.short} on {self.source} and see it gone"
        state = (
            ", ".join(f"{key}={value}" for key, value in sorted(self.labels.items())) or "no state"
        )
        start = f"create {self.application.short} on {self.target} with {state}"
        verify = f"see it healthy on {self.target}"
        capture = f"capture the state, keep it on {self.source} and {self.target}"
        release = "take the labels off again" if self.labels else "tidy up"
        match self.purge_mode:
            case "Directly":
                return capture, purge, start, verify, release
            case "Gracefully":
                return capture, start, verify, purge, release
            case "Never":
                return (
                    capture,
                    start,
                    verify,
                    f"leave the original on {self.source}, marked superseded",
                    release,
                )


class Refusal(BaseModel):
    """There is no plan, and time will not cure it."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["Refusal"] = "Refusal"
    reason: str
    message: str
    considered: tuple[Considered, ...] = ()


class NoCandidateNow(BaseModel):
    """There is no cluster to go to now; there may be one later."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["NoCandidate"] = "NoCandidate"
    message: str
    considered: tuple[Considered, ...] = ()


class NotNeeded(BaseModel):
    """The application is well again, or cannot be judged: back to tolerating, or done."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["NotNeeded"] = "NotNeeded"
    health: Health


class Adoption(BaseModel):
    """An earlier failover of this application was interrupted for good; this one takes it over."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["Adoption"] = "Adoption"
    generation_seen: int
    source: str
    source_uid: str
    source_gone: bool
    """Whether the source's copy is absent in a quorum read."""
    delete_accepted: bool = False
    """Whether the source's copy is gone, or on its way."""
    target: str
    """Where the record says the copy goes."""
    copy_present: bool
    """Whether a copy with the record's mark is on the target."""
    labels: dict[str, str] = Field(default_factory=dict[str, str])
    purge_mode: PurgeMode
    attempted: tuple[str, ...] = ()


Answer = Annotated[
    FailoverPlan | Refusal | NoCandidateNow | NotNeeded | Adoption, Field(discriminator="kind")
]
