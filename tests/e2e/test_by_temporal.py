"""A failover that is stuck is understood, and decided about, by Temporal's own means alone.

What the web UI shows is asked of the server as the UI asks it; what a person types there is typed with the
`temporal` command. What docs/temporal.md shows for a start by hand is copied from it and run.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from temporalio.api.sdk.v1 import WorkflowMetadata

from devstack.binaries import provide
from devstack.products import TEMPORAL
from failover.domain.identity import failover_id
from tests.support.chronicle import Chronicle
from tests.support.saga import NAMESPACE, Application, Saga, policy_of
from tests.support.waiting import eventually
from triggers.starting import Merged, start_failover

PAGE = (Path(__file__).parents[2] / "docs" / "temporal.md").read_text()
WAITED = '"tolerationSeconds": 120'
"""What the page's request tolerates, and a test does not wait for."""


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


async def test_failovers_are_started_as_the_page_shows(saga: Saga, tmp_path: Path) -> None:
    """Its request with its shell command, and with its Python: the application's names put in, and no toleration."""
    apps = await asyncio.gather(saga.ill_application("by-shell"), saga.ill_application("by-python"))
    for app in apps:
        (tmp_path / app.name).mkdir()
        request = names_put_in(app, block("json", '"application"'))
        assert WAITED in request
        untolerated = request.replace(WAITED, WAITED.replace("120", "0"))
        (tmp_path / app.name / "request.json").write_text(untolerated)
    shell, python = (tmp_path / app.name for app in apps)
    command = names_put_in(apps[0], block("", "temporal workflow start --type Failover"))
    program = names_put_in(apps[1], block("python", "start_workflow"))
    started, ran = await asyncio.gather(
        run(saga, "bash", "-euc", command, within=shell),
        run(saga, sys.executable, "-c", program, within=python),
    )
    assert started[0] == 0, started[1]
    for app in apps:
        app.handle = saga.client.get_workflow_handle(failover_id(app.ref))
        await app.moved()
    assert ran[0] == 0, ran[1]
    assert ran[1].endswith("Completed west\n"), ran[1]


def block(language: str, holds: str) -> str:
    """The one fenced block of the page that holds these words."""
    fenced = (each.partition("\n") for each in PAGE.split("```")[1::2])
    (found,) = [text for tag, _, text in fenced if tag == language and holds in text]
    return found


def names_put_in(app: Application, text: str) -> str:
    """What the page says of `orders` in `shop`, said of this application."""
    return text.replace("shop", NAMESPACE).replace("orders", app.name)


async def update(app: Application, **resolution: str) -> tuple[int, str]:
    """`temporal workflow update execute`, as docs/temporal.md shows it: exit code, and all that it says."""
    return await run(
        app.saga, "temporal", "workflow", "update", "execute",
        "-w", app.run.id, "--name", "resolve", "--input", json.dumps(resolution),
    )  # fmt: skip


async def run(saga: Saga, *command: str, within: Path | None = None) -> tuple[int, str]:
    """A program that finds Temporal as its variables say, and `temporal` on its path: exit code, and all that it says."""
    tools = await asyncio.to_thread(provide, (TEMPORAL,))
    (temporal,) = tools["temporal"]
    plain = {key: value for key, value in os.environ.items() if not key.startswith("TEMPORAL_")}
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=within,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={
            **plain,
            "PATH": f"{Path(temporal).parent}{os.pathsep}{plain['PATH']}",
            "TEMPORAL_ADDRESS": saga.world.temporal_address,
        },
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()
