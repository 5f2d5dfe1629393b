"""Somebody else creates the source object again, each time that it is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import aiohttp

from devstack.errors import ApiError
from failover.domain.phases import Action
from tests.support.saga import (
    FLINK,
    NAMESPACE,
    Application,
    Saga,
    policy_of,
)
from tests.support.waiting import eventually

EVERY_SECONDS = 1.0


@asynccontextmanager
async def recreating(app: Application) -> AsyncGenerator[None, None]:
    """Apply the object on east every second, as a pipeline would that knows nothing of us."""
    api = app.saga.world.api("east")
    original = await app.copy("east")
    assert original is not None
    metadata = {"name": app.name, "namespace": NAMESPACE}
    manifest = {
        **{key: original[key] for key in ("apiVersion", "kind", "spec")},
        "metadata": metadata,
    }

    async def loop() -> None:
        while True:
            with suppress(ApiError, aiohttp.ClientError):
                await api.create(FLINK, manifest)
            await asyncio.sleep(EVERY_SECONDS)

    task = asyncio.create_task(loop())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def delete_from_east(app: Application) -> None:
    """Take the foreign copy away, as a person would."""
    await app.saga.world.api("east").delete(app.path)

    async def gone() -> bool:
        return await app.copy("east") is None

    await eventually(gone, "it is away")


async def test_what_comes_back_while_it_settles_blocks_the_purge(saga: Saga) -> None:
    """It reappears within the settling time: Blocked, and nothing starts beside it."""
    app = await saga.ill_application("reappears")
    async with recreating(app):
        await app.start(policy_of(app.name, settleSeconds=3))
        status = await app.blocks("SourceReappeared")
        assert status.phase == "Purging"
        assert status.point_of_no_return_passed
        assert set(await app.copies()) == {"east"}
        await app.resolve(Action.RETRY)
        await app.blocks("SourceReappeared")
        assert set(await app.copies()) == {"east"}, "nothing starts beside it"
    await delete_from_east(app)
    await app.resolve(Action.RETRY)
    await app.moved("west")


async def test_what_comes_back_later_is_seen_before_the_end(saga: Saga) -> None:
    """It reappears while the new copy is verified: not Completed, but Blocked{SourceReappeared}."""
    app = await saga.ill_application("reappears-late")
    fault = app.plant("release_labels", "hold")
    async with recreating(app):
        await app.start(policy_of(app.name))
        await app.suffers(fault)
        await eventually(lambda: app.copy("east"), "it is back on east")
        fault.release()
        status = await app.blocks("SourceReappeared")
        assert status.phase in {"Verifying", "Finishing"}
    await delete_from_east(app)
    await app.resolve(Action.RETRY)
    await app.moved("west")


async def test_what_comes_back_before_the_copy_starts_is_not_joined(saga: Saga) -> None:
    """It reappears between purge and start: the copy must not be created beside it."""
    app = await saga.ill_application("reappears-between")
    fault = app.plant("start_on_target", "hold")
    async with recreating(app):
        await app.start(policy_of(app.name))
        await app.suffers(fault)
        await eventually(lambda: app.copy("east"), "it is back on east")
        fault.release()
        await app.blocks("SourceReappeared")
        assert set(await app.copies()) == {"east"}
    await delete_from_east(app)
    await app.resolve(Action.RETRY)
    await app.moved("west")
