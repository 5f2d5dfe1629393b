"""A failover, or a protection, whose history has grown long continues as new, and nobody has to know.

That Temporal finds a history long is said in its place, at a moment of the test's: it does so after some four
thousand events.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowExecutionStatus

from failover.domain.application import ApplicationPhase, ApplicationView
from failover.domain.identity import ApplicationRef, failover_id
from failover.domain.manifest import uid_of
from failover.domain.request import Status
from failover.temporal import SEARCH
from tests.e2e.test_protecting import seen_ill
from tests.support.engine import ALIAS, Answered, Engine, failover_policy, write_policy
from triggers.protecting import Protection, protection, wake
from triggers.reading import Live, Summary, list_failovers, read, summarize

ORDERS = "flinkdeployment/orders"


@dataclass
class Long:
    """The failover of one application, whose history is long from some moment on, for one part."""

    engine: Engine
    application: ApplicationRef
    directory: Path
    grown: bool = False

    def is_long(self, info: workflow.Info) -> bool:
        """What Temporal says of a run."""
        ours = info.workflow_id == failover_id(self.application)
        return ours and self.grown and info.continued_run_id is None

    def policy(self, *clusters: str, seconds: int = 0, **rest: str) -> str:
        """A policy that knows these clusters."""
        document = failover_policy(
            "orders",
            self.application.namespace,
            clusters=clusters,
            toleration_seconds=seconds,
            **rest,
        )
        return write_policy(self.directory, document)

    async def do(self, verb: str, *flags: str) -> Answered:
        """A command about it."""
        answered = await self.engine.cli(verb, ORDERS, "-n", self.application.namespace, *flags)
        assert answered.code == 0, answered.err
        return answered

    async def begins(self, phase: str, policy: str, *flags: str) -> tuple[str, Status]:
        """It is started, and stands in this phase: the run id, and its status."""
        await self.do("start", "-f", policy, "-y", *flags)
        await self.engine.in_phase(self.application, phase)

        async def looked() -> tuple[str, Status] | None:
            run_id, status = await self.standing()
            unseen = phase == "Tolerating" and status.health is None
            return None if unseen else (run_id, status)

        found = await self.engine.wait_for(looked, "it has looked at the application")
        self.grown = True
        return found

    async def standing(self) -> tuple[str, Status]:
        """The run id of its last part, and its status."""
        known = await read(self.engine.client, self.application)
        assert isinstance(known, Live), known
        return known.summary.run_id, known.status

    async def goes_on(self, first: str, phase: str) -> tuple[str, Status]:
        """Once it goes on under another run id, in this phase."""

        async def continued() -> Summary | None:
            about = await summarize(self.engine.client, self.application)
            return about if about.run_id != first and about.phase == phase else None

        await self.engine.wait_for(continued, f"it goes on, {phase}")
        handle = self.engine.client.get_workflow_handle(failover_id(self.application), run_id=first)
        assert (await handle.describe()).status is WorkflowExecutionStatus.CONTINUED_AS_NEW
        return await self.standing()


@pytest.fixture
async def long(
    engine: Engine, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Long:
    """One that is ill on east."""
    found = Long(engine, await engine.apply_sick_flink("orders", namespace), tmp_path)

    def suggested(info: workflow.Info) -> bool:
        return found.is_long(info)

    monkeypatch.setattr(workflow.Info, "is_continue_as_new_suggested", suggested)
    return found


async def test_what_waits_for_a_cluster_goes_on_as_it_was(long: Long) -> None:
    """Its status, its texts and its place in lists stay; whoever sees it ill joins it; it moves once it can."""
    only_east = long.policy("east")
    first, before = await long.begins("WaitingForCluster", only_east)
    await long.do("replan", "--actor", "ada", "--reason", "look again")
    last, after = await long.goes_on(first, "WaitingForCluster")
    assert after.started_at == before.started_at
    assert after.steps[: len(before.steps) - 1] == before.steps[:-1]
    assert any("ada" in each for each in after.decisions)
    merged = (await long.do("start", "-f", only_east, "-y", "-o", "json")).json
    assert (merged["merged"], merged["runId"]) == (True, last)
    await still_tells(long)
    assert await listed(long, "WaitingForCluster") == [("WaitingForCluster", last)]
    await long.do("replan", "-f", long.policy("east", "west"))
    waited = await long.do("status", "--wait", "--timeout", "60", "--run", first, "-o", "json")
    assert waited.json["outcome"] == "Completed"
    assert waited.json["runId"] == last
    told = await long.do("timeline", "--run", first, "-o", "json")
    assert [each["phase"] for each in told.json["steps"]][:2] == ["Tolerating", "Planning"]
    history = (await long.do("history", "-o", "json")).json["items"]
    assert [(each["target"], each["runId"]) for each in history] == [("west", last)]


async def still_tells(long: Long) -> None:
    """What triggers compare, and what the UI shows."""
    handle = long.engine.client.get_workflow_handle(failover_id(long.application))
    described = await handle.describe()
    assert described.typed_search_attributes.get(SEARCH.trigger) == "Manual"
    object_there = await long.engine.find("east", long.application)
    assert object_there is not None
    assert await described.memo_value("incident") == f"east/{uid_of(object_there)}"

    async def details() -> str | None:
        metadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
        told = metadata.current_details
        return told if told.startswith("**WaitingForCluster**") else None

    told = await long.engine.wait_for(details, "the UI shows that it waits")
    assert "- Policy: FailoverPolicy/orders in" in told


async def listed(long: Long, phase: str) -> list[tuple[str, str]]:
    """What lists show of it, ended parts too."""
    engine = long.engine

    async def found() -> list[Any] | None:
        every = await list_failovers(
            engine.client, namespace=long.application.namespace, ended_too=True
        )
        return every if len(every) == 1 and every[0].phase == phase else None

    shown = await engine.wait_for(found, "lists show it once, and where it stands")
    return [(each.phase, each.run_id) for each in shown]


async def test_no_reason_of_a_wait_is_left_in_lists(long: Long) -> None:
    """What an earlier part has waited for is over."""
    await long.do("pause", "--reason", "power")
    first, before = await long.begins("Held", long.policy("east", "west"))
    assert (await summarize(long.engine.client, long.application)).reason == before.reason != ""
    assert await listed(long, "Held") == [("Held", first)]
    await long.do("resume")
    about = await long.engine.in_phase(long.application, "Completed")
    assert about.run_id != first
    assert about.reason == ""


async def test_a_toleration_does_not_begin_anew(long: Long) -> None:
    """Its end stays where it was."""
    policy = long.policy("east", "west", seconds=600)
    first, before = await long.begins("Tolerating", policy)
    await long.do("start", "-f", policy, "-y")
    _, after = await long.goes_on(first, "Tolerating")
    assert before.toleration_ends_at is not None
    assert after.toleration_ends_at is not None
    moved = abs(after.toleration_ends_at - before.toleration_ends_at)
    assert moved.total_seconds() < 1, moved
    assert after.started_at == before.started_at
    await long.do("abort")


async def test_what_was_blocked_is_tried_again_in_the_new_part(long: Long) -> None:
    """A Retry is taken up there: the step still fails, and it is Blocked as before."""
    policy = long.policy("east", "west", json_path="{ .jobStatus.savepoint }")
    first, before = await long.begins("Blocked", policy, "--force", "--reason", "the state is lost")
    await long.do("retry", "--actor", "ada", "--reason", "once more")
    _, after = await long.goes_on(first, "Blocked")
    assert before.block is not None
    assert after.block is not None
    assert (after.block.reason, after.block.phase) == (before.block.reason, before.block.phase)
    assert after.block.since > before.block.since
    assert any("once more" in each for each in after.decisions)
    await long.do("abort")


async def test_a_protection_that_was_woken_often_goes_on_as_it_was(
    engine: Engine, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It knows all that it knew, a state goes on proving itself, a suspension stays; and it still looks."""
    orders = await engine.apply_flink("orders", namespace)
    rules = [{"aliasLabelName": ALIAS, "jsonPath": "{ .jobStatus.jobId }"}]
    preserved = {"rules": rules, "goodAfterSeconds": 600}
    policy = failover_policy("orders", namespace, statePreservation=preserved)
    await engine.cli("protect", "-f", write_policy(tmp_path, policy), "-n", namespace)
    await engine.cli("suspend", ORDERS, "-n", namespace, "--actor", "ada", "--reason", "a test")

    async def suspended() -> Protection | None:
        found = await protection(engine.client, orders)
        return (
            found
            if found is not None and found.view.suspension and found.view.known.states
            else None
        )

    before = await engine.wait_for(suspended, "it has looked, and is suspended")
    assert before.view.known.states[0].healthy_since is not None

    def suggested(info: workflow.Info) -> bool:
        return info.run_id == before.run_id

    monkeypatch.setattr(workflow.Info, "is_continue_as_new_suggested", suggested)
    assert await wake(engine.client, orders)

    async def continued() -> Protection | None:
        found = await protection(engine.client, orders)
        return found if found is not None and found.run_id != before.run_id else None

    after = await engine.wait_for(continued, "it continues as new")
    handle = engine.client.get_workflow_handle(before.id, run_id=before.run_id)
    assert (await handle.describe()).status is WorkflowExecutionStatus.CONTINUED_AS_NEW
    new = engine.client.get_workflow_handle(before.id, run_id=after.run_id)
    looked: ApplicationView = await new.query("status", result_type=ApplicationView)
    assert looked == before.view
    await engine.operator.kill_job_manager("east", namespace, "orders")
    assert await wake(engine.client, orders)
    ill = await seen_ill(engine, orders)
    assert (ill.phase, ill.suspension) == (ApplicationPhase.SUSPENDED, before.view.suspension)
    assert [(each.number, each.healthy_since) for each in ill.known.states] == [(1, None)]
    await engine.cli("unprotect", ORDERS, "-n", namespace)
