"""What starts, steers and describes a failover: the models that cross Temporal's wire."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from pydantic import Field

from failover.domain.budget import BudgetUse
from failover.domain.calling.call import OpenCall
from failover.domain.handing_on import StateChoice
from failover.domain.health import Health
from failover.domain.identity import ApplicationRef
from failover.domain.overrides import Override
from failover.domain.phases import Action, Outcome, Phase
from failover.domain.plan import FailoverPlan
from failover.domain.policy import Policy
from failover.domain.rules import HealthRule
from failover.domain.selection import Considered
from failover.domain.toleration import Clock
from failover.domain.wire import Wire

REQUEST_BYTES_MAX = 256 * 1024
"""The largest request: a policy with its overrides, by value. A manifest never travels in it."""


class Limits(Wire):
    """The fleet's own limits, carried in the request so that a run never depends on a worker's file."""

    blocked_after_seconds: float = 180
    """How long a step repeats transient errors before the failover is Blocked."""

    @classmethod
    def after(cls, blocked_after: timedelta) -> Self:
        """Those of a fleet that says so."""
        return cls(blocked_after_seconds=blocked_after.total_seconds())


class Trigger(Wire):
    """Why the failover was started, and by whom."""

    kind: str = "Manual"
    """`Manual`, `Watch`, ...: what started it."""
    actor: str = ""
    reason: str = ""
    message: str = ""


class StepEntry(Wire):
    """One phase as it was lived through."""

    phase: Phase
    started_at: datetime
    ended_at: datetime | None = None
    cluster: str = ""
    attempts: int = 0
    note: str = ""


class Block(Wire):
    """Why the failover waits for a person."""

    phase: Phase
    reason: str
    message: str
    since: datetime
    attempts: int = 0
    copy_runs: str = ""
    """A sentence: does a copy run now, and where."""


class Attempted(Wire):
    """A cluster on which a copy was started, or may have been."""

    cluster: str
    reason: str = ""
    message: str = ""
    withdrawn: bool = False


class State(Wire):
    """All that a run knows; carried over when it continues as new."""

    phase: Phase = Phase.TOLERATING
    started_at: datetime
    looked: bool = False
    source_uid: str = ""
    """The object that this failover is about; pinned at the first look."""
    clock: Clock
    starting_up: bool = False
    """It was not healthy on its cluster so far, as it was last seen: its initial toleration counts."""
    health: Health | None = None
    policy: Policy
    overrides: tuple[Override, ...] = ()
    requested_target: str = ""
    forced: bool = False
    foresight: FailoverPlan | None = None
    """While tolerating: what will be done when time is up, as far as can be said now."""
    crowded: bool = False
    """Its toleration ended together with many others: its waits are not to be dear."""
    plan: FailoverPlan | None = None
    considered: tuple[Considered, ...] = ()
    approved: str = ""
    claim: str = ""
    generation: int = 0
    labels: dict[str, str] = Field(default_factory=dict[str, str])
    instead: bool = False
    """These labels are others than the source showed, so that a change of its state is no matter."""
    spec_digest: str = ""
    skipped_rules: tuple[str, ...] = ()
    target: str = ""
    target_uid: str = ""
    attempted: tuple[Attempted, ...] = ()
    staged: tuple[str, ...] = ()
    """Clusters that hold the record of this move."""
    purge_begun: bool = False
    delete_accepted: bool = False
    """The point of no return: a delete of the source's copy was, or may have been, accepted."""
    source_gone: bool = False
    adoption_checked: bool = False
    """The open record of an earlier failover was looked at, and left nothing to take over."""
    open_record: bool = False
    """The first looks found the record of an earlier failover open."""
    adopted: bool = False
    """An interrupted failover was taken over: its record is the truth, not the live source."""
    target_touched: bool = False
    """Whether anything was, or may have been, put on the present target."""
    replan_wanted: bool = False
    """Another target is wanted as soon as the source is gone."""
    recaptures: int = 0
    held: str = ""
    """Why it was not admitted at the last try; empty: it was not held, or has gone on since."""
    held_until: datetime | None = None
    """When it may be admitted by itself, where that is known."""
    admitted: bool = False
    """A person has let it go on past its budget."""
    verified: bool = False
    restored_uid: str = ""
    starting_since: datetime | None = None
    outcome: Outcome | None = None
    """What Finishing will end in."""
    outcome_reason: str = ""
    outcome_message: str = ""
    block: Block | None = None
    blocked_seconds: float = 0
    """How long it was blocked so far; the block that is open does not count yet."""
    call: OpenCall | None = None
    """Only in what is carried over: the wait for which a person is being called."""
    leftovers: tuple[str, ...] = ()
    steps: tuple[StepEntry, ...] = ()
    decisions: tuple[str, ...] = ()
    """What people decided, in words, oldest first; bounded."""


class FailoverRequest(Wire):
    """The one argument of a failover."""

    application: ApplicationRef
    source: str
    """The cluster on which the application is unhealthy."""
    source_uid: str = ""
    """The uid of the object there; empty: whichever is there at the first look."""
    policy: Policy
    overrides: tuple[Override, ...] = ()
    health_rule: HealthRule | None = None
    """How the application is judged, where somebody wrote a rule for its kind."""
    trigger: Trigger = Trigger()
    target: str = ""
    """Where a person wants it; empty: the policy decides."""
    observe_only: bool = False
    """Tolerate and plan only, as `mode: Observe` in the policy."""
    force_reason: str = ""
    """Why a healthy source is moved all the same; empty: it is not."""
    state: StateChoice | None = None
    """Which state a person wants handed on; `None`: what counts by the rules."""
    limits: Limits = Limits()
    carried: State | None = None
    """State of an earlier run of this failover that continued as new."""


class Resolution(Wire):
    """A person's decision about a failover, as the update `resolve` carries it."""

    action: Action
    actor: str = ""
    note: str = ""
    rule: str = ""
    """Skip in Planning or Capturing: the aliasLabelName of the one rule to leave out."""
    cold_start: bool = False
    declare_gone: bool = False
    """Skip in Purging or Withdrawing: you know that no process of the old copy runs."""
    remove_finalizer: str = ""
    """Retry in Purging or Withdrawing: take exactly this finalizer off, once all owned pods are gone."""
    policy: Policy | None = None
    """Replan: a new policy, in place of the old one from now on."""
    overrides: tuple[Override, ...] | None = None
    """Replan: override policies, in place of all the old ones; left out, the old ones stay."""


class Approval(Wire):
    """A person's answer to a plan; bound to the plan's digest."""

    digest: str
    actor: str = ""
    note: str = ""


class Retarget(Wire):
    """Another target, before a copy has started."""

    cluster: str
    actor: str = ""
    note: str = ""


class Reply(Wire):
    """What an update answers: where the failover stands now."""

    phase: str
    message: str


class Status(Wire):
    """Everything a person would ask about a failover."""

    application: ApplicationRef
    phase: Phase
    display_phase: str
    """The phase, or the reason of waiting that lies over it: Blocked, Retrying."""
    outcome: Outcome | None = None
    reason: str = ""
    message: str = ""
    source: str = ""
    target: str = ""
    started_at: datetime | None = None
    tolerated: timedelta = timedelta(0)
    toleration: timedelta = timedelta(0)
    toleration_ends_at: datetime | None = None
    recovers_at: datetime | None = None
    """When it is taken for recovered, if it stays as well as it was last seen."""
    health: Health | None = None
    labels: dict[str, str] = Field(default_factory=dict[str, str])
    point_of_no_return_passed: bool = False
    copies: str = ""
    generation: int = 0
    plan: FailoverPlan | None = None
    plan_digest: str = ""
    considered: tuple[Considered, ...] = ()
    budget: BudgetUse | None = None
    """How much of the budget was used before this failover; `None`: not looked at yet."""
    block: Block | None = None
    called: str = ""
    """Who was called about it, and who could not be reached: a sentence."""
    allowed: tuple[Action, ...] = ()
    attempted: tuple[Attempted, ...] = ()
    leftovers: tuple[str, ...] = ()
    steps: tuple[StepEntry, ...] = ()
    decisions: tuple[str, ...] = ()
    trigger: Trigger = Trigger()
    state: StateChoice | None = None
    """Which state a person wants handed on."""


class FailoverResult(Wire):
    """How a failover ended."""

    application: ApplicationRef
    outcome: Outcome
    reason: str = ""
    message: str = ""
    source: str = ""
    target: str = ""
    """Where the application lives now."""
    labels: dict[str, str] = Field(default_factory=dict[str, str])
    generation: int = 0
    plan: FailoverPlan | None = None
    leftovers: tuple[str, ...] = ()
    steps: tuple[StepEntry, ...] = ()
    decisions: tuple[str, ...] = ()


class Account(Wire):
    """How a failover went, in the memo of its run: lists show it, and no result is read for them."""

    illness: str = ""
    """The reason for which it was started."""
    healthy_at: datetime | None = None
    """When the application was seen healthy; `None`: this failover has not seen it so."""
    waited: dict[str, float] = Field(default_factory=dict[str, float])
    """Seconds that it stood in `AwaitingApproval`, `Held`, `WaitingForCluster`, `Blocked`."""
    decided: bool = False
    """Whether a person has decided anything about it."""


class PauseRequest(Wire):
    """Why everything, a cluster or an application is paused, and by whom."""

    reason: str = ""
    actor: str = ""
