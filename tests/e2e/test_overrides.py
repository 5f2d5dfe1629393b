"""Overrides of the target cluster shape the new copy, and only that."""

from __future__ import annotations

from tests.support.saga import Saga, override_of


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
