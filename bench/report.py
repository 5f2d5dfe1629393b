"""The figures as a table for a terminal, or one to paste into a document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.__main__ import Results

Row = tuple[str, str, str]

GOAL_ONE = "p50 ≤ 90 ms"
GOAL_THOUSAND = "last ≤ 50 s"
GOAL_DETECTED = "p50 ≤ 50 ms, p99 ≤ 500 ms"
GOAL_MEMORY = "10,000: under 600 MB"
GOAL_CORE = "10,000: under 5 %"
PRODUCT = ("watcher", "worker")
GOALS_KILLED = ("≤ 5 s", "≤ 17 s", "0: as without a kill")


def rendered(results: Results, *, markdown: bool) -> str:
    """Machine facts, then measure, figure and goal in three columns."""
    rows = list(_rows(results))
    machine = results.machine
    facts = (
        f"{machine.date}, {machine.cores} cores, {machine.memory_gigabytes} GiB, {machine.system}, "
        f"Python {machine.python}, temporalio {machine.temporalio}, "
        f"load before {machine.foreign_load}, seed {results.seed}"
    )
    head: Row = ("measure", "figure", "goal")
    if markdown:
        lines = [_bar(head), "|---|---|---|", *(_bar(row) for row in rows)]
        return "\n".join([facts, "", *lines])
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(3)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
             for row in (head, *rows)]  # fmt: skip
    return "\n".join([facts, "", *lines])


def _bar(row: Row) -> str:
    return f"| {' | '.join(row)} |"


def _rows(results: Results) -> Iterable[Row]:
    before_and_after = " and ".join(_ms(each) for each in results.yardstick_seconds)
    yield "yardstick: five empty activities, before and after", before_and_after, ""
    for label, one in (
        ("one at a time", results.one),
        ("one at a time, first in its namespace", results.one_in_new_namespaces),
    ):
        if one is None:
            continue
        figure = f"p50 {_ms(one.p50)}, p95 {_ms(one.p95)}, min {_ms(one.least)}, max {_ms(one.most)} (n={one.count})"
        yield label, figure, GOAL_ONE
        yield f"{label}: healthy copy to closed run", f"p50 {_ms(one.closed_p50)}", ""
        yield f"{label}: processor time each", _processor(one.processor_seconds_each), ""
        yield f"{label}: history", f"{one.events_p50} events, {one.tasks_p50} workflow tasks", ""
        yield f"{label}: false timeouts", str(one.false_timeouts), "0"
    for many in results.at_once:
        label = f"{many.count:,} at once"
        figure = (
            f"last {many.last:.1f} s, median {many.median:.1f} s, {many.per_second:.1f} per second"
        )
        yield label, figure, GOAL_THOUSAND if many.count >= 1000 else ""
        yield f"{label}: processor time", _processor(many.processor_seconds), ""
        timeouts = (
            f"{many.false_activity_timeouts} heartbeats, {many.false_task_timeouts} workflow tasks"
        )
        yield f"{label}: false timeouts", timeouts, "0"
        yield f"{label}: worker's peak memory", f"{many.worker_peak_megabytes:.0f} MB", ""
    for killed, goal in zip(results.killed, GOALS_KILLED, strict=False):
        figure = f"median {killed.median:.2f} s, max {killed.most:.2f} s (n={killed.count})"
        yield f"worker killed {killed.where}: late", figure, goal
    yield from _protected(results)


def _protected(results: Results) -> Iterable[Row]:
    for idle in results.idle:
        label = f"{idle.applications:,} protected, idle"
        both = sum(idle.megabytes[name] for name in PRODUCT)
        each = ", ".join(f"{name} {idle.megabytes[name]:.0f}" for name in PRODUCT)
        yield f"{label}: memory", f"{both:.0f} MB: {each}", GOAL_MEMORY
        core = sum(idle.core[name] for name in PRODUCT)
        each = ", ".join(f"{name} {idle.core.get(name, 0):.1%}" for name in (*PRODUCT, "temporal"))
        yield f"{label}: part of a core", f"{core:.1%}; {each}", GOAL_CORE
        made = (
            f"{idle.declared_seconds:.0f} s, {idle.declared_seconds / idle.applications:.2f} s each"
        )
        yield f"{idle.applications:,} protected: declared and looked at in", made, ""
        for label, spent in (
            ("declared and looked at", idle.declared_processor_seconds),
            ("until nothing is done any more", idle.settled_processor_seconds),
        ):
            figure = _processor(spent, idle.applications)
            yield f"{idle.applications:,} protected: processor time each, {label}", figure, ""
        figure = f"{idle.requests / idle.applications:.1f} requests, {idle.events_each:.1f} events"
        yield f"{idle.applications:,} protected: each, until nothing is done any more", figure, ""
    for cold in results.cold:
        label = f"{cold.applications:,} protected: cold start of the watcher"
        yield label, f"{cold.seconds:.1f} s, {cold.processor_seconds:.1f} s of processor time", ""
    for storm in results.storms:
        label = f"{storm.applications:,} protected, {storm.changes / storm.seconds:,.0f} changes a second"
        woken = f"{storm.events_added} events in {storm.seconds:.0f} s, {storm.failovers} failovers"
        yield f"{label}: histories grow by", woken, "0"
        shown = ", ".join(f"{name} {storm.core[name]:.1%}" for name in PRODUCT)
        yield f"{label}: part of a core", shown, ""
    for found in results.detected:
        label = f"{found.applications:,} protected: ill to failover started"
        figure = (
            f"p50 {_ms(found.p50)}, p99 {_ms(found.p99)}, max {_ms(found.most)} (n={found.count})"
        )
        yield label, figure, GOAL_DETECTED


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def _processor(seconds: Mapping[str, float], each_of: int = 1) -> str:
    """Of all together, or of each in milliseconds where there are many."""
    if each_of > 1:
        shown = {name: 1000 * value / each_of for name, value in seconds.items()}
        parts = ", ".join(
            f"{name} {value:.0f}"
            for name, value in sorted(shown.items(), key=lambda item: -item[1])
        )
        return f"{sum(shown.values()):.0f} ms: {parts}"
    shown = {name: value for name, value in seconds.items() if value >= 0.005}
    total = sum(shown.values())
    parts = ", ".join(
        f"{name} {value:.2f}" for name, value in sorted(shown.items(), key=lambda item: -item[1])
    )
    return f"{total:.2f} s: {parts}"
