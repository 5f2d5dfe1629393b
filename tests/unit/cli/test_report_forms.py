"""How a report looks: its sentences, its table, Markdown and data; and how durations are typed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cli.durations import duration, typed
from cli.reviewing import cut_short, headings, markdown, notes, report_data, rows, sentences
from failover.domain.errors import InvalidInput
from failover.domain.identity import ApplicationRef
from failover.domain.request import Account
from failover.domain.review import SOON, Ran, Review, review

T0 = datetime(2026, 11, 1, 12, tzinfo=UTC)
APP = ApplicationRef(group="", kind="Thing", namespace="shop", name="orders")


def ran(outcome: str, began: int, ended: int, reason: str = "", **waited: float) -> Ran:
    """A run of so many minutes after T0."""
    account = Account(illness="PodsNotReady", waited=waited)
    start, end = T0 + timedelta(minutes=began), T0 + timedelta(minutes=ended)
    return Ran(APP, "east", outcome, start, end, reason, "Watch", account)


def made(*runs: Ran, retention: timedelta | None = None) -> Review:
    """A report about them, a day later."""
    return review(runs, since=T0, now=T0 + timedelta(days=1), soon=SOON, retention=retention)


OBSERVED = made(
    ran("WouldHaveMoved", 0, 2),
    ran("Recovered", 3, 4),
    ran("Recovered", 60, 62),
    ran("Refused", 120, 122, "TargetOccupied", Held=90.0),
)


def test_the_first_sentence_is_what_automatic_would_have_done() -> None:
    """N of M moved, K of them well again; then rates, counts, downtimes, waits, refusals."""
    assert sentences(OBSERVED) == [
        "With mode Automatic, 1 of 3 would have been moved; 1 of them was well again within 15 min.",
        "False alarms: 100% (1 seen well again, 0 not reported again; 0 stayed ill; 0 not known).",
        "Of all 3: 1 recovered while tolerated, 1 refused.",
        "Downtime: 3 min in the median, 4 min at the longest.",
        "Held: 1 failover waited for a person 90 s together, 90 s at the longest.",
        "Refused because of: TargetOccupied (1).",
    ]
    assert sentences(made()) == ["No application was reported ill since 2026-11-01T12:00:00Z."]


def test_every_form_says_the_same() -> None:
    """A row under its headings, narrow and wide; Markdown with the table; data with the sentences."""
    for wide in (False, True):
        (row,) = rows(OBSERVED, wide=wide)
        assert len(row) == len(headings(wide=wide))
        assert row[:6] == ("shop", "thing/orders", "PodsNotReady", "3", "1", "0")
    page = markdown(OBSERVED)
    assert "| shop | thing/orders | PodsNotReady | 3 | 1 | 0 | 1 | 1 | 1 | 3 min | 4 min |" in page
    data = report_data(OBSERVED)
    assert data["sentences"] == sentences(OBSERVED)
    assert data["total"]["falseAlarmRate"] == 1.0
    assert data["items"][0]["wouldHaveMoved"] == 1
    assert data["waits"][0]["totalSeconds"] == 90.0


def test_what_temporal_keeps_no_longer_is_said_to_be_missing() -> None:
    """Where it keeps for less than was asked: since when nothing is missing, and the command that mends it."""
    short = made(retention=timedelta(hours=6))
    assert cut_short(short, "fleet") == (
        "Temporal keeps ended failovers for 6h only, so those that ended before 2026-11-02T06:00:00Z are not in this "
        "report; to keep for 1d what ends from now on: "
        "temporal operator namespace update --namespace fleet --retention 1d"
    )
    assert "0 failovers that Temporal still keeps (ended ones for 6h)." in notes(short)[0]
    data = report_data(short)
    assert (data["retentionSeconds"], data["longerThanRetention"]) == (6 * 3600.0, True)


@pytest.mark.parametrize("kept", [timedelta(days=1), timedelta(days=30), None], ids=str)
def test_a_report_of_all_that_was_asked_is_not_cut(kept: timedelta | None) -> None:
    """Kept for as long or longer; where it is not known, nothing is claimed."""
    whole = made(retention=kept)
    assert not whole.is_cut
    data = report_data(whole)
    assert data["longerThanRetention"] is False
    assert data["retentionSeconds"] == (kept and kept.total_seconds())


def test_durations_are_written_as_they_are_typed() -> None:
    """The largest unit that says it whole; what is typed comes back."""
    for text in ("30d", "36h", "90s", "15m"):
        assert typed(duration(text)) == text
    assert typed(timedelta(0)) == "0s"


def test_durations_are_a_number_and_a_unit() -> None:
    """As people type them; anything else is refused with an example."""
    assert duration("30d") == timedelta(days=30)
    assert duration(" 15m ") == timedelta(minutes=15)
    for wrong in ("", "30", "0d", "-1d", "1 day", "1.5h", "9" * 9 + "s"):
        with pytest.raises(InvalidInput, match="as in 30d"):
            duration(wrong)
