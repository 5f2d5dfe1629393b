"""`python -m bench [--quick] [--only PART…] [-o table|markdown|json]`."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from bench import report
from bench.arena import arena
from bench.machine import Machine, this_machine
from bench.protected import (
    CLUSTERS,
    Cold,
    Detected,
    Idle,
    Storm,
    cold,
    detect,
    idle,
    pasture,
    storm,
)
from bench.scenarios import (
    AtOnce,
    Crew,
    Killed,
    OneAtATime,
    at_once,
    killed_after_copy,
    killed_before_copy,
    killed_tolerating,
    one_at_a_time,
    one_in_new_namespaces,
)
from bench.yardstick import five_empty_activities
from failover.domain.sweeping import rest_after
from failover.settings import Settings

FAILOVERS = ("one", "new", "hundred", "thousand", "killed")
PROTECTED = ("idle", "detect", "storm", "cold")
PARTS = (*FAILOVERS, *PROTECTED)


@dataclass
class Results:
    """All figures of one run."""

    machine: Machine
    seed: int
    quick: bool
    yardstick_seconds: list[float] = field(default_factory=list[float])
    """Five empty activities in a row, before and after all else: how fast the machine was."""
    one: OneAtATime | None = None
    one_in_new_namespaces: OneAtATime | None = None
    at_once: list[AtOnce] = field(default_factory=list[AtOnce])
    killed: list[Killed] = field(default_factory=list[Killed])
    idle: list[Idle] = field(default_factory=list[Idle])
    detected: list[Detected] = field(default_factory=list[Detected])
    storms: list[Storm] = field(default_factory=list[Storm])
    cold: list[Cold] = field(default_factory=list[Cold])


@dataclass(frozen=True)
class Sizes:
    """How much of each is done."""

    one: int = 30
    new: int = 10
    hundred: int = 100
    thousand: int = 1000
    killed: int = 12
    applications: tuple[int, ...] = (100, 1000)
    """Protected ones; each number is a herd of its own. Ten thousand are for `--applications 10000`."""
    idle_seconds: float = 60.0
    detect: int = 300
    storm_rate: int = 1000
    storm_seconds: int = 30


QUICK = Sizes(
    one=10, new=3, hundred=100, thousand=0, killed=3,
    applications=(100,), idle_seconds=20.0, detect=30, storm_seconds=10,
)  # fmt: skip


async def measure(parts: Sequence[str], sizes: Sizes, results: Results, directory: Path) -> None:
    """Measure the parts in turn: failovers in one world, protected applications in a world of each size."""
    if set(parts) & set(FAILOVERS):
        await measure_failovers(parts, sizes, results, directory)
    if set(parts) & set(PROTECTED):
        for count in sizes.applications:
            await measure_protected(parts, sizes, count, results, directory)


async def measure_protected(
    parts: Sequence[str], sizes: Sizes, count: int, results: Results, directory: Path
) -> None:
    """So many protected applications on simulated clusters; they are always made, and idle first."""
    _say(f"{count:,} applications on {CLUSTERS} simulated clusters are protected")
    async with pasture(directory, count) as ground:
        results.yardstick_seconds.append(await five_empty_activities(ground.client))
        # A sweep of many rests for minutes afterwards: one whole round of it is measured.
        whole_round = rest_after(count).total_seconds() + Settings().sweep_every_seconds
        seconds = max(sizes.idle_seconds, whole_round) if "idle" in parts else 1.0
        found = await idle(ground, seconds)
        if "idle" in parts:
            results.idle.append(found)
        if "cold" in parts:
            _say("the watcher is killed and started again")
            results.cold.append(await cold(ground))
        if "storm" in parts:
            _say(f"{sizes.storm_rate:,} changes a second for {sizes.storm_seconds} s")
            results.storms.append(await storm(ground, sizes.storm_rate, sizes.storm_seconds))
        if "detect" in parts:
            _say(f"{sizes.detect} applications become ill, one after the other")
            results.detected.append(await detect(ground, sizes.detect))


async def measure_failovers(
    parts: Sequence[str], sizes: Sizes, results: Results, directory: Path
) -> None:
    """One and many failovers, and killed workers, in one world."""
    dice = random.Random(results.seed)
    _say("a world of two clusters and Temporal starts")
    async with arena(directory) as ground:
        results.yardstick_seconds.append(await five_empty_activities(ground.client))
        worker = await ground.start_worker()
        if "one" in parts:
            _say(f"one at a time, {sizes.one} times")
            results.one = await one_at_a_time(ground, sizes.one)
        if "new" in parts:
            _say(f"one at a time in new namespaces, {sizes.new} times")
            results.one_in_new_namespaces = await one_in_new_namespaces(ground, sizes.new)
        for part, count in (("hundred", sizes.hundred), ("thousand", sizes.thousand)):
            if part in parts and count:
                _say(f"{count} at once (some {2 + count // 90} minutes)")
                results.at_once.append(await at_once(ground, worker, count))
        if "killed" in parts:
            crew = Crew(ground, [worker, await ground.start_worker("other-worker")])
            for scenario in (killed_before_copy, killed_after_copy, killed_tolerating):
                _say(f"{scenario.__name__.replace('_', ' ')}, {sizes.killed} times")
                results.killed.append(await scenario(ground, crew, sizes.killed, dice))
        results.yardstick_seconds.append(await five_empty_activities(ground.client))


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few minutes, without the thousand")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART")
    parser.add_argument("--seed", type=int, default=None, help="of the moments of the kills")
    parser.add_argument("--count", type=int, default=None, help="how many instead of a thousand")
    parser.add_argument(
        "--applications", type=int, nargs="+", metavar="N", help="how many are protected"
    )
    parser.add_argument("-o", "--output", choices=("table", "markdown", "json"), default="table")
    parser.add_argument("--markdown", action="store_const", const="markdown", dest="output")
    chosen = parser.parse_args()
    seed = chosen.seed if chosen.seed is not None else random.SystemRandom().randrange(10**6)
    sizes = QUICK if chosen.quick else Sizes(thousand=chosen.count or Sizes.thousand)
    if chosen.applications:
        sizes = replace(sizes, applications=tuple(chosen.applications))
    results = Results(this_machine(), seed, chosen.quick)
    try:
        with tempfile.TemporaryDirectory(prefix="failover-bench-") as directory:
            asyncio.run(measure(chosen.only, sizes, results, Path(directory)))
    finally:
        _print(results, chosen.output)  # what a later part's failure must not take away


def _print(results: Results, output: str) -> None:
    if output == "json":
        print(json.dumps(asdict(results), indent=2))
    else:
        print(report.rendered(results, markdown=output == "markdown"))


def _say(what: str) -> None:
    print(f"bench {time.strftime('%H:%M:%S')}: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
