"""A failover that is stuck is understood, and decided about, by Temporal's own means alone.

What the web UI shows is asked of the server as the UI asks it; what a person types there is typed with the
`temporal` command.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

from temporalio.api.sdk.v1 import WorkflowMetadata

from devstack.binaries import provide
from devstack.products import TEMPORAL
from tests.support.chronicle import Chronicle
from tests.support.saga import NAMESPACE, Application, Saga, policy_of
from tests.support.waiting import eventually
from triggers.starting import Merged, start_failover


async def test_a_stuck_failover_is_seen_and_resolved_without_our_command_line(saga: Saga) -> None:
    """Its texts say what is the matter and what to type; that is typed, and does what it says."""
    app = await saga.ill_application("by-temporal")
    policy = policy_of(app.name, path="{ .jobStatus.nothing }")
    await app.start(policy)
    await app.blocks("MissingKey")
    await says_where_it_stands(app)
    await says_what_it_is_about(app)
    await is_told_on_its_object(app)
    await is_not_woken(app)
    await is_retried(app)
    await is_not_skipped_plainly(app)
    code, said = await update(app, action="Abort", actor="ada", note="enough")
    assert code == 0, said
    ending = await app.untouched()
    assert "ada" in ending.message, ending


async def says_where_it_stands(app: Application) -> None:
    """The details on the right of the UI, which a worker answers for."""
    metadata = await app.run.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    told = metadata.current_details
    for words in (
        "**Blocked** · a person has to decide",
        "**MissingKey**: ",
        "{ .jobStatus.nothing }",
        f"- `failover retry flinkdeployment/{app.name} -n {NAMESPACE}`",
        f"- `failover abort flinkdeployment/{app.name} -n {NAMESPACE}`",
        "- Copies: the original is untouched on east",
        "- Point of no return: not passed",
        "Planning",
    ):
        assert words in told, told
    updates = {each.name: each.description for each in metadata.definition.update_definitions}
    assert set(updates) == {"resolve", "approve", "deny", "retarget"}
    assert '"action": "Retry|Skip|Replan|Abort"' in updates["resolve"]


async def says_what_it_is_about(app: Application) -> None:
    """The summary and the details on the left, which Temporal itself keeps."""
    described = await app.run.describe()
    summary, told = await described.static_summary(), await described.static_details()
    assert summary == f"{app.name} (FlinkDeployment) off east: JobManagerMissing"
    assert told is not None
    for words in (
        "- Trigger: Manual by tests",
        f"- Policy: FailoverPolicy/{app.name} in {NAMESPACE}",
        "← `{ .jobStatus.nothing }`",
        '- `resolve` with `{"action": "Retry", "actor": "you", "note": "why"}`',
    ):
        assert words in told, told


async def is_told_on_its_object(app: Application) -> None:
    """`kubectl describe` shows it as well."""

    async def event() -> dict[str, Any] | None:
        events = await app.events("east")
        return next((each for each in events if each["reason"] == "FailoverBlocked"), None)

    told = await eventually(event, "an Event says that it is Blocked")
    assert told["type"] == "Warning"
    assert told["message"].startswith("MissingKey: ")
    assert "the original is untouched on east" in told["message"]


async def is_not_woken(app: Application) -> None:
    """Whoever sees it ill joins it every half minute, which a history would not bear for weeks."""
    assert app.policy is not None
    joined = await start_failover(app.saga.client, app.request(app.policy))
    assert isinstance(joined, Merged)
    events = (await Chronicle.of(app.run)).events
    signals = [
        each for each in events if each.HasField("workflow_execution_signaled_event_attributes")
    ]
    assert not signals, "a run that waits for a person is left alone"


async def is_retried(app: Application) -> None:
    """The path is still not there: it is Blocked again, for the same reason."""
    before = (await app.status()).block
    assert before is not None
    code, said = await update(app, action="Retry", actor="ada", note="once more")
    assert code == 0, said
    assert "Retry is taken up" in said

    async def again() -> bool:
        block = (await app.status()).block
        return block is not None and block.since > before.since

    await eventually(again, "it is tried, and Blocked again")
    await app.blocks("MissingKey")


async def is_not_skipped_plainly(app: Application) -> None:
    """What makes no sense is refused with a sentence, before it is in the history."""
    code, said = await update(app, action="Skip", actor="ada", note="whatever")
    assert code != 0, said
    assert "name the one rule" in said


async def update(app: Application, **resolution: str) -> tuple[int, str]:
    """`temporal workflow update execute`, as docs/temporal.md shows it: exit code, and all that it says."""
    tools = await asyncio.to_thread(provide, (TEMPORAL,))
    process = await asyncio.create_subprocess_exec(
        *tools["temporal"], "workflow", "update", "execute",
        "--address", app.saga.world.temporal_address,
        "-w", app.run.id, "--name", "resolve", "--input", json.dumps(resolution),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={key: value for key, value in os.environ.items() if not key.startswith("TEMPORAL_")},
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()
