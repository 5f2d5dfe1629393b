"""Lanes: a bounded number of moves at a time, in the order in which they came."""

from __future__ import annotations

import asyncio

import pytest

from activities import lanes
from activities.lanes import Lanes


async def test_only_so_many_are_under_way() -> None:
    """The third waits until one of two has left."""
    two = Lanes(2)
    await two.enter("a")
    await two.enter("b")
    third = asyncio.create_task(two.enter("c"))
    fourth = asyncio.create_task(two.enter("d"))
    await asyncio.sleep(0)
    assert not third.done()
    two.leave("a")
    await third
    assert not fourth.done(), "one that left makes room for one"
    two.leave("c")
    await fourth


async def test_one_that_has_a_lane_goes_on_in_it() -> None:
    """A capture that is made again, or a start after it, needs no second lane."""
    one = Lanes(1)
    await one.enter("a")
    await asyncio.wait_for(one.enter("a"), 1)
    one.leave("a")
    one.leave("a")
    await asyncio.wait_for(one.enter("b"), 1)
    second = asyncio.create_task(one.enter("c"))
    await asyncio.sleep(0)
    assert not second.done(), "leaving twice made no second lane"
    second.cancel()


async def test_one_that_takes_long_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A purge that waits for a finalizer loses its lane."""
    monkeypatch.setattr(lanes, "LEASE_SECONDS", 0.01)
    one = Lanes(1)
    await one.enter("slow")
    await asyncio.wait_for(one.enter("next"), 5)


async def test_one_that_gives_up_waiting_takes_no_lane() -> None:
    """A cancelled capture leaves the order as it was."""
    one = Lanes(1)
    await one.enter("a")
    waiting = asyncio.create_task(one.enter("b"))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    one.leave("a")
    await asyncio.wait_for(one.enter("c"), 1)


async def test_what_has_no_copy_goes_first() -> None:
    """Those who only have to be finished come after all moves, however long they have waited."""
    one = Lanes(1)
    assert not await one.enter("a")
    entered: list[str] = []

    async def enter(name: str, *, urgent: bool) -> None:
        assert await one.enter(name, urgent=urgent), "it had to wait"
        entered.append(name)

    finishing = asyncio.create_task(enter("finishing", urgent=False))
    await asyncio.sleep(0)
    moves = [asyncio.create_task(enter(name, urgent=True)) for name in ("b", "c")]
    await asyncio.sleep(0)
    for name, task in zip(("a", "b", "c"), (*moves, finishing), strict=True):
        one.leave(name)
        await task
    assert entered == ["b", "c", "finishing"]


async def test_one_that_waits_twice_takes_one_lane() -> None:
    """A lost attempt and its successor, both in this worker."""
    two = Lanes(2)
    await two.enter("a")
    await two.enter("b")
    twice = [asyncio.create_task(two.enter("c")) for _ in range(2)]
    await asyncio.sleep(0)
    two.leave("a")
    two.leave("b")
    await asyncio.gather(*twice)
    await asyncio.wait_for(two.enter("d"), 1)
