"""Histories that were recorded on real servers are replayed by today's code, in every phase.

A change of the workflow that a running failover could not survive fails here. Histories are added
with `make record-histories`, never changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from temporalio.api.history.v1 import HistoryEvent

from failover.domain.phases import BLOCKED, Phase
from tests.support.replaying import cut_off, read, recorded, replayer

STEPS = {"capture_and_stage": Phase.CAPTURING, "start_on_target": Phase.STARTING}
"""Phases that no list shows, since they are over at once: by what they do."""


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
        "held",
        "waiting",
    } <= names


def test_there_is_a_history_that_stands_in_each_phase() -> None:
    """Cut off after each of its workflow tasks, one of them waits there, or is about to do what the phase does."""
    shown: set[str] = set()
    for path in recorded():
        for event in read(path).events:
            shown |= set(_phases_of(event))
    assert {BLOCKED, *(each.value for each in Phase)} <= shown


def _phases_of(event: HistoryEvent) -> Iterator[str]:
    """The phase that a list shows from here on, and the one whose step is given out here."""
    upserted = event.upsert_workflow_search_attributes_event_attributes.search_attributes
    if (phase := upserted.indexed_fields.get("FailoverPhase")) is not None:
        yield str(json.loads(phase.data))
    if (step := event.activity_task_scheduled_event_attributes.activity_type.name) in STEPS:
        yield STEPS[step].value


@pytest.mark.parametrize("path", recorded(), ids=lambda path: path.name.removesuffix(".json.gz"))
async def test_a_recorded_failover_goes_on_under_this_release(path: Path) -> None:
    """Whole, and stopped after each of its workflow tasks."""
    history = read(path)
    replaying = replayer()
    await replaying.replay_workflow(history)
    for stopped in cut_off(history):
        await replaying.replay_workflow(stopped)
