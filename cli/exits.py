"""Exit codes, and the errors that only a command line has.

| code | means |
|---|---|
| 0 | done; with `status --wait`: `Completed`, `Recovered`, `WouldHaveMoved` |
| 1 | failed; with `status --wait`: `RolledBack`, `Aborted`, `Superseded` |
| 2 | wrong usage or bad input: a flag, a file, a policy, an update that makes no sense now |
| 3 | waits for a person: `Blocked`, `AwaitingApproval`, `Held` |
| 4 | no end, or no answer, in time |
| 5 | refused by a rule: the application is healthy, no target may take it, … |
| 70 | a bug |
| 130 | interrupted |
"""

from __future__ import annotations

from failover.domain.errors import (
    DefiniteError,
    FailoverError,
    InvalidInput,
    JSONPathError,
    PreservationError,
    TransientError,
    UnknownCluster,
    UnknownKind,
)
from failover.domain.phases import EXIT_TIMEOUT, EXIT_USAGE

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_REFUSED = 5
EXIT_BUG = 70
EXIT_INTERRUPTED = 130

_BAD_INPUT = (InvalidInput, UnknownKind, UnknownCluster, JSONPathError, PreservationError)


class Refused(DefiniteError):
    """A rule forbids what was asked."""


class TimedOut(TransientError):
    """It did not end, or nobody answered, in time."""


def exit_code(error: FailoverError) -> int:
    """The exit code of an error."""
    match error:
        case Refused():
            return EXIT_REFUSED
        case TimedOut():
            return EXIT_TIMEOUT
        case _ if isinstance(error, _BAD_INPUT):
            return EXIT_USAGE
        case _:
            return EXIT_FAILED
