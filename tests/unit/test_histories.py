"""Histories that were recorded on real servers are replayed by today's code, in every phase.

A change of the workflow that a running failover could not survive fails here. Histories are added
with `make record-histories`, never changed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.replaying import cut_off, read, recorded, replayer


def test_there_are_histories_of_every_kind() -> None:
    """Nothing is proved by replaying nothing."""
    names = {path.name.removesuffix(".json.gz") for path in recorded()}
    assert {
        "directly",
        "planned-ahead",
        "gracefully",
        "never",
        "rolled-back",
        "aborted",
        "approved",
        "protected",
        "unprotected",
        "good-state",
        "declared-again",
        "sweep",
    } <= names


@pytest.mark.parametrize("path", recorded(), ids=lambda path: path.name.removesuffix(".json.gz"))
async def test_a_recorded_failover_goes_on_under_this_release(path: Path) -> None:
    """Whole, and stopped after each of its workflow tasks."""
    history = read(path)
    replaying = replayer()
    await replaying.replay_workflow(history)
    for stopped in cut_off(history):
        await replaying.replay_workflow(stopped)
