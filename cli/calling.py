"""`failover call --test`: tells everybody in the receivers' file that this is a test, and shows what they answer."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import run, surroundings
from cli.exits import EXIT_FAILED
from cli.printing import Output, OutputOption, print_data, print_table
from failover.domain.errors import InvalidInput

if TYPE_CHECKING:
    from failover.receivers.sending import Answer

LASTS = timedelta(minutes=5)
HEADINGS = ("RECEIVER", "CALL", "ANSWER", "TEXT")


def add_to(app: typer.Typer) -> None:
    """Add `call`."""
    app.command(name="call")(call)


def call(
    *,
    test: Annotated[
        bool, typer.Option("--test", help="Say that this is a test; there is no other call yet.")
    ] = False,
    receivers: Annotated[
        Path | None,
        typer.Option(
            "--receivers", metavar="FILE", help="The receivers' file; else FAILOVER_RECEIVERS."
        ),
    ] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Call each receiver as a failover that waits would, and tell it that the wait is over.

    Exits with 1 where one was not reached.
    """
    if not test:
        raise InvalidInput(
            "a failover calls by itself where it waits; to try the receivers: --test"
        )
    settings = surroundings().settings
    file = receivers or settings.receivers
    if file is None:
        raise InvalidInput("name the receivers' file with --receivers or FAILOVER_RECEIVERS")
    answers = run(_call(file, settings.ui, settings.runbook))
    if output.is_data:
        print_data(
            {
                "items": [
                    {"receiver": name, "call": what, "ok": a.ok, "answer": a.told, "text": a.text}
                    for name, what, a in answers
                ]
            },
            output,
        )
    else:
        shown = ((name, what, a.told, _printable(a.text)) for name, what, a in answers)
        print_table(HEADINGS, shown)
    if not all(answer.ok for _, _, answer in answers):
        raise typer.Exit(EXIT_FAILED)


async def _call(file: Path, ui: str, runbook: str) -> list[tuple[str, str, Answer]]:
    from failover.domain.calling.wording import facts  # noqa: PLC0415 - for this verb only
    from failover.receivers.reading import EXAMPLE, ReceiverFile  # noqa: PLC0415
    from failover.receivers.sending import send  # noqa: PLC0415
    from failover.temporal import ui_link  # noqa: PLC0415

    now = datetime.now(UTC)
    example = EXAMPLE.model_copy(update={"since": now})
    current = ReceiverFile(file).current()
    link = ui_link(ui, "default", example.failover)
    answers: list[tuple[str, str, Answer]] = []
    for resolved, what in ((False, "firing"), (True, "resolved")):
        told = facts(example, now, number=0, resolved=resolved, link=link, runbook=runbook)
        meant = [each for each in current.receivers if each.wants_resolved or not resolved]
        found = await asyncio.gather(*(send(each, told, now, LASTS) for each in meant))
        answers += [(each.name, what, got) for each, got in zip(meant, found, strict=True)]
    return answers


def _printable(text: str) -> str:
    """What a stranger has answered, without what would steer a terminal."""
    return "".join(each for each in text if each.isprintable())
