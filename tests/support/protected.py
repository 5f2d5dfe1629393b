"""An application of a case and its protection, whatever is killed meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from temporalio.service import RPCError

from devstack.flink import ALIAS_LABEL
from failover.domain.application import ApplicationView, Declaration, Known, Order
from failover.domain.errors import FailoverError
from failover.domain.identity import application_id
from failover.domain.policy import Mode, Policy
from failover.domain.protecting import with_mode
from failover.domain.record import counted_of, generation_of, good_of, home_of
from tests.support.faults import Fault
from tests.support.saga import NAMESPACE, Application, Saga, policy_of
from tests.support.waiting import eventually
from triggers import protecting
from triggers.protecting import Protection

LOOK, KEEP, FORGET = "look_at_application", "keep_state", "forget_state"
SECONDS = 120
NOT_GOOD_HERE = 3600
"""A state proves good after the test, so that nothing is looked at, or kept, by a timer meanwhile."""


@dataclass
class Protected:
    """One application under protection."""

    app: Application
    policy: Policy

    async def declare(self, actor: str) -> None:
        """Declared by this person, the rest as before: it continues as new."""
        declaration = Declaration(policy=self.policy, actor=actor)
        await protecting.declare(self.app.saga.client, self.app.ref, declaration)

    async def wake(self) -> None:
        """As a watcher does."""
        assert await protecting.wake(self.app.saga.client, self.app.ref)

    async def unprotect(self) -> None:
        """Somebody ends it."""
        await protecting.unprotect(self.app.saga.client, self.app.ref, Order(actor="ada"))

    async def found(self) -> Protection | None:
        """As Temporal has it stored; no worker is needed."""
        return await protecting.protection(self.app.saga.client, self.app.ref)

    async def reaches(self, what: str, wanted: Callable[[Protection], bool]) -> Protection:
        """The protection, once it is as wanted."""
        last: list[Protection | None] = [None]

        async def look() -> Protection | None:
            try:
                last[0] = await self.found()
            except (RPCError, FailoverError):
                return None
            return last[0] if last[0] is not None and wanted(last[0]) else None

        try:
            return await eventually(look, what, seconds=SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{self.app.name}: {error}; it shows {last[0]}") from None

    async def there(self) -> Protection:
        """The one open run of it."""
        found = await self.reaches("is protected", lambda _: True)
        assert await self.open_runs() == 1
        return found

    async def continued_as_new(self, before: Protection) -> Protection:
        """The one open run that has taken up ben's declaration, and has looked."""
        await self.reaches(
            "has continued as new",
            lambda found: found.run_id != before.run_id and found.view.declaration.actor == "ben",
        )
        await self.is_idle()
        return await self.there()

    async def is_idle(self) -> None:
        """Wait until it has nothing under way."""
        handle = self.app.saga.client.get_workflow_handle(application_id(self.app.ref))

        async def look() -> bool:
            described = (await handle.describe()).raw_description
            return not described.pending_activities and not described.HasField(
                "pending_workflow_task"
            )

        await eventually(look, f"{self.app.name} is idle", seconds=SECONDS)

    async def knows(self, what: str, **fields: Any) -> Known:
        """What it knows, once these fields are so; `health` by its status."""

        def so(found: Protection) -> bool:
            known = found.view.known
            shown = {**vars(known), "health": known.health.status if known.health else None}
            return all(shown[name] == value for name, value in fields.items())

        return (await self.reaches(what, so)).view.known

    async def ends(self) -> ApplicationView:
        """What its last run answers, and it is not protected any more."""
        handle = self.app.saga.client.get_workflow_handle(
            application_id(self.app.ref), result_type=ApplicationView
        )
        async with asyncio.timeout(SECONDS):
            view: ApplicationView = await handle.result()
        assert await self.found() is None
        return view

    async def open_runs(self) -> int:
        """How many runs of it are open."""
        query = f"WorkflowId = '{application_id(self.app.ref)}' AND ExecutionStatus = 'Running'"
        return (await self.app.saga.client.count_workflows(query)).count

    async def remembered(self) -> Mapping[str, Any]:
        """What the records on the clusters hold of it, by cluster."""
        found = {name: await self.app.record(name) for name in self.app.saga.world.clusters}
        return {
            name: (home_of(head), generation_of(head), counted_of(head), good_of(head))
            for name, head in found.items()
            if head is not None
        }

    async def good_on(self) -> dict[str, tuple[int, str]]:
        """The number of the good state in each record that has one, and the version of that record."""
        found = {name: await self.app.record(name) for name in self.app.saga.world.clusters}
        goods = {name: (good_of(head), head) for name, head in found.items() if head is not None}
        return {
            name: (good.number, head["metadata"]["resourceVersion"])
            for name, (good, head) in goods.items()
            if good is not None
        }

    async def lived_on(self, *clusters: str) -> None:
        """Assert that it had these copies, one after the other, and no other one ever."""
        copies = await self.app.saga.recorder.copies(NAMESPACE, self.app.name)
        assert [each.cluster for each in copies] == list(clusters), copies
        await self.app.kept_its_promises(to_the_end=False)

    async def has_another_state(self, job: str) -> None:
        """Its job has another id, and a watcher has seen it."""
        status = {"status": {"jobStatus": {"jobId": job}}}
        await self.app.saga.world.api(self.app.home).merge(f"{self.app.path}/status", status)
        await self.wake()

    def plant(self, step: str, what: str) -> Fault:
        """Let this happen at its next activity of this kind."""
        return self.app.plant(step, what)

    async def suffers(self, fault: Fault) -> None:
        """Wait until it has struck."""
        await fault.strikes(seconds=SECONDS)


async def protected(
    saga: Saga, name: str, mode: Mode = "Automatic", *, good_after: int = NOT_GOOD_HERE, **options: Any
) -> Protected:  # fmt: skip
    """A healthy application that ada has declared, and that was looked at."""
    it = await unprotected(saga, name, mode, good_after=good_after, **options)
    await it.declare("ada")
    await it.knows("is found", home="east", health="Healthy")
    return it


async def unprotected(
    saga: Saga, name: str, mode: Mode = "Automatic", *, good_after: int = NOT_GOOD_HERE,
    path: str = "{ .jobStatus.jobId }", **options: Any,
) -> Protected:  # fmt: skip
    """A healthy application that nobody has declared yet."""
    app = await saga.application(f"protected-{name}")
    rule = {"aliasLabelName": ALIAS_LABEL, "jsonPath": path}
    preserved = {"rules": [rule], "goodAfterSeconds": good_after}
    policy = policy_of(app.name, statePreservation=preserved, **options)
    return Protected(app, with_mode(policy, mode))
