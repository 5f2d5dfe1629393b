"""`PauseWorkflow`: an open run is a pause; ending it resumes."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from failover.domain.request import PauseRequest


@workflow.defn(name="Pause")
class PauseWorkflow:
    """Stays open until `resume`; its id says what it covers, its memo why and by whom."""

    @workflow.init
    def __init__(self, request: PauseRequest) -> None:
        self._request = request
        self._resumed = False

    @workflow.run
    async def run(self, request: PauseRequest) -> PauseRequest:
        """Wait for `resume`."""
        workflow.set_current_details(
            f"**Paused** by {request.actor or 'somebody'}: {request.reason or 'no reason given'}"
        )
        await workflow.wait_condition(lambda: self._resumed)
        return request

    @workflow.signal(description="End the pause.")
    def resume(self) -> None:
        """End the pause."""
        self._resumed = True

    @workflow.query(description="Why, and by whom.")
    def status(self) -> PauseRequest:
        """Why, and by whom."""
        return self._request
