"""Tables, pairs and data: the same facts in each form."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
import yaml

from cli.printing import (
    Output,
    age,
    duration_words,
    pair_lines,
    plain,
    plain_table,
    print_data,
    print_table,
)
from failover.domain.identity import ApplicationRef
from failover.domain.phases import Phase
from failover.domain.plan import FailoverPlan
from failover.domain.request import Status
from failover.domain.selection import Considered

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_piped_table_is_plain_columns(capsys: pytest.CaptureFixture[str]) -> None:
    """Aligned, without colour or borders, one line a row, `<none>` where there is nothing."""
    print_table(("NAME", "PHASE"), [("orders", "Blocked"), ("a", ""), ("b", "two\nlines")])
    assert capsys.readouterr().out == (
        "NAME     PHASE\norders   Blocked\na        <none>\nb        two lines\n"
    )


def test_a_table_without_rows_is_its_headings() -> None:
    """Widths come from what is there."""
    assert plain_table(("NAME", "PHASE"), []) == ["NAME   PHASE"]


def test_json_and_yaml_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """Both forms read back to equal values."""
    value = {
        "application": ApplicationRef(group="g", kind="K", namespace="n", name="o"),
        "at": NOW,
        "took": timedelta(seconds=1.5),
        "list": ("a", None),
    }
    print_data(value, Output.JSON)
    from_json = json.loads(capsys.readouterr().out)
    print_data(value, Output.YAML)
    assert yaml.safe_load(capsys.readouterr().out) == from_json | {"at": from_json["at"]}
    assert from_json["at"] == "2026-01-02T03:04:05Z"
    assert from_json["took"] == 1.5


def test_pairs_without_a_value_are_left_out() -> None:
    """Names are aligned over those that remain."""
    assert pair_lines([("From", "east"), ("To", ""), ("Reason", "Ill")]) == [
        "From:    east",
        "Reason:  Ill",
    ]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (200, "3m20s"),
        (3600, "60m"),
        (11_000, "3h"),
        (200_000, "2d"),
    ],
)
def test_ages_are_kubectls(seconds: int, told: str) -> None:
    """Seconds to two minutes, then minutes, hours, days."""
    assert duration_words(seconds) == told
    assert age(NOW - timedelta(seconds=seconds), NOW) == told


def test_a_clock_that_is_behind_gives_no_negative_age() -> None:
    """The server's clock may be ahead of ours."""
    assert age(NOW + timedelta(seconds=5), NOW) == "0s"
    assert age(None, NOW) == ""


def test_plain_leaves_what_json_has() -> None:
    """Numbers, texts and nothing stay what they are."""
    assert plain({"a": [1, "x", None, True]}) == {"a": [1, "x", None, True]}


def test_models_are_camel_case_and_data_stays_as_it_is() -> None:
    """A plan is snake_case on Temporal's wire; what a script reads is camelCase, but for keys that are data."""
    application = ApplicationRef(group="g", kind="K", namespace="n", name="o")
    made = FailoverPlan(
        application=application, source="east", source_uid="u", target="west", purge_mode="Never",
        labels={"a_label": "x"},
        considered=(Considered(cluster="west", standing="Chosen", reason="FirstEligible", message=""),),
    )  # fmt: skip
    status = Status(
        application=application, phase=Phase.PLANNING, display_phase="Planning", plan=made, started_at=NOW
    )  # fmt: skip
    shown = plain({"status": status})["status"]
    assert not {each for each in _keys(shown) if "_" in each} - {"a_label"}
    assert shown["plan"]["sourceUid"] == "u"
    assert shown["plan"]["purgeMode"] == "Never"
    assert shown["plan"]["labels"] == {"a_label": "x"}
    assert shown["plan"]["considered"][0]["standing"] == "Chosen"
    assert shown["startedAt"] == "2026-01-02T03:04:05Z"
    assert shown["toleration"] == "PT0S"


def _keys(value: object) -> set[str]:
    """Every key at every depth."""
    match value:
        case dict():
            entries = cast("dict[str, object]", value)
            return {*entries, *(key for each in entries.values() for key in _keys(each))}
        case list():
            return {key for each in cast("list[object]", value) for key in _keys(each)}
        case _:
            return set()
