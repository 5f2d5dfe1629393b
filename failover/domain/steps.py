"""What the workflow asks of each activity, and what it answers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from failover.domain.handing_on import StateChoice
from failover.domain.health import Health, HealthStatus
from failover.domain.identity import ApplicationRef
from failover.domain.overrides import Override
from failover.domain.plan import Answer, FailoverPlan, NotNeeded, PurgeMode
from failover.domain.policy import Policy
from failover.domain.rules import HealthRule
from failover.domain.wire import Wire


class Claim(Wire):
    """The right to act: exactly this generation and claim have to stand in the record."""

    application: ApplicationRef
    failover: str
    generation: int
    """0 while it is not known, because no answer of the capture came back: then the claim decides."""
    claim: str


class Look(Wire):
    """Which object to look at, and where."""

    application: ApplicationRef
    cluster: str
    uid: str = ""
    """The object we mean; another uid there is `replaced`."""
    last: Observation | None = None
    """For waits: what is known already; the wait ends when it differs."""
    until: datetime | None = None
    """For waits: ends it with nothing at that moment of Temporal's clock."""
    reached: int | None = None
    """For waits: the most progress that is known."""
    progress_after_seconds: float = 0
    """For waits: more progress than that ends it too, but no sooner after it began; 0: it never does."""
    health_rule: HealthRule | None = None
    """In place of the catalogue's rule."""
    whose_fault: bool = False
    """Whether that matters: then pods that lie deeper are looked at too. A new copy has to be well, no more."""


class Observation(Wire):
    """What was seen of one object."""

    found: bool
    uid: str = ""
    replaced: bool = False
    open_record: bool = False
    """An earlier failover of this application left its record open."""
    starting_up: bool | None = None
    """Whether it was never healthy there so far; `None`: not looked at. No news by itself."""
    health: Health

    def differs(self, other: Observation | None) -> bool:
        """Whether somebody who knows the other one learns something."""
        return other is None or self.essence != other.essence

    def advances(self, reached: int | None) -> bool:
        """Whether it is further than this; what nobody counts never is."""
        progress = self.health.progress
        return progress is not None and (reached is None or progress > reached)

    @property
    def out_of_sight(self) -> bool:
        """Whether nothing could be seen: that is no answer to what was asked."""
        return not self.found and self.health.status is HealthStatus.UNKNOWN

    @property
    def essence(self) -> tuple[bool, str, bool, str, str, str]:
        """What counts of it; messages may change without anything happening."""
        health = self.health
        return (
            self.found,
            self.uid,
            self.replaced,
            health.status,
            health.reason,
            health.cause or "",
        )


class PlanRequest(Wire):
    """What the planner has to know beyond what it looks up."""

    application: ApplicationRef
    failover: str
    source: str
    source_uid: str
    policy: Policy
    overrides: tuple[Override, ...] = ()
    requested_target: str = ""
    tried: tuple[str, ...] = ()
    skipped_rules: tuple[str, ...] = ()
    claim: str = ""
    """Ours, if a move is open already: then the plan is made from the record, the source being gone."""
    forced: bool = False
    only_adopt: bool = False
    """Only take over an interrupted failover; without one, answer with the health."""
    health_rule: HealthRule | None = None
    """In place of the catalogue's rule."""
    ignore_health: bool = False
    """A replacement target is wanted; the source was judged before."""
    due: datetime | None = None
    """When the toleration ends, where the plan is made ahead of that."""
    observes: bool = False
    """Nothing will be done with the plan, so no room is kept for it."""
    state: StateChoice | None = None
    """Which state a person wants handed on."""


class PlanAnswer(Wire):
    """The planner's answer."""

    answer: Answer
    crowded: bool = False
    """Made ahead: many other tolerations end at about the same time."""


class CaptureRequest(Wire):
    """Capture the state, write the record on source and target, prepare the target."""

    plan: FailoverPlan
    failover: str
    run: str
    claim: str
    policy: Policy
    overrides: tuple[Override, ...] = ()
    skipped_rules: tuple[str, ...] = ()
    from_record: bool = False
    """The source's copy is gone or its state captured already: work from the record."""
    attempted: tuple[str, ...] = ()
    check_pauses: bool = True
    admitted: bool = False
    """A person has let it go on, however often the application was moved."""
    health_rule: HealthRule | None = None
    due: datetime | None = None
    """By Temporal's clock, when the plan was made while tolerating: wait until then, and judge again what
    the plan hangs on, health first of all."""
    last: Observation | None = None
    """What is known of the application; with `due`, the wait ends when it differs."""
    state: StateChoice | None = None
    """Which state a person wants handed on."""


class Staged(Wire):
    """The record is written."""

    kind: Literal["Staged"] = "Staged"
    generation: int
    labels: dict[str, str] = Field(default_factory=dict[str, str])
    instead: bool = False
    """The labels are others than the source shows: the last good ones, or a person's choice."""
    spec_digest: str = ""
    staged: tuple[str, ...] = ()


class Held(Wire):
    """Not admitted now."""

    kind: Literal["Held"] = "Held"
    reason: str
    message: str
    until: datetime | None = None
    """When it may be admitted by itself; `None`: when somebody ends what holds it."""


class Seen(Wire):
    """Nothing was done: something was seen before it was due, or somebody asked to stop waiting."""

    kind: Literal["Seen"] = "Seen"
    observation: Observation


class CaptureAnswer(Wire):
    """Staged, held, not needed after all, or not due yet."""

    answer: Staged | Held | NotNeeded | Seen = Field(discriminator="kind")


class PurgeRequest(Wire):
    """Delete the source's copy and see it gone."""

    claim: Claim
    cluster: str
    cluster_uid: str
    uid: str
    spec_digest: str = ""
    """The spec as captured; empty: not compared."""
    labels: dict[str, str] = Field(default_factory=dict[str, str])
    policy: Policy
    compare_state: bool = True
    gone_within_seconds: float = 300
    settle_seconds: float = 0
    remove_finalizer: str = ""


class Purged(Wire):
    """The copy is confirmed gone."""

    deleted: bool
    """Whether this call found it there."""
    closure: int = 0
    """How many owned objects were seen gone with it."""


class StartRequest(Wire):
    """Create the copy on the target, from the record there."""

    claim: Claim
    cluster: str
    purged_from: str = ""
    """Where the original was purged, if it was: nothing may have come back there."""
    labels: dict[str, str] = Field(default_factory=dict[str, str])


class Started(Wire):
    """The copy is stored on the target."""

    uid: str
    created: bool
    """Whether this call created it."""


class WithdrawRequest(Wire):
    """Take back whatever was put on a target, and see it gone."""

    claim: Claim
    cluster: str
    gone_within_seconds: float = 300
    remove_finalizer: str = ""


class RestoreRequest(Wire):
    """Put the original back from the record."""

    claim: Claim
    cluster: str
    uid: str
    """The original's uid: if it is still there, nothing is to be done."""
    labels: dict[str, str] = Field(default_factory=dict[str, str])


class ReleaseRequest(Wire):
    """Take the alias labels off a copy that is healthy."""

    claim: Claim
    cluster: str
    uid: str
    labels: dict[str, str]


class FinishRequest(Wire):
    """Close the move: leftovers away, marks set, the record emptied."""

    claim: Claim
    home: str
    source: str
    source_uid: str
    purge_mode: PurgeMode
    mark_superseded: bool = False
    clusters: tuple[str, ...]
    """Every cluster that held a copy or a record of this move."""
    labels: dict[str, str] = Field(default_factory=dict[str, str])
    leftovers_after_seconds: float = 60


class Finished(Wire):
    """What could not be tidied up, as sentences that name the cluster."""

    leftovers: tuple[str, ...] = ()


class PublishRequest(Wire):
    """Tell the world: a Kubernetes Event on the workload, metrics, one log line."""

    application: ApplicationRef
    clusters: tuple[str, ...]
    uid: str = ""
    warning: bool = False
    reason: str
    message: str
    outcome: str = ""
    phase_seconds: dict[str, float] = Field(default_factory=dict[str, float])


Look.model_rebuild()
