"""Ending a failover before anything was moved: what was written so far is taken back first.

    nothing written            → the end
    we have written            → Withdrawing or Finishing, and then the end
    a run before us was cut off → its labels and records are tidied up, and then the end

The last only where this run may write at all; a run that only observes leaves everything as it is.
"""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.tidying import Tidying
    from failover.domain.phases import Phase
    from failover.domain.steps import Finished, PlanRequest
from workflows.run import Decided, End, Next, Run


async def conclude(run: Run, end: End) -> Next:
    """End like this, once nothing is left behind."""
    state = run.state
    if state.staged:
        run.set(outcome=end.outcome, outcome_reason=end.reason, outcome_message=end.message)
        return Phase.WITHDRAWING if state.target_touched else Phase.FINISHING
    if state.open_record and run.may_write:
        await _tidy_interrupted(run)
    return end


async def _tidy_interrupted(run: Run) -> None:
    request, state = run.request, run.state
    question = PlanRequest(
        application=request.application,
        failover=workflow.info().workflow_id,
        source=request.source,
        source_uid=state.source_uid,
        policy=state.policy,
    )
    try:
        tidied: Finished = await run.step(
            Tidying.tidy_interrupted,
            question,
            summary=f"tidy up what an interrupted failover of {request.application.short} left",
        )
    except Decided:
        return  # whatever was decided, this run is at its end; the next one looks again
    run.set(leftovers=(*run.state.leftovers, *tidied.leftovers))
