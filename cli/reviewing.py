"""`failover report`: what was moved, what would have been, and what a person would call a false alarm."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer

from cli.context import AllNamespaces, Namespace, run, surroundings
from cli.durations import duration, typed
from cli.printing import Output, moment, print_data, print_table, say, tell
from failover.domain.review import SILENCE, Line, Review, Wait, review
from failover.domain.telling import seconds
from triggers.retention import retention_of
from triggers.reviewing import RUNS_MAX, runs_since


class Form(StrEnum):
    """Forms of a report."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    MARKDOWN = "markdown"


def add_to(app: typer.Typer) -> None:
    """Add `report`."""
    app.command(name="report")(report)


def report(
    since: Annotated[
        str, typer.Option("--since", metavar="DURATION", help="How far back: 30d, 12h, …")
    ] = "30d",
    soon: Annotated[
        str,
        typer.Option(
            "--soon", metavar="DURATION", help="Well again within this makes a false alarm."
        ),
    ] = "15m",
    namespace: Namespace = "default",
    all_namespaces: AllNamespaces = False,
    output: Annotated[
        Form, typer.Option("--output", "-o", help="Form of the answer.")
    ] = Form.TABLE,
) -> None:
    """Say what was moved and what would have been, what recovered by itself, and who was waited for.

    Counted by illness, not by run, from what Temporal still keeps. Changes nothing.
    """
    place = "" if all_namespaces else namespace
    run(_report(duration(since), duration(soon), place, output))


async def _report(back: timedelta, soon: timedelta, namespace: str, output: Form) -> None:
    client = await surroundings().client()
    now = datetime.now(UTC)
    runs = await runs_since(client, now - back, namespace=namespace)
    if len(runs) >= RUNS_MAX:
        tell(f"only the newest {RUNS_MAX} failovers are looked at; ask for less with --since")
    retention = await retention_of(client)
    made = review(runs, since=now - back, now=now, soon=soon, retention=retention)
    if made.is_cut:
        tell(cut_short(made, client.namespace))
    match output:
        case Form.JSON | Form.YAML:
            print_data(report_data(made), Output(output.value))
        case Form.MARKDOWN:
            print("\n".join(markdown(made)))
        case Form.TABLE | Form.WIDE:
            _show(made, wide=output is Form.WIDE)


def _show(made: Review, *, wide: bool) -> None:
    for line in sentences(made):
        say(line)
    if made.lines:
        say()
        print_table(headings(wide=wide), rows(made, wide=wide))
    say()
    for line in notes(made):
        say(line)


def cut_short(made: Review, namespace: str) -> str:
    """What a report is missing that looks further back than Temporal keeps what has ended, and how to mend it."""
    assert made.retention is not None
    asked = made.until - made.since
    return (
        f"Temporal keeps ended failovers for {typed(made.retention)} only, so those that ended before "
        f"{moment(made.until - made.retention)} are not in this report; to keep for {typed(asked)} what ends from "
        f"now on: temporal operator namespace update --namespace {namespace} --retention {typed(asked)}"
    )


def sentences(made: Review) -> list[str]:
    """What it comes to, the most important first."""
    total = made.total
    if not total.illnesses:
        return [f"No application was reported ill since {moment(made.since)}."]
    would = total.moved + total.would_have_moved
    soon = seconds(made.soon)
    first = (
        f"With mode Automatic, {would} of {total.illnesses} would have been moved; "
        f"{total.false_alarms} of them {_was(total.false_alarms)} well again within {soon}."
    )
    return [first, *_details(made)]


def _details(made: Review) -> Iterable[str]:
    total = made.total
    if total.would_have_moved:
        rate = total.false_alarm_rate
        unknown = total.would_have_moved - total.false_alarms - total.still_ill
        told = "not known of any yet" if rate is None else f"{rate:.0%}"
        yield (
            f"False alarms: {told} ({total.seen_well} seen well again, {total.not_seen_again} not reported again; "
            f"{total.still_ill} stayed ill; {unknown} not known)."
        )
    counts = (
        (total.moved, "moved"),
        (total.recovered, "recovered while tolerated"),
        (total.refused, "refused"),
        (total.given_up, "given up"),
        (total.under_way, "under way"),
    )
    told = ", ".join(f"{count} {what}" for count, what in counts if count)
    if told:
        yield f"Of all {total.illnesses}: {told}."
    if total.longest_downtime is not None and total.median_downtime is not None:
        yield (
            f"Downtime: {seconds(total.median_downtime)} in the median, {seconds(total.longest_downtime)} "
            "at the longest."
        )
    yield from (_waited(each) for each in made.waits)
    if made.refusals:
        told = ", ".join(f"{reason} ({count})" for reason, count in made.refusals.items())
        yield f"Refused because of: {told}."


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _waited(each: Wait) -> str:
    who = "for a person " if each.for_people else ""
    times = "1 failover" if each.failovers == 1 else f"{each.failovers} failovers"
    return f"{each.name}: {times} waited {who}{seconds(each.total)} together, {seconds(each.longest)} at the longest."


def notes(made: Review) -> list[str]:
    """What the words mean, and what cannot be known."""
    kept = "" if made.retention is None else f" (ended ones for {typed(made.retention)})"
    period = (
        f"From {moment(made.since)} to {moment(made.until)}, {made.runs} failovers that Temporal still keeps{kept}. "
        "An illness is counted once, however many runs looked at it."
    )
    alarms = (
        f"A false alarm would have been moved, and within {seconds(made.soon)} it was seen healthy by a later run, or "
        f"was not reported again although the watcher reports what is still ill within {seconds(SILENCE)} (a watcher "
        "that is stopped reports nothing either). What people did outside this engine is not known to it; where they "
        "had a hand in a run, it is not counted."
    )
    downtime = (
        "Downtime is from the first report to the application seen healthy. Of what was really moved nobody can tell "
        "whether it would have recovered."
    )
    return [period, alarms, downtime]


def headings(*, wide: bool) -> tuple[str, ...]:
    """The columns."""
    more = ("GIVEN UP", "UNDER WAY", "SEEN WELL", "NOT SEEN AGAIN", "STILL ILL") if wide else ()
    return (
        "NAMESPACE", "NAME", "REASON", "ILL", "WOULD MOVE", "MOVED", "RECOVERED", "REFUSED",
        "FALSE ALARMS", "MEDIAN", "LONGEST", *more,
    )  # fmt: skip


def rows(made: Review, *, wide: bool) -> list[tuple[str, ...]]:
    """One for each application and reason."""
    return [_row(each, wide=wide) for each in made.lines]


def _row(each: Line, *, wide: bool) -> tuple[str, ...]:
    more = (each.given_up, each.under_way, each.seen_well, each.not_seen_again, each.still_ill)
    counts = (
        each.illnesses, each.would_have_moved, each.moved, each.recovered, each.refused,
        each.false_alarms,
    )  # fmt: skip
    about = each.application
    return (
        about.namespace if about else "",
        about.short if about else "",
        each.reason,
        *map(str, counts),
        _took(each.median_downtime),
        _took(each.longest_downtime),
        *(map(str, more) if wide else ()),
    )


def _took(value: timedelta | None) -> str:
    return "-" if value is None else seconds(value)


def markdown(made: Review) -> list[str]:
    """The report for a page or a ticket."""
    columns = headings(wide=False)
    table = [
        _cells(columns),
        _cells("---" for _ in columns),
        *(_cells(row) for row in rows(made, wide=False)),
    ]
    first, *rest = sentences(made)
    return [
        f"# Failovers from {moment(made.since)} to {moment(made.until)}",
        "",
        f"**{first}**",
        "",
        *(f"- {each}" for each in rest),
        *(("", *table) if made.lines else ()),
        "",
        *(f"> {each}\n>" for each in notes(made)[:-1]),
        f"> {notes(made)[-1]}",
    ]


def _cells(values: Iterable[str]) -> str:
    return "| " + " | ".join(each.replace("|", "\\|") for each in values) + " |"


def report_data(made: Review) -> dict[str, Any]:
    """The report for a program; durations in seconds."""
    return {
        "since": moment(made.since),
        "until": moment(made.until),
        "soonSeconds": made.soon.total_seconds(),
        "silenceSeconds": SILENCE.total_seconds(),
        "retentionSeconds": _or_none(made.retention),
        "longerThanRetention": made.is_cut,
        "runs": made.runs,
        "sentences": sentences(made),
        "notes": notes(made),
        "total": _line_data(made.total),
        "items": [_line_data(each) for each in made.lines],
        "waits": [
            {
                "name": each.name,
                "forPeople": each.for_people,
                "failovers": each.failovers,
                "totalSeconds": each.total.total_seconds(),
                "longestSeconds": each.longest.total_seconds(),
            }
            for each in made.waits
        ],
        "refusals": made.refusals,
    }


def _line_data(each: Line) -> dict[str, Any]:
    counted = {
        _camel(field.name): getattr(each, field.name)
        for field in fields(Line)
        if field.name not in {"median_downtime", "longest_downtime", "application"}
    }
    return {
        "application": each.application,
        **counted,
        "falseAlarms": each.false_alarms,
        "falseAlarmRate": each.false_alarm_rate,
        "medianDowntimeSeconds": _or_none(each.median_downtime),
        "longestDowntimeSeconds": _or_none(each.longest_downtime),
    }


def _or_none(value: timedelta | None) -> float | None:
    return None if value is None else value.total_seconds()


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(each.title() for each in rest)
