"""The steps of a failover, and for each an application whose failover takes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.support.saga import CLUSTERS, Application, Saga, never_healthy_on, policy_of

MAIN = (
    "observe",
    "plan_failover",
    "capture_and_stage",
    "purge_source",
    "start_on_target",
    "await_healthy",
    "release_labels",
    "finish",
    "publish_result",
)
"""The steps that every failover takes."""

UNDO = ("withdraw_target", "restore_source")
"""The steps that take something back."""

WAITING = "wait_out_toleration"

STEPS = (WAITING, *MAIN, *UNDO)


@dataclass(frozen=True)
class Road:
    """A failover that takes a certain step, and where it ends."""

    clusters: tuple[str, ...] = CLUSTERS
    ill_on: tuple[str, ...] = ()
    """Clusters on which the new copy never gets healthy."""
    target: str = "west"
    """Where it ends; the source means that the original is put back."""
    options: dict[str, Any] = field(default_factory=dict[str, Any])

    async def prepare(self, saga: Saga, name: str) -> Application:
        """An ill application whose failover has not started."""
        return await saga.ill_application(name)

    async def begin(self, app: Application, **request: Any) -> Application:
        """Start its failover along this road."""
        policy = policy_of(app.name, clusters=self.clusters, **self.options)
        overrides = never_healthy_on(app.name, *self.ill_on)
        return await app.start(policy, overrides=overrides, **request)

    async def arrive(self, app: Application, *, seconds: float = 60) -> None:
        """Assert that it ends as this road does, with every promise kept."""
        if self.target == app.home:
            await app.restored(seconds=seconds)
        else:
            await app.moved(self.target, seconds=seconds)


UNHEALTHY_SOON = {"verification": {"healthyWithinSeconds": 1}}
STRAIGHT = Road()
PATIENT = Road(options={"toleration": 30})  # workers die all the time: one is there once in it
AROUND = Road(ill_on=("west",), target="north", options=UNHEALTHY_SOON)
BACK = Road(clusters=("east", "west"), ill_on=("west",), target="east", options=UNHEALTHY_SOON)


def road_with(step: str) -> Road:
    """A road on which this step is taken."""
    match step:
        case "wait_out_toleration":
            return PATIENT
        case "withdraw_target":
            return AROUND
        case "restore_source":
            return BACK
        case _:
            return STRAIGHT
