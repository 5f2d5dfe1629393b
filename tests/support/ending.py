"""How a failover ended, read from what Temporal says of its run."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError, CancelledError

from failover.domain.phases import Outcome
from failover.domain.request import FailoverResult


@dataclass(frozen=True)
class Ending:
    """How a failover ended, for Temporal and for us."""

    outcome: Outcome
    reason: str
    message: str
    result: FailoverResult | None = None
    cancelled: bool = False


def ended(raw: object) -> Ending:
    """The end of a run that completed."""
    result = FailoverResult.model_validate(raw)
    return Ending(result.outcome, result.reason, result.message, result)


def failed(error: WorkflowFailureError) -> Ending:
    """The end of a run that failed or was cancelled."""
    cause = error.cause
    if isinstance(cause, CancelledError):
        return Ending(Outcome.ABORTED, "Cancelled", str(cause), cancelled=True)
    if isinstance(cause, ApplicationError) and cause.details:
        result = FailoverResult.model_validate(cause.details[0])
        return Ending(result.outcome, result.reason, result.message, result)
    raise AssertionError(f"the run failed in an unexpected way: {cause!r}") from error
