"""What the demo says: a live line with a clock on a terminal, plain lines when piped."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from cli.printing import console, on_terminal

DONE, ILL, NOTE = "✓", "✗", "·"
_STYLES = {DONE: "green", ILL: "red", NOTE: "cyan"}
_FRAMES, _FRAMES_PER_SECOND = "◐◓◑◒", 8
_LABEL_WIDTH = 13
_BAR_WIDTH = 28
_PLAIN_COUNTDOWN_SECONDS = 2


class Narrator:
    """Writes to one console; moments are seconds since `begin`."""

    def __init__(self, out: Console | None = None, *, live: bool | None = None) -> None:
        """`live` is whether somebody looks at a terminal; left out, it is found out."""
        self._out = out or console()
        self._live = on_terminal() if live is None else live
        self._line: Live | None = None
        self._began = time.monotonic()
        self._began_at = datetime.now(UTC)
        self._counted = -1

    @property
    def elapsed(self) -> float:
        """Seconds since `begin`."""
        return time.monotonic() - self._began

    def begin(self) -> None:
        """Set the clock to zero."""
        self._began = time.monotonic()
        self._began_at = datetime.now(UTC)

    def title(self, text: str) -> None:
        """A heading, with air above."""
        self.settle()
        self._out.print()
        self._out.print(f"[bold]{escape(text)}[/]")

    def text(self, text: str = "") -> None:
        """A line of prose."""
        self._out.print(f"  {escape(text)}" if text else "", style="dim" if text else "")

    def fact(self, label: str, text: str) -> None:
        """Something to know, under its name."""
        self._out.print(f"  [dim]{escape(label):<{_LABEL_WIDTH}}[/] {escape(text)}")

    def event(self, mark: str, label: str, text: str, *, at: datetime | None = None) -> None:
        """Something that happened, now or at a moment that is known."""
        moment = self.elapsed if at is None else (at - self._began_at).total_seconds()
        self._out.print(self._told(mark, label, text, moment=moment))

    def more(self, text: str) -> None:
        """The rest of what the last event said."""
        self._out.print(f"  {'':>9}    {'':<{_LABEL_WIDTH}} [dim]{escape(text)}[/]")

    def waiting(self, label: str, text: str, *, seconds_left: int | None = None) -> None:
        """What is being waited for; on a terminal in one line that changes in place."""
        if self._live:
            frame = _FRAMES[int(self.elapsed * _FRAMES_PER_SECOND) % len(_FRAMES)]
            if self._line is None:
                self._line = Live(console=self._out, transient=True, auto_refresh=False)
                self._line.start()
            self._line.update(Text.from_markup(self._told(frame, label, text)), refresh=True)
        elif seconds_left is not None and seconds_left != self._counted:
            self._counted = seconds_left
            if self._counted % _PLAIN_COUNTDOWN_SECONDS == 0:
                self.event(NOTE, label, text)

    def settle(self) -> None:
        """Take the live line away."""
        if self._line is not None:
            self._line.stop()
            self._line = None
        self._counted = -1

    def timeline(self, rows: Sequence[tuple[str, str, float]]) -> None:
        """Phases with where they took place, and how long they took as a bar."""
        whole = sum(seconds for _, _, seconds in rows) or 1.0
        self._out.print()
        for phase, place, seconds in rows:
            bar = "█" * max(round(_BAR_WIDTH * seconds / whole), 0) or "▏"
            self._out.print(
                f"  {escape(phase):<12} [dim]{escape(place):<6}[/] {took(seconds):>8}  [cyan]{bar}[/]"
            )
        self._out.print(f"  {'in all':<12} {'':<6} {took(whole):>8}")

    def link(self, label: str, address: str) -> None:
        """An address, whole on one line, so that a terminal makes it clickable."""
        self._out.print()
        self._out.print(f"  [dim]{escape(label)}[/]")
        self._out.print(f"  {escape(address)}", style=f"link {address}" if self._live else "")

    def _told(self, mark: str, label: str, text: str, *, moment: float | None = None) -> str:
        style = _STYLES.get(mark, "cyan")
        when = self.elapsed if moment is None else moment
        name = f"{escape(label):<{_LABEL_WIDTH}}"
        return f"  [dim]{when:7.2f} s[/]  [{style}]{mark}[/] {name} {escape(text)}"


def took(seconds: float) -> str:
    """A duration as it is read at a glance: `34 ms`, `8.02 s`."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"
