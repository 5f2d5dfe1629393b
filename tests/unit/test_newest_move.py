"""What a protection takes for a move under way: only what may still make a generation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import pytest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from failover.domain.phases import Outcome
from failover.protections import Moved, Protections
from failover.temporal import SEARCH
from tests.support.orders import ORDERS

RUNNING, COMPLETED = WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.COMPLETED


@dataclass(frozen=True)
class Newest:
    """A client, a handle and a description in one: the newest failover of any application."""

    status: WorkflowExecutionStatus
    typed_search_attributes: TypedSearchAttributes

    def get_workflow_handle(self, workflow_id: str) -> Newest:
        """The newest, whichever is asked for."""
        assert workflow_id.startswith("failover/")
        return self

    async def describe(self) -> Newest:
        """As it is."""
        return self


def newest(
    status: WorkflowExecutionStatus, generation: int, outcome: Outcome | None = None
) -> Protections:
    """Temporal has this run as the newest one."""
    pairs = [SearchAttributePair(SEARCH.generation, generation)]
    outcomes = [SearchAttributePair(SEARCH.outcome, outcome.value)] if outcome else []
    return Protections(cast("Client", Newest(status, TypedSearchAttributes([*pairs, *outcomes]))))


@pytest.mark.parametrize(
    ("found", "moved", "accounts"),
    [
        pytest.param(newest(RUNNING, 0), Moved(under_way=True), True, id="may be making it"),
        pytest.param(newest(RUNNING, 0, Outcome.REFUSED), Moved(), False, id="is only telling"),
        pytest.param(newest(RUNNING, 1, Outcome.COMPLETED), Moved(generation=1), True, id="made it"),
        pytest.param(newest(COMPLETED, 0, Outcome.REFUSED), Moved(), False, id="closed"),
    ],
)  # fmt: skip
async def test_a_run_that_has_told_its_outcome_makes_no_generation(
    found: Protections,
    moved: Moved,
    accounts: bool,  # noqa: FBT001 - a table's column
) -> None:
    """A protection looks when it is told of an end, and the run that tells it is still open then."""
    newest_move = await found.newest_move(ORDERS)
    assert newest_move == moved
    assert newest_move.accounts_for(1) is accounts
