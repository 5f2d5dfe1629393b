"""When a failover that is held is looked at again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from workflows.phases import HELD_LEAST, LOOK_AGAIN_MAX, held_until

NOW = datetime(2026, 11, 1, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("room_in", "looks_in"),
    [
        pytest.param(timedelta(seconds=20), timedelta(seconds=20), id="room-soon"),
        pytest.param(timedelta(hours=1), LOOK_AGAIN_MAX, id="room-late"),
        pytest.param(timedelta(seconds=-5), HELD_LEAST, id="room-by-now"),
        pytest.param(None, LOOK_AGAIN_MAX, id="paused"),
    ],
)
def test_it_waits_for_room_and_a_minute_at_most(
    room_in: timedelta | None, looks_in: timedelta
) -> None:
    """It is never looked at in a tight circle, whatever the clocks say."""
    room_at = NOW + room_in if room_in is not None else None
    assert held_until(room_at, NOW) == NOW + looks_in
