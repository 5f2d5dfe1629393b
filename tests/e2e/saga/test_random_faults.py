"""Random faults at random steps, many failovers side by side, again and again; and cut watches.

`make test-long` draws a seed and prints it; `TEST_SEED=N make test-long` plays the same again, and
`FAULTS_ROUNDS=N` says how many rounds.
"""

from __future__ import annotations

import asyncio
import os
import random

import pytest

from tests.e2e.saga.steps import MAIN, UNDO, road_with
from tests.support.saga import Case, Saga, play, report

ROUND = 24
SECONDS = 240
FAULTS = ("kill-before", "kill-after", "kill@1", "kill@2", "kill@3", "twice")


def suffering(step: str, what: str, number: int) -> Case:
    """A failover that suffers this fault at this step, if it comes that far."""

    async def case(saga: Saga) -> None:
        road = road_with(step)
        app = await road.prepare(saga, f"random-{number}")
        app.plant(step, what)
        await road.begin(app)
        await road.arrive(app, seconds=SECONDS)

    return case


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_random_faults_break_no_promise(saga: Saga) -> None:
    """Wherever and however often workers die, each failover ends as its road does."""
    seed = int(os.environ.get("TEST_SEED", "1"))
    rounds = int(os.environ.get("FAULTS_ROUNDS", "2"))
    chance = random.Random(seed)
    for _ in range(2):
        await saga.crew.hire()
    for turn in range(rounds):
        chosen = [(chance.choice((*MAIN, *UNDO)), chance.choice(FAULTS)) for _ in range(ROUND)]
        cases = {
            f"{turn}-{number}-{step}-{what}": suffering(step, what, number)
            for number, (step, what) in enumerate(chosen)
        }
        played = await play(saga, cases)
        for name in cases:
            report(played, name)
    await saga.crew.renew()


@pytest.mark.timeout(400)
async def test_watches_that_are_cut_each_second_delay_nothing(saga: Saga) -> None:
    """Every connection to every cluster is cut each second while failovers run; all end well."""
    over = asyncio.Event()

    async def cut() -> None:
        while not over.is_set():
            for relay in saga.relays.values():
                relay.cut()
            try:
                async with asyncio.timeout(1):
                    await over.wait()
            except TimeoutError:
                continue

    cutting = asyncio.create_task(cut())
    try:
        apps = [await saga.ill_application("cut") for _ in range(4)]
        for app in apps:
            await road_with("wait_out_toleration").begin(app)
        for app in apps:
            await app.moved("west", seconds=SECONDS)
    finally:
        over.set()
        await cutting
