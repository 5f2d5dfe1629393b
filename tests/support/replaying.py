"""Replaying histories with today's code: whole, and cut off after any workflow task."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator
from pathlib import Path

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from workflows.application import ApplicationWorkflow
from workflows.failover import FailoverWorkflow
from workflows.pause import PauseWorkflow
from workflows.sweep import SweepWorkflow

PURE = ("failover", "activities", "jsonpath_ng", "yaml", "prometheus_client")
"""What is not imported anew for each run: no module of these holds any state."""
DIRECTORY = Path(__file__).parents[1] / "histories"


def replayer() -> Replayer:
    """A replayer with today's workflows, in the sandbox: it fails on whatever a run may not do."""
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PURE)
    return Replayer(
        workflows=[FailoverWorkflow, PauseWorkflow, ApplicationWorkflow, SweepWorkflow],
        data_converter=pydantic_data_converter,
        workflow_runner=SandboxedWorkflowRunner(restrictions=restrictions),
    )


def cut_off(history: WorkflowHistory) -> Iterator[WorkflowHistory]:
    """The history as it stood after each of its workflow tasks, with the commands of that task."""
    events = list(history.events)
    for at, event in enumerate(events):
        if event.event_type != EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            continue
        end = at + 1
        while end < len(events) and _is_command_of(events[end], event.event_id):
            end += 1
        yield WorkflowHistory(history.workflow_id, events[:end])


def _is_command_of(event: HistoryEvent, task: int) -> bool:
    attributes = getattr(event, str(event.WhichOneof("attributes")))
    return bool(getattr(attributes, "workflow_task_completed_event_id", 0) == task)


def recorded() -> list[Path]:
    """The histories that earlier releases wrote."""
    return sorted(DIRECTORY.glob("*.json.gz"))


def read(path: Path) -> WorkflowHistory:
    """A recorded history."""
    history = WorkflowHistory.from_json("", gzip.decompress(path.read_bytes()).decode())
    started = history.events[0].workflow_execution_started_event_attributes
    return WorkflowHistory(started.workflow_id, history.events)


def write(name: str, history: WorkflowHistory) -> None:
    """Record a history, without names and paths of the machine it was made on."""
    DIRECTORY.mkdir(exist_ok=True)
    path = DIRECTORY / f"{name}.json.gz"
    root = str(Path(__file__).parents[2])
    text = history.to_json().replace(socket.gethostname(), "host").replace(root, "")
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
