"""Ending a failover before anything was moved: what was written so far is taken back first.

nothing written  → the end
we have written  → Withdrawing or Finishing, and then the end
"""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from failover.domain.phases import Phase
from workflows.run import End, Next, Run


async def conclude(run: Run, end: End) -> Next:
    """End like this, once nothing is left behind."""
    state = run.state
    if not state.staged:
        return end
    run.set(outcome=end.outcome, outcome_reason=end.reason, outcome_message=end.message)
    return Phase.WITHDRAWING if state.target_touched else Phase.FINISHING
