"""The failovers of a while, from Temporal's lists alone: no history and no result is read for them.

What a list does not hold, a run has left in its memo at its end (`Account`). A run that was terminated
has left none.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus

from failover.domain.request import Account
from failover.domain.review import Ran
from failover.temporal import ACCOUNT_MEMO, FAILOVER_WORKFLOW
from triggers.asking import asking
from triggers.reading import summary_of

RUNS_MAX = 100_000
"""More are not read: a shorter while tells as much."""
_PREFIX = "failover"


async def runs_since(
    client: Client, since: datetime, *, namespace: str = "", limit: int = RUNS_MAX
) -> list[Ran]:
    """The failovers that ended since then, and those under way; an empty namespace means all."""
    moment = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    query = (
        f"WorkflowType = '{FAILOVER_WORKFLOW}' AND "
        f"(ExecutionStatus = 'Running' OR CloseTime >= '{moment}')"
    )
    if namespace:
        query += f" AND WorkflowId STARTS_WITH '{_PREFIX}/{namespace}/'"
    with asking("list the failovers"):
        found = [each async for each in client.list_workflows(query, limit=limit)]
    return [
        ran(each, await each.memo())
        for each in found
        if each.status is not WorkflowExecutionStatus.CONTINUED_AS_NEW
    ]


def ran(execution: WorkflowExecution, memo: Any) -> Ran:
    """One run, as the list shows it."""
    about = summary_of(execution)
    return Ran(
        application=about.application,
        source=about.source,
        outcome="" if about.is_open else about.outcome,
        began=about.detected_at or execution.start_time,
        ended=about.closed_at,
        reason=about.reason,
        trigger=about.trigger,
        account=_account(memo.get(ACCOUNT_MEMO)),
    )


def _account(written: object) -> Account:
    try:
        return Account.model_validate(written or {})
    except ValidationError:
        return Account()  # of a release that we do not know; what the list itself says stays
