"""The states that a protection can be in: how an application gets there, and how it goes on from there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from failover.domain.application import ApplicationPhase, Suspension
from failover.domain.manifest import is_deleting
from failover.domain.phases import Action, Outcome
from tests.support.protected import Protected, protected, unprotected
from tests.support.saga import NAMESPACE, Saga, never_healthy_on
from tests.support.waiting import eventually
from triggers import protecting

FINALIZER = "tests.example.org/hold"
NEWER = {
    "stateful-failover.dev/failover-id": "failover/of/another/database",
    "stateful-failover.dev/generation": "5",
}
ILL = {"home": "east", "health": "Unhealthy"}
GOING = {"home": "east", "health": "Unknown"}
COMING = {"home": "west", "health": "Unknown"}
ON_WEST = {"home": "west", "generation": 1, "health": "Healthy"}


async def is_woken(it: Protected) -> None:
    """As by a watcher."""
    await it.wake()


async def is_declared(it: Protected) -> None:
    """For the first time."""
    await it.declare("ada")


async def stays(it: Protected) -> None:
    """Nothing more is to happen."""


async def aborts(it: Protected) -> None:
    """A person ends its failover."""
    await it.app.resolve(Action.ABORT)
    ending = await it.app.ends()
    assert ending.outcome is Outcome.ABORTED, ending


@dataclass(frozen=True)
class Standing:
    """One state of a protection."""

    come: Callable[[Saga, str], Awaitable[Protected]]
    begin: Callable[[Protected], Awaitable[None]] = is_woken
    """What makes it look."""
    waits_in: str = ""
    """What its failover shows, where one is in flight."""
    go: Callable[[Protected], Awaitable[None]] = stays
    """How it goes on, once nobody dies any more."""
    learns: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What it knows after that."""
    lived_on: tuple[str, ...] = ("east",)
    """Where it has had copies in the end."""
    phase: ApplicationPhase = ApplicationPhase.PROTECTED


async def waiting(
    saga: Saga, name: str, waits_in: str, *, finalizers: tuple[str, ...] = (),
    held_on: tuple[str, ...] = (), sees: Mapping[str, str] = ILL, **options: Any,
) -> Protected:  # fmt: skip
    """Ill, with a failover that waits in this phase, and the protection knows of both."""
    it = await protected(saga, name, **options)
    await it.app.set_finalizers("east", *finalizers)
    await it.app.fall_ill()
    await it.app.start(it.policy, overrides=never_healthy_on(it.app.name, *held_on))
    await it.app.shows(waits_in)
    if finalizers:
        await is_going(it)
    await it.wake()
    await it.knows("has seen it", **sees)
    return it


async def is_going(it: Protected) -> None:
    """Wait until its delete is accepted: it is Purging from the moment that this is about to be asked for."""

    async def level() -> bool:
        there = await it.app.copy("east")
        return there is not None and is_deleting(there)

    await eventually(level, f"{it.app.name} is being deleted")


async def moved(saga: Saga, name: str, **options: Any) -> Protected:
    """Moved to west, which is its home by now."""
    it = await protected(saga, name, **options)
    await it.app.fall_ill()
    await it.app.start(it.policy)
    await it.app.moved("west")
    await it.knows("has moved", **ON_WEST)
    return it


async def held(saga: Saga, name: str) -> Protected:
    """Ill again where it was moved to, and its budget is used up."""
    it = await moved(saga, name, budget={"maxFailovers": 1, "coolDownSeconds": 0})
    there = await it.app.running("west")
    it.app.home, it.app.uid = "west", there["metadata"]["uid"]
    await it.app.fall_ill()
    await it.app.start(it.policy)
    await it.app.shows("Held", "BudgetExhausted")
    await it.wake()
    await it.knows("is ill again", home="west", health="Unhealthy")
    return it


async def still_held(it: Protected) -> None:
    """The move counts as it did, here and there; a person ends the wait."""
    found = await it.there()
    assert found.view.budget_use(datetime.now(UTC)).moves == 1
    budget = (await it.app.status()).budget
    assert budget is not None
    assert (budget.moves, budget.max_failovers) == (1, 1)
    await aborts(it)


async def approves(it: Protected) -> None:
    """A person lets the plan go ahead."""
    await it.app.approve((await it.app.status()).plan_digest)


async def is_let_go(it: Protected) -> None:
    """What held the deletion is off."""
    await it.app.set_finalizers("east")


async def gets_healthy(it: Protected) -> None:
    """The operator takes care of the copy."""
    await it.app.saga.operator.release("west", NAMESPACE, it.app.name)


async def suspended(saga: Saga, name: str) -> Protected:
    """Ill, and nothing is started by itself."""
    it = await ill(saga, name, "Automatic")
    await protecting.suspend(saga.client, it.app.ref, Suspension(reason="why", actor="ada"))
    await it.reaches("is suspended", lambda found: found.view.suspension is not None)
    return it


async def ill(saga: Saga, name: str, mode: Any) -> Protected:
    """Ill, and nobody has started anything."""
    it = await protected(saga, name, mode)
    await it.app.fall_ill()
    await it.wake()
    await it.knows("is ill", **ILL)
    return it


async def absent(saga: Saga, name: str) -> Protected:
    """Its object was deleted."""
    it = await protected(saga, name)
    await saga.world.api("east").delete(it.app.path)
    await it.wake()
    await it.knows("is nowhere", home="", health="Unknown")
    return it


async def of_another_database(saga: Saga, name: str) -> Protected:
    """Its copy carries a generation that nobody here has made."""
    it = await protected(saga, name)
    await it.app.annotate("east", NEWER)
    await it.wake()
    await it.knows("stops and asks", newer_generation=5)
    return it


def waits(phase: str, go: Callable[[Protected], Awaitable[None]] = aborts, **options: Any) -> Standing:  # fmt: skip
    """With a failover that waits in this phase, and is ended by a person."""
    return Standing(lambda saga, name: waiting(saga, name, phase, **options), waits_in=phase, go=go)


def goes_on(phase: str, go: Callable[[Protected], Awaitable[None]], **options: Any) -> Standing:
    """With a failover that waits in this phase, and then moves it to west."""
    standing = waits(phase, go, **options)
    return replace(standing, learns=ON_WEST, lived_on=("east", "west"))


STATES = {
    "unseen": Standing(unprotected, is_declared, learns={"home": "east", "health": "Healthy"}),
    "well": Standing(protected),
    "observed": Standing(lambda saga, name: ill(saga, name, "Observe")),
    "suspended": Standing(suspended, phase=ApplicationPhase.SUSPENDED),
    "absent": Standing(absent),
    "newer": Standing(of_another_database, phase=ApplicationPhase.NEWER_GENERATION),
    "moved": Standing(moved, lived_on=("east", "west")),
    "tolerating": waits("Tolerating", toleration=600),
    "no-cluster": waits("WaitingForCluster", clusters=("east",)),
    "blocked": waits("Blocked", path="{ .no.such.key }"),
    "approval": goes_on("AwaitingApproval", approves, mode="Confirm"),
    "purging": goes_on("Purging", is_let_go, finalizers=(FINALIZER,), sees=GOING),
    "verifying": goes_on("Verifying", gets_healthy, held_on=("west",), sees=COMING),
    "held": Standing(held, waits_in="Held", go=still_held, lived_on=("east", "west")),
}
"""All of them, by what they are called here."""
