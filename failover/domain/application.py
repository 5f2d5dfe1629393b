"""An application under protection, as it crosses Temporal's wire: what was declared, what is known of it.

`failover.domain.protecting` says what follows from it.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from failover.domain.budget import BudgetUse, CountedMove, use_of
from failover.domain.health import Health
from failover.domain.identity import ApplicationRef
from failover.domain.overrides import Override
from failover.domain.policy import Mode, Policy
from failover.domain.preservation import PreservationRule
from failover.domain.rules import HealthRule
from failover.domain.states import StateGeneration, newest_good
from failover.domain.wire import Wire


class ApplicationPhase(StrEnum):
    """Where a protection stands."""

    PROTECTED = "Protected"
    SUSPENDED = "Suspended"
    NEWER_GENERATION = "NewerGeneration"


class Declaration(Wire):
    """How an application is to be protected, by value, and who says so."""

    policy: Policy
    """With its mode written out: what was left open is decided when it is declared."""
    overrides: tuple[Override, ...] = ()
    health_rule: HealthRule | None = None
    source: str = ""
    """What keeps it in step (`directory /etc/policies`); empty: a person has declared it."""
    actor: str = ""
    afresh: bool = False
    """A person takes over whatever generation is on the clusters."""

    @property
    def mode(self) -> Mode:
        """What may be done."""
        return self.policy.active.mode or "Observe"

    @property
    def declared_by(self) -> str:
        """Who said so, in words."""
        return self.source or self.actor or "somebody"

    def says_the_same(self, other: Declaration) -> bool:
        """Whether nothing changes with the other one, whoever says it."""
        terms = (other.policy, other.overrides, other.health_rule, other.source)
        return (self.policy, self.overrides, self.health_rule, self.source) == terms


class Suspension(Wire):
    """Why nothing is started for an application by itself, and who wanted it so."""

    reason: str = ""
    actor: str = ""
    since: datetime | None = None

    def __str__(self) -> str:
        return f"suspended by {self.actor or 'somebody'}: {self.reason or 'no reason given'}"


class Order(Wire):
    """What a person (or the source of a declaration) wants, and says about it."""

    actor: str = ""
    note: str = ""


class KeptState(Wire):
    """A good state that stands in records on the clusters."""

    number: int
    home: str
    """Where the application lived when that was written."""
    elsewhere: str = ""
    """The other cluster that has it, with the manifest."""


class Known(Wire):
    """What was seen last; empty fields are not known yet."""

    home: str = ""
    generation: int = 0
    health: Health | None = None
    since: datetime | None = None
    """Since when its health is what it is, by Temporal's clock."""
    newer_generation: int = 0
    """What is on the clusters, where no failover of ours has made it; 0: nothing of the kind."""
    states: tuple[StateGeneration, ...] = ()
    """The generations of its state, the oldest first; bounded."""
    kept: KeptState | None = None
    """Which of them stands in records on the clusters."""
    counted: tuple[CountedMove, ...] = ()
    """Its moves, as the records count them for its budget; bounded."""

    @property
    def last_good(self) -> StateGeneration | None:
        """The newest generation that has proved good."""
        return newest_good(self.states)

    @property
    def handed_on(self) -> StateGeneration | None:
        """What a failover would hand on now, as far as is known here; the records decide."""
        newest = self.states[-1] if self.states else None
        number = self.kept.number if self.kept else 0
        good = next((each for each in self.states if each.number == number), None)
        return newest if good is None or newest is None or newest.labels == good.labels else good


class ApplicationRequest(Wire):
    """The one argument of a protection, and all of its state: it continues as new with itself."""

    application: ApplicationRef
    declaration: Declaration
    suspension: Suspension | None = None
    known: Known | None = None
    """`None` before the first look."""


class ApplicationView(Wire):
    """A protection as lists and watchers read it: the run's memo, and the answer of `status`."""

    application: ApplicationRef
    phase: ApplicationPhase
    declaration: Declaration
    suspension: Suspension | None = None
    known: Known = Known()

    @property
    def starts(self) -> bool:
        """Whether failovers may be begun for it without a person."""
        return self.phase is ApplicationPhase.PROTECTED

    def budget_use(self, now: datetime) -> BudgetUse:
        """How much of its budget is used, as far as is known here; the records decide."""
        return use_of(self.declaration.policy.active.budget, self.known.counted, now)

    @property
    def message(self) -> str:
        """Why none is begun; empty where they are."""
        if self.phase is ApplicationPhase.NEWER_GENERATION:
            return (
                f"the clusters have {self.application} in generation {self.known.newer_generation}, and Temporal "
                f"knows of {self.known.generation}: its database is old, or somebody else moves it. Look where it "
                "lives, then declare it again with `failover protect`"
            )
        return str(self.suspension) if self.suspension is not None else ""


class ApplicationLook(Wire):
    """What is to be looked at."""

    application: ApplicationRef
    health_rule: HealthRule | None = None
    rules: tuple[PreservationRule, ...] = ()
    """What of its state is to be seen."""


class ApplicationSeen(Wire):
    """What the clusters show of an application."""

    home: str = ""
    generation: int = 0
    health: Health
    accounted: bool = True
    """Whether Temporal knows the failover that made this generation, or one that is under way."""
    values: dict[str, str] | None = None
    """Its state now; `None`: it shows none."""
    good: StateGeneration | None = None
    """The last good state that the records know."""
    counted: tuple[CountedMove, ...] = ()
    """Its moves, as far as the records that answered count them."""


class KeepRequest(Wire):
    """Which good state is to be written into standing records, of an application that lives there."""

    application: ApplicationRef
    home: str
    generation: int
    """Of its moves, as was seen last; where a newer one is on the clusters, nothing is written."""
    good: StateGeneration
    policy: Policy


class KeepAnswer(Wire):
    """What has become of it."""

    kept: KeptState | None = None
    why: str = ""
    """Why it was not written, or not everywhere."""
