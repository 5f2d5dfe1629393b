"""An explanation of why an application is moving or not, and the facts that it is drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from failover.domain.budget import BudgetUse, NotAdmitted
from failover.domain.health import Health
from failover.domain.identity import ApplicationRef
from failover.domain.phases import EXIT_WAITING
from failover.domain.plan import Answer, Mode
from failover.domain.policy import Policy
from failover.domain.request import Status


class Verdict(StrEnum):
    """What is the matter with it, in a word."""

    NOT_MOVING = "NotMoving"
    """There is nothing to mend, or nobody can tell: the clock stands still."""
    WOULD_MOVE = "WouldMove"
    MOVING = "Moving"
    ONLY_OBSERVED = "OnlyObserved"
    """It would be moved, if moving were allowed."""
    WAITS = "Waits"
    """For a person, or would do."""
    REFUSED = "Refused"
    UNPROTECTED = "Unprotected"
    UNSEEN = "Unseen"
    """It is nowhere, or could not be looked at."""


EXITS: dict[Verdict, int] = {
    Verdict.NOT_MOVING: 0,
    Verdict.WOULD_MOVE: 0,
    Verdict.MOVING: 0,
    Verdict.ONLY_OBSERVED: 0,
    Verdict.WAITS: EXIT_WAITING,
    Verdict.REFUSED: 5,
    Verdict.UNPROTECTED: 5,
    Verdict.UNSEEN: 1,
}
"""Exit codes of `failover explain`."""


@dataclass(frozen=True)
class Because:
    """One reason: a token that the runbook explains, and a sentence."""

    reason: str
    message: str

    def __str__(self) -> str:
        return f"{self.message} [{self.reason}]"


@dataclass(frozen=True)
class Explanation:
    """Why, and what would change it."""

    verdict: Verdict
    reason: str
    sentence: str
    because: tuple[Because, ...]
    change: str = ""
    """The one command that would change it; empty where none would."""

    @property
    def exit_code(self) -> int:
        """What a script is told."""
        return EXITS[self.verdict]


@dataclass(frozen=True)
class Sight:
    """One cluster, and what of the application was seen there."""

    cluster: str
    lives: bool = False
    health: Health | None = None
    left_to: str = ""
    """A failover to this cluster has left the object behind."""
    problem: Because | None = None
    """Why nobody could look."""


@dataclass(frozen=True)
class Terms:
    """The policy that is about it, and how it is known."""

    policy: Policy | None = None
    known_from: str = ""
    mode: Mode = "Automatic"
    """The mode that counts for its kind, or for the failover under way."""
    missing: Because | None = None
    """Why there is none."""
    suspended: Because | None = None
    """Why nothing is started for it by itself, as its protection says; `None`: it is."""


@dataclass(frozen=True)
class UnderWay:
    """The failover that is under way."""

    phase: str
    since: datetime | None
    status: Status | None
    """`None`: no worker answers."""


@dataclass(frozen=True)
class Before:
    """The last failover that has ended."""

    outcome: str
    source: str
    target: str
    reason: str
    ended: datetime | None


@dataclass(frozen=True)
class Facts:
    """All that was gathered, at one moment."""

    application: ApplicationRef
    now: datetime
    sights: tuple[Sight, ...]
    terms: Terms
    under_way: UnderWay | None = None
    before: Before | None = None
    interrupted: str = ""
    """An open record without a failover under way: from where to where."""
    pause: str = ""
    """The widest pause that covers it, in words."""
    resumes: str = ""
    """What ends that pause, as arguments of `failover resume`."""
    healthy_since: datetime | None = None
    """Since when it is healthy, as its protection has seen it."""
    budget: BudgetUse | None = None
    not_admitted: NotAdmitted | None = None
    answer: Answer | None = None
    """What the planner answers, were its toleration over."""
    problem: Because | None = None
    """Why the planner has no answer."""
    unknown: tuple[Because, ...] = ()
    """What else could not be found out."""

    @property
    def home(self) -> Sight | None:
        """The one cluster on which it lives; `None`: none, or several."""
        living = self.living
        return living[0] if len(living) == 1 else None

    @property
    def living(self) -> tuple[Sight, ...]:
        """Where a copy that counts was seen."""
        return tuple(each for each in self.sights if each.lives)

    @property
    def target(self) -> str:
        """Where it would go, as far as that is known."""
        status = self.under_way.status if self.under_way else None
        if status is not None and status.target:
            return status.target
        return getattr(self.answer, "target", "")


def plain(message: str) -> str:
    """A message as a part of a sentence."""
    return message.strip().removesuffix(".")


def moment(at: datetime) -> str:
    """A moment, as sentences say it."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
