"""What the demo says, on a terminal and piped."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from cli.demo.narrator import DONE, Narrator, took


def narrator(*, live: bool) -> tuple[Narrator, io.StringIO]:
    """A narrator, and what it has written."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=live, width=100, soft_wrap=True, highlight=False)
    return Narrator(console, live=live), out


def test_piped_it_writes_plain_lines() -> None:
    """No escape sequences; the countdown every other second, and no second twice."""
    teller, out = narrator(live=False)
    for left in (4, 4, 3, 2, 2, 1):
        teller.waiting("tolerating", f"{left} s left", seconds_left=left)
    teller.event(DONE, "captured", "jobId [a]")
    teller.timeline([("Tolerating", "east", 8.0), ("Purging", "east", 0.034)])
    text = out.getvalue()
    assert "\x1b" not in text
    assert [line.split()[-3] for line in text.splitlines() if "left" in line] == ["4", "2"]
    assert "✓ captured      jobId [a]" in text
    assert "34 ms" in text


def test_on_a_terminal_the_waiting_line_changes_in_place() -> None:
    """It takes no line of its own, and is gone when something has happened."""
    teller, out = narrator(live=True)
    for left in (3, 2, 1):
        teller.waiting("tolerating", f"{left} s left", seconds_left=left)
    teller.settle()
    assert out.getvalue().count("\x1b[2K") >= 3
    assert out.getvalue().count("\n") <= 1


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0341, "34 ms"), (0.9994, "999 ms"), (8.0, "8.00 s")]
)
def test_durations_are_read_at_a_glance(seconds: float, text: str) -> None:
    """Milliseconds below a second, hundredths above."""
    assert took(seconds) == text
