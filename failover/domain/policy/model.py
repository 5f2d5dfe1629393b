"""A failover policy as a value: Karmada's fields, and ours beside them.

Where a field is Karmada's it has Karmada's name, default and meaning. Every number of seconds has a
`timedelta` next to it, which is what the rules use.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from failover.domain.errors import InvalidInput
from failover.domain.health import Support, support_of
from failover.domain.identity import GroupKind
from failover.domain.policy.base import PolicyModel
from failover.domain.policy.placement import Placement
from failover.domain.policy.selectors import ResourceSelector
from failover.domain.preservation import PreservationRule

KARMADA_API_VERSION = "policy.karmada.io/v1alpha1"
API_VERSION = "stateful-failover.dev/v1alpha1"

OWNED_SETTLE = timedelta(seconds=10)
"""How long "gone" must last where something else might put the object back."""

MAX_FAILOVERS_MOST = 50
"""Moves that a record can count (`failover/domain/budget.py`)."""

SPELLINGS = {"Immediately": "Directly", "Graciously": "Gracefully"}
"""Karmada's first names of the purge modes, and today's."""


def _today(spelling: object) -> object:
    return SPELLINGS.get(spelling, spelling) if isinstance(spelling, str) else spelling


PurgeMode = Annotated[Literal["Directly", "Gracefully", "Never"], BeforeValidator(_today)]
"""What becomes of the old copy. Karmada's first spellings are read as today's."""

Mode = Literal["Observe", "Confirm", "Automatic"]
OnUnknown = Literal["Pause", "Count", "Reset"]
PolicyKind = Literal["PropagationPolicy", "ClusterPropagationPolicy", "FailoverPolicy"]


class DecisionConditions(PolicyModel):
    """When an unhealthy application is moved."""

    toleration_seconds: int = 300
    """Seconds that the application must have been unhealthy, all told, before it is moved; strictly
    more than this, and 0 is at once. While it is well the count stands; it is forgotten once it was
    well for as long as it was ill, a minute at most."""
    initial_toleration_seconds: int | None = None
    """The same, until the application was healthy on its cluster once: what starts may take longer
    than what broke. Left out: as tolerationSeconds."""
    on_unknown: OnUnknown = "Pause"
    """What a time without a verdict does to the seconds counted: `Pause` keeps them and adds none,
    `Count` adds it as unhealthy, `Reset` begins again (Karmada's way)."""

    @property
    def toleration(self) -> timedelta:
        """`tolerationSeconds` as a duration."""
        return timedelta(seconds=self.toleration_seconds)

    @property
    def initial_toleration(self) -> timedelta:
        """`initialTolerationSeconds` as a duration."""
        seconds = self.initial_toleration_seconds
        return self.toleration if seconds is None else timedelta(seconds=seconds)


class StatePreservation(PolicyModel):
    """What the new copy is told of the old one."""

    rules: tuple[PreservationRule, ...] = ()
    """One rule for each value that is taken from the old copy's status and put on the new copy as a
    label."""
    good_after_seconds: int = 60
    """Seconds that a protected application must have been healthy without interruption before its values
    count as good. Until then a failover hands on the last good ones."""


class Fencing(PolicyModel):
    """What must be known of the old copy before a new one starts."""

    require: Literal["ConfirmedGone"] = "ConfirmedGone"
    """`ConfirmedGone`: the object and everything that it owned are absent in a quorum read."""
    gone_within_seconds: int = Field(default=300)
    """Seconds that the old copy may take to be gone; then the failover is blocked, visibly, and
    starts nothing."""

    @property
    def gone_within(self) -> timedelta:
        """`goneWithinSeconds` as a duration."""
        return timedelta(seconds=self.gone_within_seconds)


class Verification(PolicyModel):
    """How long a new copy may take to become healthy."""

    healthy_within_seconds: int = 900
    """Seconds without any progress after which the new copy is given up. Progress is another status
    or reason, or more that is ready, restored or done than before."""
    max_seconds: int = 3600
    """Seconds after which the new copy is given up although it changes; while more and more of it is
    ready, restored or done, never: it then has `healthyWithinSeconds` from the last that was more."""

    @property
    def healthy_within(self) -> timedelta:
        """`healthyWithinSeconds` as a duration."""
        return timedelta(seconds=self.healthy_within_seconds)

    @property
    def longest(self) -> timedelta:
        """`maxSeconds` as a duration."""
        return timedelta(seconds=self.max_seconds)


class Budget(PolicyModel):
    """How often an application is moved without a person."""

    max_failovers: int = 3
    """Moves that may begin within the window, at most 50; the next one is held (`BudgetExhausted`)."""
    window_seconds: int = 3600
    """Seconds for which a move counts."""
    cool_down_seconds: int = 60
    """Seconds from the beginning of one move to that of the next; meanwhile it is held
    (`CoolingDown`). None in Karmada's documents."""

    @property
    def window(self) -> timedelta:
        """`windowSeconds` as a duration."""
        return timedelta(seconds=self.window_seconds)

    @property
    def cool_down(self) -> timedelta:
        """`coolDownSeconds` as a duration."""
        return timedelta(seconds=self.cool_down_seconds)


class TemplateSource(PolicyModel):
    """Where the new copy's manifest comes from."""

    from_: Literal["Live"] = Field(default="Live", alias="from")
    """`Live`: the old copy's own manifest, without what servers add."""


class ApplicationFailover(PolicyModel):
    """How one application is moved when it falls ill."""

    decision_conditions: DecisionConditions = DecisionConditions()
    """When it is moved."""
    purge_mode: PurgeMode = "Gracefully"
    """What becomes of the old copy. `Directly`: it is gone before the new one starts. `Gracefully`:
    it is removed once the new one is healthy. `Never`: it stays. `Immediately` and `Graciously`,
    the first spellings, are read as `Directly` and `Gracefully`. Flink, Spark, StatefulSets and
    databases need `Directly`, unless allowTwoCopies is true."""
    grace_period_seconds: int | None = None
    """Only with `Gracefully`: seconds from the first start on a target until a new copy must be
    healthy, over all candidates. Its end blocks the failover; it never purges the old copy. Without
    it, verification alone decides."""
    state_preservation: StatePreservation | None = None
    """What the new copy is told of the old one."""
    mode: Mode | None = None
    """`Observe` tolerates and plans, and changes nothing; `Confirm` asks a person before anything
    is removed; `Automatic` acts. Left out, it is `Automatic` for the kinds that are supported, and
    `Observe` for those of which only the health is known (experimental)."""
    fencing: Fencing = Fencing()
    """What must be known of the old copy before a new one starts."""
    settle_seconds: int | None = None
    """Seconds that the old copy must stay gone. Left out: 10 where something else might put it
    back, otherwise 0."""
    verification: Verification = Verification()
    """How long a new copy may take to become healthy."""
    budget: Budget = Budget()
    """How often it is moved without a person; beyond that it is held, until there is room again or
    a person lets it go on. It counts for Karmada's documents as well."""
    allow_managers: tuple[str, ...] = ()
    """Owners of the object (such as `argocd`, `flux`, `helm`, `karmada`, or the name of a field
    manager) that may stay although they might put the old copy back."""
    allow_two_copies: bool = False
    """Lets `Gracefully` and `Never` be used for kinds whose state bears one writer only."""
    allow_empty_volumes: bool = False
    """Lets a StatefulSet with volume claims start on the target with empty volumes: data in volumes
    is not moved."""
    template: TemplateSource = TemplateSource()
    """Where the new copy's manifest comes from."""
    label_lifetime: Literal["UntilHealthy"] = "UntilHealthy"
    """How long the labels of statePreservation stay on the new copy."""

    @property
    def toleration(self) -> timedelta:
        """How long the application must have been unhealthy."""
        return self.decision_conditions.toleration

    def tolerated(self, *, starting_up: bool) -> timedelta:
        """How long it must have been unhealthy, given whether it was healthy there at all so far."""
        conditions = self.decision_conditions
        return conditions.initial_toleration if starting_up else conditions.toleration

    @property
    def grace_period(self) -> timedelta | None:
        """`gracePeriodSeconds` as a duration."""
        return (
            None
            if self.grace_period_seconds is None
            else timedelta(seconds=self.grace_period_seconds)
        )

    @property
    def rules(self) -> tuple[PreservationRule, ...]:
        """The preservation rules; none where nothing is preserved."""
        return self.state_preservation.rules if self.state_preservation else ()

    @property
    def good_after(self) -> timedelta:
        """How long it must have been healthy before its state counts as good."""
        kept = self.state_preservation or StatePreservation()
        return timedelta(seconds=kept.good_after_seconds)

    def settle(self, *, owned: bool) -> timedelta:
        """How long "gone" must last, given whether something else might put the object back."""
        if self.settle_seconds is not None:
            return timedelta(seconds=self.settle_seconds)
        return OWNED_SETTLE if owned else timedelta()


class Failover(PolicyModel):
    """What is done when something fails."""

    application: ApplicationFailover | None = None
    """How an application is moved when it falls ill; without it, the policy moves nothing."""


class PolicySpec(PolicyModel):
    """What a policy says."""

    resource_selectors: tuple[ResourceSelector, ...] = ()
    """The applications that the policy is about; at least one."""
    priority: int = 0
    """Where several policies of a kind mean an application, the highest priority wins."""
    propagate_deps: bool = False
    """Whether what a pod template refers to (ConfigMaps, Secrets, ServiceAccounts, claims) goes
    along. Karmada demands `true` for application failover."""
    conflict_resolution: Literal["Abort", "Overwrite"] = "Abort"
    """What is done where a dependent is on the target already, and differs: `Abort` refuses the
    plan, `Overwrite` replaces it."""
    placement: Placement = Placement()
    """Where the application may run."""
    failover: Failover | None = None
    """What is done when something fails; without it, the policy moves nothing."""


class Policy(PolicyModel):
    """One policy document."""

    api_version: str = API_VERSION
    """The apiVersion of the document."""
    kind: PolicyKind = "FailoverPolicy"
    """The kind of the document."""
    name: str
    """Its `metadata.name`."""
    namespace: str = ""
    """Its `metadata.namespace`; empty for cluster-wide policies."""
    spec: PolicySpec
    """What it says."""

    @property
    def application(self) -> ApplicationFailover | None:
        """How applications are moved, if the policy says so."""
        return self.spec.failover.application if self.spec.failover else None

    @property
    def active(self) -> ApplicationFailover:
        """How applications are moved. Raises `InvalidInput` for a policy that moves nothing."""
        if self.application is None:
            message = f"{self} moves nothing: it has no spec.failover.application. Write one."
            raise InvalidInput(message, reason="NoApplicationFailover")
        return self.application

    def mode_of(self, kind: GroupKind, *, own_rule: bool = False) -> Mode:
        """The mode that counts for an application of this kind, written or not.

        `own_rule`: its health is judged by a rule that somebody wrote.
        """
        if self.active.mode is not None:
            return self.active.mode
        return "Automatic" if support_of(kind, own=own_rule) is Support.SUPPORTED else "Observe"

    @property
    def checks_capacity(self) -> bool:
        """Whether a candidate has to have room."""
        return self.spec.placement.capacity == "Check"

    @property
    def is_karmada(self) -> bool:
        """Whether the document is one of Karmada's."""
        return self.kind != "FailoverPolicy"

    def __str__(self) -> str:
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.kind}/{self.name}{where}"
