"""Durations as people type them: `30d`, `12h`, `15m`, `90s`; Temporal's command line reads the same."""

from __future__ import annotations

import re
from datetime import timedelta

from failover.domain.errors import InvalidInput

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FORM = re.compile(r"(\d{1,6})([smhdw])")


def duration(text: str) -> timedelta:
    """What it says. Raises `InvalidInput`."""
    found = _FORM.fullmatch(text.strip())
    if found is None or not int(found[1]):
        message = (
            f"{text[:40]!r} is no duration: say a number and s, m, h, d or w, as in 30d or 15m"
        )
        raise InvalidInput(message)
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def typed(value: timedelta) -> str:
    """How a person would type it, to the second: in the largest unit that says it whole."""
    total = int(value.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if total >= size and total % size == 0:
            return f"{total // size}{unit}"
    return f"{total}s"
