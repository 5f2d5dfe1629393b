"""While it tolerates a failover plans ahead; what has changed by the end of the toleration counts all the same."""

from __future__ import annotations

from temporalio.api.enums.v1 import EventType

from failover.domain.phases import Outcome
from failover.domain.plan import FailoverPlan
from tests.support.saga import GROUP, KIND, NAMESPACE, Application, Saga, policy_of
from tests.support.waiting import eventually

TOLERATION = 6
SCHEDULED = EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED


async def planned_ahead(saga: Saga, name: str) -> Application:
    """An ill application that is still tolerated, and whose plan is made already."""
    app = await saga.ill_application(name)
    await app.start(policy_of(app.name, toleration=TOLERATION))

    async def plan() -> FailoverPlan | None:
        status = await app.status()
        assert status.phase == "Tolerating", "the plan was not made in time"
        return status.plan

    await eventually(plan, f"{app.name} is planned ahead")
    return app


async def steps(app: Application) -> list[str]:
    """The activities of its failover, in the order in which they were asked for, without watching."""
    history = await app.run.fetch_history()
    names = (
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in history.events
        if event.event_type == SCHEDULED
    )
    return [name for name in names if name != "wait_out_toleration"]


async def test_what_was_planned_ahead_is_not_planned_again(saga: Saga) -> None:
    """One plan, made before the end of the toleration, is carried out; people see it while they wait."""
    app = await planned_ahead(saga, "foreseen")
    status = await app.status()
    assert (status.target, status.labels) == ("west", app.state)
    await app.moved("west")
    assert await steps(app) == [
        "observe",
        "plan_failover",
        "capture_and_stage",
        "purge_source",
        "start_on_target",
        "await_healthy",
        "release_labels",
        "finish",
        "publish_result",
    ]


async def test_an_edit_after_the_plan_moves_too(saga: Saga) -> None:
    """The spec that is moved is that of the last look, not that of the plan."""
    app = await planned_ahead(saga, "foreseen-edited")
    await saga.world.api("east").merge(app.path, {"spec": {"image": "flink:1.20-patched"}})
    await app.moved("west")
    assert (await app.lives_on("west"))["spec"]["image"] == "flink:1.20-patched"


async def test_a_target_that_was_taken_after_the_plan_is_not_moved_to(saga: Saga) -> None:
    """An object of that name on the target: refused, as a plan made now refuses it; nothing is left behind."""
    app = await planned_ahead(saga, "foreseen-occupied")
    original = await app.copy("east")
    assert original is not None
    metadata = {"name": app.name, "namespace": original["metadata"]["namespace"]}
    collection = app.path.rpartition("/")[0]
    await saga.world.api("west").create(
        collection,
        {key: original[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": metadata},
    )
    ending = await app.ends()
    assert (ending.outcome, ending.reason) == (Outcome.REFUSED, "TargetOccupied"), ending
    assert (await app.copies())["east"]["metadata"]["uid"] == app.uid
    await app.was_never_written()


async def test_an_owner_that_came_after_the_plan_is_respected(saga: Saga) -> None:
    """Argo CD took it over meanwhile: refused, and nothing was written."""
    app = await planned_ahead(saga, "foreseen-owned")
    tracking = f"shop:{GROUP}/{KIND}:{NAMESPACE}/{app.name}"
    await app.annotate("east", {"argocd.argoproj.io/tracking-id": tracking})
    ending = await app.ends()
    assert (ending.outcome, ending.reason) == (Outcome.REFUSED, "ManagedElsewhere"), ending
    assert set(await app.copies()) == {"east"}
    await app.was_never_written()


async def test_another_target_that_is_wanted_after_the_plan_is_taken(saga: Saga) -> None:
    """A retarget while tolerating counts: the plan for the other cluster is dropped."""
    app = await planned_ahead(saga, "foreseen-retargeted")
    await app.retarget("north")
    await app.moved("north")
