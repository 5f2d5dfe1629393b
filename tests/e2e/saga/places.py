"""The moments at which somebody cuts a failover off: right before each step, and in each wait for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from failover.domain.identity import application_pause_id
from failover.domain.phases import Action
from failover.domain.request import PauseRequest
from tests.e2e.saga.steps import BACK, STRAIGHT, Road
from tests.support.saga import Application, policy_of
from tests.support.waiting import eventually
from triggers.pausing import closed, pause, resume, wake


@dataclass(frozen=True)
class Place:
    """A moment of a failover: right before the work of a step, on this road."""

    step: str
    road: Road = STRAIGHT
    again: str = "west"
    """Where the application lives after the run was killed there and triggered again."""
    cancelled: str = "untouched"
    """What a cancellation leads to: the original untouched, restored, or the move completed."""

    async def reach(self, app: Application) -> None:
        """Start the failover, and wait until it stands there."""
        fault = app.plant(self.step, "hold")
        await self.road.begin(app)
        await app.suffers(fault)

    async def release(self, app: Application) -> None:
        """Let go what holds the run there."""
        app.saga.faults.at(self.step, app.name, "hold").release()

    async def pass_by(self, app: Application) -> None:
        """Do what the run that follows needs to get past it: nothing, since a fault strikes once."""


@dataclass(frozen=True)
class Wait(Place):
    """A phase without a step; its name stands where others have that of a step."""

    async def reach(self, app: Application) -> None:
        """Start the failover, and wait until it waits."""
        await self.road.begin(app)
        await waits(app, self.step)
        await app.was_never_written()

    async def release(self, app: Application) -> None:
        """Nothing holds it but that a person has to come."""


@dataclass(frozen=True)
class Approval(Wait):
    """It waits for an approval."""

    async def pass_by(self, app: Application) -> None:
        """The run that follows asks anew."""
        await waits(app, self.step)
        await app.approve((await app.status()).plan_digest)


@dataclass(frozen=True)
class Candidates(Wait):
    """It waits for a cluster."""

    async def pass_by(self, app: Application) -> None:
        """The run that follows finds none either, until its policy means another one."""
        await waits(app, self.step)
        await app.resolve(Action.REPLAN, policy=policy_of(app.name))


@dataclass(frozen=True)
class Paused(Wait):
    """It is held by a pause."""

    async def reach(self, app: Application) -> None:
        """Pause the application, start the failover, and wait until it is held."""
        request = PauseRequest(reason="maintenance", actor="ops")
        await pause(app.saga.client, application_pause_id(app.ref), request)
        await super().reach(app)

    async def release(self, app: Application) -> None:
        """End the pause."""
        pause_id = application_pause_id(app.ref)
        await resume(app.saga.client, pause_id)
        assert await closed(app.saga.client, pause_id, within_seconds=30)

    async def pass_by(self, app: Application) -> None:
        """The run that follows is held as well, until the pause ends."""
        await waits(app, self.step)
        await self.release(app)
        await wake(app.saga.client, app.run.id)


async def waits(app: Application, phase: str) -> None:
    """Wait until its latest run stands in this phase, by its own word: a reset run shows it before it is there."""

    async def look() -> Any:
        return (await app.status()).display_phase == phase

    await eventually(look, f"{app.name} is {phase}")


PLACES = {
    "tolerating": Place("observe"),
    "planning": Place("plan_failover"),
    "awaiting-approval": Approval("AwaitingApproval", Road(options={"mode": "Confirm"})),
    "held": Paused("Held"),
    "waiting-for-cluster": Candidates("WaitingForCluster", Road(clusters=("east",))),
    "capturing": Place("capture_and_stage"),
    "purging": Place("purge_source", cancelled="restored"),
    "starting": Place("start_on_target", cancelled="restored"),
    "verifying": Place("await_healthy", cancelled="restored"),
    "releasing": Place("release_labels", cancelled="completed"),
    "finishing": Place("finish", cancelled="completed"),
    "withdrawing": Place("withdraw_target", BACK, again="east", cancelled="restored"),
    "restoring": Place("restore_source", BACK, again="east", cancelled="restored"),
    "labelled": Place("release_labels", BACK, again="east", cancelled="restored"),
    "restored": Place("finish", BACK, again="east", cancelled="restored"),
}

RESTORED = frozenset({"labelled", "restored"})
"""Where the original is back, and only the labels and records are left."""
