"""Which values an application has had, and when they have proved good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from failover.domain.application import ApplicationRequest, ApplicationSeen, KeptState, Suspension
from failover.domain.health import Health
from failover.domain.policy import Mode
from failover.domain.policy.reading import read_policies
from failover.domain.preservation import PreservationRule
from failover.domain.protecting import learnt, to_keep, with_mode
from failover.domain.states import (
    KEPT_MOST,
    StateGeneration,
    after_look,
    good_at,
    newest_good,
    values_of,
)
from tests.support.objects import flink
from tests.support.orders import POLICY
from tests.unit.domain.test_protecting import ILL, NOON, WELL, declaration, protected

MINUTE = timedelta(minutes=1)
A, B = {"job": "a"}, {"job": "b"}


def look(
    states: tuple[StateGeneration, ...],
    values: dict[str, str] | None,
    seconds: float,
    *,
    healthy: bool = True,
) -> tuple[StateGeneration, ...]:
    """A look so long after noon; a minute makes good."""
    now = NOON + timedelta(seconds=seconds)
    return after_look(states, values, cluster="east", healthy=healthy, now=now, good_after=MINUTE)


def test_it_becomes_good_after_a_minute_of_health() -> None:
    """Not a moment before, and it stays good when it falls ill later."""
    states = look((), A, 0)
    assert good_at(states, MINUTE) == NOON + MINUTE
    assert not look(states, A, 59.9)[-1].is_good
    states = look(states, A, 60)
    assert states[-1].good_since == NOON + MINUTE
    assert good_at(states, MINUTE) is None, "nothing is waited for any more"
    assert look(states, A, 70, healthy=False)[-1].is_good


@pytest.mark.parametrize(
    "between",
    [
        pytest.param((A, False), id="it was ill"),
        pytest.param((None, True), id="it showed nothing"),
        pytest.param((B, True), id="it showed something else"),
    ],
)
def test_an_interruption_begins_anew(between: tuple[dict[str, str] | None, bool]) -> None:
    """A minute of health with a hole in it is no minute."""
    values, healthy = between
    states = look(look(look((), A, 0), values, 30, healthy=healthy), A, 40)
    assert not look(states, A, 70)[-1].is_good
    assert look(look(states, A, 70), A, 100)[-1].is_good


def test_what_is_ill_is_waited_for_by_nobody() -> None:
    """A watcher wakes it when it is well again, so it needs no timer."""
    assert good_at(look((), A, 0, healthy=False), MINUTE) is None
    assert good_at((), MINUTE) is None


def test_other_values_are_another_generation() -> None:
    """Also where they had been there before: what has come back has to prove itself again."""
    states = look(look(look((), A, 0), B, 1), A, 2)
    assert [(each.number, each.labels) for each in states] == [(1, A), (2, B), (3, A)]
    assert look(states, None, 3)[-1].number == 3, "what shows nothing is no generation"
    assert look((), None, 0) == ()


def test_the_last_good_one_is_never_dropped() -> None:
    """Whatever comes after it, and however much."""
    states = look(look((), A, 0), A, 60)
    for number in range(KEPT_MOST + 5):
        states = look(states, {"job": f"x{number}"}, 61 + number)
    assert len(states) == KEPT_MOST + 1
    good = newest_good(states)
    assert good is not None
    assert (good.number, states[-1].number) == (1, KEPT_MOST + 6)


RULES = (PreservationRule(alias_label_name="job", json_path="{ .jobStatus.jobId }"),)


@pytest.mark.parametrize(
    ("job", "values"),
    [
        pytest.param({"jobId": "abc"}, {"job": "abc"}, id="a value"),
        pytest.param({"jobId": ""}, None, id="an empty one"),
        pytest.param({}, None, id="none"),
        pytest.param({"jobId": "no/label"}, None, id="one that no label can carry"),
    ],
)
def test_what_an_object_shows(job: dict[str, str], values: dict[str, str] | None) -> None:
    """What a capture would find, or nothing."""
    manifest = {**flink(), "status": {"jobStatus": job}}
    assert values_of(RULES, manifest) == values
    assert values_of((), manifest) is None


def good(number: int = 1, labels: dict[str, str] | None = None) -> StateGeneration:
    """A generation that has proved good."""
    return StateGeneration(
        number=number, labels=labels or A, since=NOON, cluster="east", healthy_since=NOON,
        good_since=NOON + MINUTE,
    )  # fmt: skip


def seen(
    values: dict[str, str] | None = None,
    recorded: StateGeneration | None = None,
    health: Health = WELL,
) -> ApplicationSeen:
    """What a look shows of its state."""
    return ApplicationSeen(
        home="west", generation=0, health=health, values=values or A, good=recorded
    )


def test_where_temporal_is_new_the_record_is_believed() -> None:
    """Its numbers go on from there, so that no record is ever behind what it holds."""
    known = learnt(protected(), seen(recorded=good(7)), NOON).known
    assert known is not None
    assert known.states == (good(7),)
    known = learnt(protected(), seen(values=B, recorded=good(7)), NOON).known
    assert known is not None
    assert [each.number for each in known.states] == [7, 8]


def has_proved_good(mode: Mode = "Automatic", health: Health = WELL) -> ApplicationRequest:
    """Orders, seen with what a record calls good."""
    request = protected().model_copy(update={"declaration": declaration(mode)})
    return learnt(request, seen(recorded=good(), health=health), datetime.now(UTC))


@pytest.mark.parametrize(
    ("request_", "kept"),
    [
        pytest.param(has_proved_good(), True, id="good"),
        pytest.param(has_proved_good("Confirm"), True, id="Confirm"),
        pytest.param(has_proved_good("Observe"), False, id="Observe writes nothing"),
        pytest.param(has_proved_good(health=ILL), False, id="ill"),
        pytest.param(
            has_proved_good().model_copy(update={"suspension": Suspension()}), False, id="suspended"
        ),
        pytest.param(protected(), False, id="not looked yet"),
    ],
)
def test_what_is_written_on_the_clusters(request_: ApplicationRequest, kept: bool) -> None:  # noqa: FBT001 - a table's column
    """Only what is good, and only where something may be written."""
    assert (to_keep(request_) is not None) is kept


def test_what_is_kept_is_kept_once_for_each_home() -> None:
    """A new home needs another cluster beside it."""
    request = has_proved_good()
    assert request.known is not None

    def after(kept: KeptState) -> StateGeneration | None:
        known = request.known.model_copy(update={"kept": kept}) if request.known else None
        return to_keep(request.model_copy(update={"known": known}))

    assert after(KeptState(number=1, home="west")) is None
    assert after(KeptState(number=1, home="east")) == good()


def test_what_would_be_handed_on() -> None:
    """The newest, unless a good one is on the clusters and the newest is not yet."""
    request = learnt(has_proved_good(), seen(values=B), NOON)
    known = request.known
    assert known is not None
    assert known.handed_on == known.states[-1]
    kept = known.model_copy(update={"kept": KeptState(number=1, home="west")})
    assert kept.handed_on == good()


def test_the_policy_says_how_long() -> None:
    """A minute, where it says nothing."""
    (policy,) = read_policies(POLICY, "p").policies
    assert with_mode(policy, "Automatic").active.good_after == MINUTE
