"""Where a failover stands, how it can end, and what a person may decide.

Tolerating → Planning → [AwaitingApproval] → [Held] → Capturing, then by purge mode
Directly:    Purging → Starting → Verifying → Finishing
Gracefully:  Starting → Verifying → Purging → Finishing
Never:       Starting → Verifying → Finishing
Withdrawing takes back an attempted target, WaitingForCluster waits for a candidate,
Restoring puts the original back. Blocked lies over any of them and waits for a person.
"""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """What the failover is doing, or waiting for."""

    TOLERATING = "Tolerating"
    PLANNING = "Planning"
    AWAITING_APPROVAL = "AwaitingApproval"
    HELD = "Held"
    WAITING_FOR_CLUSTER = "WaitingForCluster"
    CAPTURING = "Capturing"
    PURGING = "Purging"
    STARTING = "Starting"
    VERIFYING = "Verifying"
    WITHDRAWING = "Withdrawing"
    RESTORING = "Restoring"
    FINISHING = "Finishing"


RETRYING = "Retrying"
BLOCKED = "Blocked"
"""Values of the search attribute `FailoverPhase` that lie over a phase."""

WAITING_PHASES = frozenset({BLOCKED, "AwaitingApproval", "Held", "WaitingForCluster", RETRYING})
"""What `failover_waiting` counts: open failovers that wait for something outside themselves."""


class Outcome(StrEnum):
    """How a failover ended."""

    COMPLETED = "Completed"
    RECOVERED = "Recovered"
    WOULD_HAVE_MOVED = "WouldHaveMoved"
    ROLLED_BACK = "RolledBack"
    ABORTED = "Aborted"
    SUPERSEDED = "Superseded"
    REFUSED = "Refused"
    ID_MISMATCH = "IdMismatch"


class Action(StrEnum):
    """What a person may decide about a failover that is blocked."""

    RETRY = "Retry"
    SKIP = "Skip"
    REPLAN = "Replan"
    ABORT = "Abort"


EXIT_CODES: dict[Outcome, int] = {
    Outcome.COMPLETED: 0,
    Outcome.RECOVERED: 0,
    Outcome.WOULD_HAVE_MOVED: 0,
    Outcome.ROLLED_BACK: 1,
    Outcome.ABORTED: 1,
    Outcome.SUPERSEDED: 1,
    Outcome.ID_MISMATCH: 2,
    Outcome.REFUSED: 5,
}
"""Exit codes of `failover status --wait`; 3 is still waiting for a person, 4 still open at the timeout."""

EXIT_WAITING = 3
EXIT_TIMEOUT = 4
EXIT_USAGE = 2
