"""What a person at a terminal sees: the question before a move, and live views that Ctrl-C ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.exits import EXIT_INTERRUPTED, EXIT_REFUSED
from failover.domain.identity import ApplicationRef
from tests.support.engine import Engine, failover_policy, write_policy
from tests.support.terminal import CTRL_C, REDRAWN, Terminal, on_terminal

ORDERS = "flinkdeployment/orders"


@pytest.fixture
def policy(namespace: str, tmp_path: Path) -> str:
    """A policy by which the application is moved at once."""
    return write_policy(tmp_path, failover_policy("orders", namespace))


@pytest.fixture
def patient(namespace: str, tmp_path: Path) -> str:
    """A policy by which the failover tolerates for as long as a test lasts."""
    return write_policy(tmp_path, failover_policy("orders", namespace, toleration_seconds=600))


async def asked(terminal: Terminal, namespace: str) -> None:
    """Topology and plan are shown, and then the question, and nothing goes on before the answer."""
    place = 0
    for shown in (
        r"east +lives here +Unhealthy",
        r"west +Chosen",
        r"Steps:\n +1\. capture the state",
        rf"Move FlinkDeployment/orders in {namespace} off east\? \[y/N\] $",
    ):
        place = (await terminal.shows(shown, after=place)).end()


async def test_a_no_leaves_everything_as_it_is(engine: Engine, namespace: str, policy: str) -> None:
    """`start` shows topology and plan, and asks; after an `n` no failover was ever started."""
    application = await engine.apply_sick_flink("orders", namespace)
    before = await engine.find("east", application)
    command = (*engine.program(), "start", ORDERS, "-n", namespace, "-f", policy)
    async with on_terminal(*command) as terminal:
        await asked(terminal, namespace)
        terminal.type("n\n")
        assert await terminal.ends() == EXIT_REFUSED
        assert "nothing was done" in terminal.text
    assert "no failover" in (await engine.cli("status", ORDERS, "-n", namespace)).err
    assert await engine.find("east", application) == before


async def test_a_yes_starts_it_and_the_view_follows_it_to_its_end(
    engine: Engine, namespace: str, policy: str
) -> None:
    """After a `y` it is started; with --wait the view is drawn until it is Completed."""
    application = await engine.apply_sick_flink("orders", namespace)
    command = (*engine.program(), "start", ORDERS, "-n", namespace, "-f", policy, "--wait")
    async with on_terminal(*command) as terminal:
        await asked(terminal, namespace)
        terminal.type("y\n")
        await terminal.shows(r"orders started\n")
        assert await terminal.ends() == 0
        assert f"FlinkDeployment/orders in {namespace}: Completed" in terminal.text
    await engine.healthy_on("west", application)


async def test_status_is_drawn_until_ctrl_c(engine: Engine, namespace: str, patient: str) -> None:
    """`status -w` goes on in place; Ctrl-C ends the view and not the failover."""
    application = await tolerating(engine, namespace, patient)
    async with on_terminal(*engine.program(), "status", ORDERS, "-n", namespace, "-w") as terminal:
        await terminal.shows(r"FlinkDeployment/orders in \S+: Tolerating")
        took = await terminal.shows(r"Tolerating +east +\S+ +(\S+) s \(now\)")
        await terminal.shows(rf" (?!{took[1]} )\S+ s \(now\)", after=took.end())
        assert REDRAWN in terminal.raw
        await interrupted(terminal)
    await engine.in_phase(application, "Tolerating")
    assert (await engine.cli("abort", ORDERS, "-n", namespace)).code == 0


async def test_the_list_is_drawn_until_ctrl_c(engine: Engine, namespace: str, patient: str) -> None:
    """`list -w` shows what changes, in place, until Ctrl-C."""
    await tolerating(engine, namespace, patient)
    async with on_terminal(*engine.program(), "list", "-n", namespace, "--all", "-w") as terminal:
        drawn = await terminal.shows(rf"{ORDERS} +Tolerating")
        assert (await engine.cli("abort", ORDERS, "-n", namespace)).code == 0
        await terminal.shows(rf"{ORDERS} +Aborted", after=drawn.end())
        assert REDRAWN in terminal.raw
        await interrupted(terminal)


async def tolerating(engine: Engine, namespace: str, policy: str) -> ApplicationRef:
    """A failover that waits."""
    application = await engine.apply_sick_flink("orders", namespace)
    started = await engine.cli("start", ORDERS, "-n", namespace, "-f", policy, "-y")
    assert started.code == 0, started.err
    await engine.in_phase(application, "Tolerating")
    return application


async def interrupted(terminal: Terminal) -> None:
    """Ctrl-C ends it in peace, with the cursor to be seen again."""
    terminal.type(CTRL_C)
    assert await terminal.ends() == EXIT_INTERRUPTED
    assert "Traceback" not in terminal.text
    assert "rror" not in terminal.text
    assert terminal.raw.rindex("\x1b[?25h") > terminal.raw.rindex("\x1b[?25l")
