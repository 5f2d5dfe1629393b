"""Overrides of the target cluster shape the new copy, and only that."""

from __future__ import annotations

import pytest
from temporalio.client import WorkflowUpdateFailedError

from failover.domain.overrides import Override
from failover.domain.phases import Action
from failover.domain.request import Status
from tests.support.saga import Saga, override_of, policy_of
from tests.support.waiting import eventually


async def test_the_targets_overrides_are_applied_to_the_new_copy(saga: Saga) -> None:
    """The copy on west has west's image; what is meant for north is not applied."""
    app = await saga.ill_application("overridden")
    await app.start(
        overrides=tuple(
            override_of(
                app.name, each, "/spec/image", f"{each}.example/flink:1.20", operator="replace"
            )
            for each in ("west", "north")
        )
    )
    await app.moved("west")
    assert (await app.copies())["west"]["spec"]["image"] == "west.example/flink:1.20"


async def test_a_replan_brings_other_overrides_along(saga: Saga) -> None:
    """While a plan waits for approval, a Replan replaces the overrides: the status says which, the copy has them."""
    app = await saga.ill_application("overridden-anew")
    await app.start(policy_of(app.name, mode="Confirm"), overrides=(image_on(app.name, "old"),))
    await app.shows("AwaitingApproval")
    first = (await app.status()).plan_digest
    reply = await app.resolve(Action.REPLAN, overrides=(image_on(app.name, "new"),))
    assert "changed OverridePolicy/" in reply.message

    async def another_plan() -> Status | None:
        status = await app.status()
        planned = status.display_phase == "AwaitingApproval" and status.plan_digest != first
        return status if planned else None

    status = await eventually(another_plan, "a plan with the new overrides")
    assert status is not None
    assert any("changed OverridePolicy/" in each for each in status.decisions)
    await app.approve(status.plan_digest)
    await app.moved("west")
    assert (await app.copies())["west"]["spec"]["image"] == "new.example/flink:1.20"


async def test_new_terms_come_with_a_replan_only(saga: Saga) -> None:
    """A Retry that carries a policy is refused, and leaves no trace."""
    app = await saga.ill_application("overridden-not")
    await app.start(policy_of(app.name, mode="Confirm"))
    await app.shows("AwaitingApproval")
    with pytest.raises(WorkflowUpdateFailedError):
        await app.resolve(Action.RETRY, policy=policy_of(app.name))
    await app.resolve(Action.ABORT)
    await app.untouched()


def image_on(name: str, registry: str) -> Override:
    """An override of the image on west."""
    image = f"{registry}.example/flink:1.20"
    return override_of(name, "west", "/spec/image", image, operator="replace")
