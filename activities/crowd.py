"""The crowd: tolerations that end together, as far as this worker knows of them.

Moves that end in a crowd wait for each other anyway. They are asked for early and lie in a queue of Temporal's,
which costs nothing, while one that ends alone is asked for late and waits in the worker for its very moment.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from datetime import datetime, timedelta

from activities.lanes import LANES

TOGETHER = timedelta(seconds=5)


class Crowd:
    """When the moves are due whose plans were made ahead here."""

    def __init__(self, many: int = LANES) -> None:
        self._many = many
        self._dues: dict[str, datetime] = {}
        self._in_order: list[datetime] = []

    def joined(self, failover: str, due: datetime, now: datetime) -> bool:
        """Note when it is due; whether so many others are due within five seconds that it waits for them."""
        self._forget(now - TOGETHER)
        if (before := self._dues.get(failover)) is not None:
            del self._in_order[bisect_left(self._in_order, before)]
        first = bisect_left(self._in_order, due - TOGETHER)
        others = bisect_right(self._in_order, due + TOGETHER) - first
        self._dues[failover] = due
        insort(self._in_order, due)
        return others >= self._many

    def _forget(self, past: datetime) -> None:
        if not self._in_order or self._in_order[0] >= past:
            return
        del self._in_order[: bisect_left(self._in_order, past)]
        self._dues = {failover: due for failover, due in self._dues.items() if due >= past}
