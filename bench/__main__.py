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
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench import report
from bench.arena import arena
from bench.machine import Machine, this_machine
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

PARTS = ("one", "new", "hundred", "thousand", "killed")


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


@dataclass(frozen=True)
class Sizes:
    """How much of each is done."""

    one: int = 30
    new: int = 10
    hundred: int = 100
    thousand: int = 1000
    killed: int = 12


QUICK = Sizes(one=10, new=3, hundred=100, thousand=0, killed=3)


async def measure(parts: Sequence[str], sizes: Sizes, results: Results, directory: Path) -> None:
    """Measure the parts in turn, in one world."""
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
    parser.add_argument("-o", "--output", choices=("table", "markdown", "json"), default="table")
    parser.add_argument("--markdown", action="store_const", const="markdown", dest="output")
    chosen = parser.parse_args()
    seed = chosen.seed if chosen.seed is not None else random.SystemRandom().randrange(10**6)
    sizes = QUICK if chosen.quick else Sizes(thousand=chosen.count or Sizes.thousand)
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
