"""`ApplicationWorkflow`: one application under protection, for as long as it is protected.

It remembers and shows; it moves nothing, and no failover waits for it. Idle it has no timer and no
activity, so ten thousand of them cost rows in a database and nothing else. Only while its state is not
known to be good, and healthy, there is a timer: a look at its end decides.

- `wake` makes it look; what was seen decides, never what a signal says.
- Whatever is declared begins a new run of it, with the whole state: histories stay short, and the
  start of the run is when its declaration counts from.
- The last word counts: what is declared while the protection is being ended begins it from scratch.
- Its memo holds its view; it is written only where the view has changed.
- A look takes place within the workflow task that was woken for it: a protection costs Temporal one
  task for each.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError
from temporalio.exceptions import TimeoutError as ActivityTimeout

with workflow.unsafe.imports_passed_through():
    from activities.protecting import Protecting
    from failover.domain.application import (
        ApplicationLook,
        ApplicationRequest,
        ApplicationSeen,
        ApplicationView,
        Declaration,
        KeepAnswer,
        KeepRequest,
        Known,
        Order,
        Suspension,
    )
    from failover.domain.identity import application_id
    from failover.domain.phases import Outcome
    from failover.domain.protecting import begun, declared, details, learnt, to_keep, view_of
    from failover.domain.states import good_at
    from failover.temporal import VIEW_MEMO, shown_in_lists
from workflows import options
from workflows.run import upsert_search_attributes

KEEP_AGAIN_AFTER = timedelta(minutes=5)


@workflow.defn(name="Application")
class ApplicationWorkflow:
    """Protects one application: remembers how, where it lives and how it is."""

    @workflow.init
    def __init__(self, request: ApplicationRequest) -> None:
        self._request = request
        self._before = request
        """The state with which this run has begun."""
        self._woken = True
        self._ended = False
        self._begins_again = False
        self._shown: ApplicationView | None = None
        self._keeps_again = False

    @workflow.run
    async def run(self, request: ApplicationRequest) -> ApplicationView:
        """Look and show, until the protection ends."""
        expected = application_id(request.application)
        if workflow.info().workflow_id != expected:
            message = f"this run's id is {workflow.info().workflow_id}, but {request.application} has the id {expected}"
            raise ApplicationError(message, type=Outcome.ID_MISMATCH.value, non_retryable=True)
        self._show()
        while not await self._is_over():
            if self._is_redeclared or workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(self._request, memo={VIEW_MEMO: view_of(self._request)})
            if self._woken:
                await self._look()
                continue
            # A message may change anything meanwhile; all of it is looked at again above.
            try:
                await workflow.wait_condition(
                    lambda: self._woken or self._ended or self._is_redeclared,
                    timeout=self._look_within(),
                    timeout_summary="look whether its state has proved good",
                )
            except TimeoutError:
                self._woken = True
        return view_of(self._request)

    @property
    def _known(self) -> Known:
        return self._request.known or Known()

    def _look_within(self) -> timedelta | None:
        """When to look again although nobody asks; `None`, the usual case: never."""
        at = good_at(self._known.states, self._request.declaration.policy.active.good_after)
        if at is not None:
            return max(at - workflow.now(), timedelta(0))
        return KEEP_AGAIN_AFTER if self._keeps_again else None

    @property
    def _is_redeclared(self) -> bool:
        """Whether a person, or the source of the declaration, has changed something."""
        before, now = self._before, self._request
        changed = (before.declaration, before.suspension) != (now.declaration, now.suspension)
        return changed or self._begins_again

    async def _is_over(self) -> bool:
        """Whether it has ended; while that is carried out, somebody may have declared it again."""
        if self._ended:
            await self._forget()
        return self._ended

    async def _look(self) -> None:
        self._woken = False
        active = self._request.declaration.policy.active
        look = ApplicationLook(
            application=self._request.application,
            health_rule=self._request.declaration.health_rule,
            rules=active.rules,
        )
        try:
            seen = await self._seen(look)
        except FailureError as error:
            # What was known holds on; who cares wakes it again.
            reason = str(error.cause or error)
            workflow.logger.warning("a look has failed", extra={"reason": reason})
            return
        self._request = learnt(self._request, seen, workflow.now())
        await self._keep()
        self._show()

    async def _seen(self, look: ApplicationLook) -> ApplicationSeen:
        """Look within this workflow task, and where a cluster is slow, in an activity that may take its time."""
        summary = f"look where {look.application.short} lives, and how it is"
        try:
            seen: ApplicationSeen = await workflow.execute_local_activity_method(
                Protecting.look_at_application, look, summary=summary, **options.glance()
            )
        except FailureError as error:
            # In a replay a local activity fails with what is the cause of its failure otherwise.
            if not isinstance(error.cause or error, ActivityTimeout):
                raise
        else:
            return seen
        return await workflow.execute_activity_method(
            Protecting.look_at_application, look, summary=summary, **options.effect()
        )

    async def _keep(self) -> None:
        """Have the clusters remember what has proved good; what does not succeed now is tried again."""
        good, known, self._keeps_again = to_keep(self._request), self._known, False
        if good is None:
            return
        try:
            answer: KeepAnswer = await workflow.execute_activity_method(
                Protecting.keep_state,
                KeepRequest(
                    application=self._request.application,
                    home=known.home,
                    generation=known.generation,
                    good=good,
                    policy=self._request.declaration.policy,
                ),
                summary=f"keep state generation {good.number} of {self._request.application.short}",
                **options.effect(),
            )
        except ActivityError as error:
            answer = KeepAnswer(why=str(error.cause))
        if answer.kept is None:
            workflow.logger.warning("its good state is not kept", extra={"reason": answer.why})
            self._keeps_again = True
            return
        # A declaration may have come meanwhile, and have changed what is known.
        known = self._known.model_copy(update={"kept": answer.kept})
        self._request = self._request.model_copy(update={"known": known})

    async def _forget(self) -> None:
        """What nobody looks after any more grows old: no failover is to hand it on."""
        if self._known.kept is None or self._request.declaration.mode == "Observe":
            return
        try:
            await workflow.execute_activity_method(
                Protecting.forget_state,
                self._request.application,
                summary=f"forget the kept state of {self._request.application.short}",
                **options.effect(),
            )
        except ActivityError as error:
            workflow.logger.warning("not forgotten", extra={"reason": str(error.cause)})

    def _show(self) -> None:
        """Write the view where lists read it, as far as it is not there yet."""
        view = view_of(self._request)
        if view == self._shown:
            return
        before, self._shown = self._shown, view
        written = workflow.info().typed_search_attributes
        updates = [
            each.key.value_set(each.value)
            for each in shown_in_lists(view)
            if written.get(each.key) != each.value
        ]
        if updates:
            upsert_search_attributes(updates)
        if before is not None or workflow.memo_value(VIEW_MEMO, None) is None:
            workflow.upsert_memo({VIEW_MEMO: view})
        workflow.set_current_details(details(view))

    # Messages

    @workflow.signal(description="Look again now. Carries no facts: what is seen decides.")
    def wake(self) -> None:
        """Look again now."""
        self._woken = True

    @workflow.signal(description="Protect it like this from now on.")
    def declare(self, declaration: Declaration) -> None:
        """Take another declaration in place of the present one."""
        if self._ended:
            self._request = begun(self._request.application, declaration)
            self._ended, self._begins_again = False, True
        else:
            self._request = declared(self._request, declaration)
        self._woken = True

    @workflow.signal(
        description='Start nothing by itself until resume: {"actor": "you", "reason": "why"}'
    )
    def suspend(self, suspension: Suspension) -> None:
        """Start nothing by itself."""
        since = suspension.since or workflow.now()
        self._request = self._request.model_copy(
            update={"suspension": suspension.model_copy(update={"since": since})}
        )

    @workflow.signal(description='End the suspension: {"actor": "you"}')
    def resume(self, order: Order) -> None:
        """End the suspension."""
        workflow.logger.info("resumed by %s: %s", order.actor, order.note)
        self._request = self._request.model_copy(update={"suspension": None})

    @workflow.signal(description='End the protection: {"actor": "you", "note": "why"}')
    def unprotect(self, order: Order) -> None:
        """End the protection."""
        workflow.logger.info("protection ended by %s: %s", order.actor, order.note)
        self._ended = True

    @workflow.query(description="What is declared, where it lives, and how it is.")
    def status(self) -> ApplicationView:
        """The view."""
        return view_of(self._request)
