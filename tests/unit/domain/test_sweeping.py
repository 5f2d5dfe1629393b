"""What a sweep does about one application, and when the next failover of it is due."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from failover.domain.application import (
    ApplicationRequest,
    ApplicationView,
    Declaration,
    Known,
    Suspension,
)
from failover.domain.health import Health, HealthStatus
from failover.domain.policy import Mode
from failover.domain.policy.reading import read_policies
from failover.domain.protecting import view_of, with_mode
from failover.domain.sweeping import (
    Begin,
    Copy,
    Decision,
    OpenMove,
    Seen,
    Swept,
    decide,
    is_due,
    newer,
    rest_after,
)
from failover.telemetry import Metrics
from tests.support.orders import ORDERS, POLICY

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
WELL = Health(status=HealthStatus.HEALTHY, reason="Running", message="it runs")
ILL = Health(status=HealthStatus.UNHEALTHY, reason="JobFailed", message="it does not")
UNSURE = Health(status=HealthStatus.UNKNOWN, reason="ClusterUnreachable", message="who knows")
AT_HOME = Known(home="east", generation=1, health=WELL)
NOTHING = Decision()
WAKE = Decision(wake=True)


def view(
    known: Known = AT_HOME, mode: Mode = "Automatic", *, suspended: bool = False
) -> ApplicationView:
    """Orders under protection."""
    (policy,) = read_policies(POLICY, "policy.yaml").policies
    request = ApplicationRequest(
        application=ORDERS,
        declaration=Declaration(policy=with_mode(policy, mode)),
        suspension=Suspension(reason="a test") if suspended else None,
        known=known,
    )
    return view_of(request)


def on(cluster: str, health: Health, generation: int = 1) -> Copy:
    """A copy there."""
    return Copy(cluster, f"uid-{cluster}", generation, health)


def begin(cluster: str) -> Begin:
    """A failover of the ill copy there."""
    return Begin(cluster, f"uid-{cluster}", ILL.reason, ILL.message)


OPEN = OpenMove("east", "east", 1)
TAKE_UP = Begin("east", "", "Interrupted", "a move off east was interrupted (generation 1)", takes_up=True)  # fmt: skip
NEVER_SEEN = view(Known())
GONE = AT_HOME.model_copy(update={"health": UNSURE})
OLD = AT_HOME.model_copy(update={"newer_generation": 5})
TWO = (on("west", WELL), on("north", ILL))


@pytest.mark.parametrize(
    ("there", "seen", "decision"),
    [
        pytest.param(view(), Seen((on("east", WELL),)), NOTHING, id="well, as known"),
        pytest.param(view(), Seen((on("east", ILL),)), Decision(begin("east"), wake=True), id="ill, and nobody has told"),
        pytest.param(
            view(AT_HOME.model_copy(update={"health": ILL})), Seen((on("east", ILL),)),
            Decision(begin("east")), id="ill, as known",
        ),
        pytest.param(view(mode="Observe"), Seen((on("east", ILL),)), Decision(begin("east"), wake=True), id="observed"),
        pytest.param(view(), Seen((on("west", ILL),)), Decision(begin("west"), wake=True), id="ill elsewhere"),
        pytest.param(view(suspended=True), Seen((on("east", ILL),)), WAKE, id="suspended"),
        pytest.param(view(OLD), Seen((on("east", ILL, 5),)), WAKE, id="newer generation, asked already"),
        pytest.param(view(), Seen((on("east", ILL, 2),)), WAKE, id="newer generation, not known yet"),
        pytest.param(view(), Seen((on("east", UNSURE),)), WAKE, id="not to be told any more"),
        pytest.param(view(GONE), Seen((on("east", WELL),)), WAKE, id="an earlier look has failed"),
        pytest.param(NEVER_SEEN, Seen((on("east", ILL),)), WAKE, id="the first look has failed"),
        pytest.param(view(), Seen(TWO), NOTHING, id="two copies, and neither is at home"),
        pytest.param(view(), Seen((*TWO, on("east", WELL))), NOTHING, id="home counts"),
        pytest.param(view(), Seen(), WAKE, id="gone"),
        pytest.param(view(GONE), Seen(), NOTHING, id="gone, as known"),
        pytest.param(view(), Seen(blind={"east"}), NOTHING, id="its cluster does not answer"),
        pytest.param(view(), Seen(open_move=OPEN), Decision(TAKE_UP, wake=True), id="interrupted"),
        pytest.param(view(), Seen((on("west", WELL),), open_move=OPEN), Decision(TAKE_UP, wake=True), id="interrupted, and well again"),
        pytest.param(view(mode="Observe"), Seen((on("east", WELL),), open_move=OPEN), NOTHING, id="interrupted, but observed"),
        pytest.param(view(suspended=True), Seen(open_move=OPEN), WAKE, id="interrupted, but suspended"),
        pytest.param(view(), Seen(open_move=OpenMove("east", "west", 2)), WAKE, id="interrupted, and unaccounted for"),
        pytest.param(
            view(GONE.model_copy(update={"newer_generation": 2})),
            Seen(open_move=OpenMove("east", "east", 2)),
            NOTHING,
            id="interrupted, and a person is to say whose move it was",
        ),
        pytest.param(
            view(), Seen(blind={"east"}, open_move=OpenMove("east", "west", 1)),
            Decision(dataclasses.replace(TAKE_UP, source="west")), id="interrupted, and its home is silent",
        ),
    ],
)  # fmt: skip
def test_what_is_done(there: ApplicationView, seen: Seen, decision: Decision) -> None:
    """Nothing begins before the protection knows as much as the clusters show."""
    assert decide(there, seen) == decision


@pytest.mark.parametrize(
    ("ago", "due"),
    [
        pytest.param((), True, id="none"),
        pytest.param((29,), False, id="one, just now"),
        pytest.param((30,), True, id="one, and its pause is over"),
        pytest.param((59, 300), False, id="two"),
        pytest.param((60, 300), True, id="two, and twice the pause"),
        pytest.param((599, *range(700, 3000, 100)), False, id="many: never more than ten minutes"),
        pytest.param((600, *range(700, 3000, 100)), True, id="many, and ten minutes"),
        pytest.param((4000, 5000), True, id="long ago"),
    ],
)
def test_failovers_that_end_in_nothing_are_not_begun_each_minute(
    ago: tuple[int, ...],
    due: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """They are spaced as a watcher spaces them, by what Temporal remembers."""
    assert is_due([NOON - timedelta(seconds=each) for each in ago], NOON) is due


@pytest.mark.parametrize(
    ("protected", "minutes"), [(0, 0), (1200, 0), (2400, 1), (8400, 6), (100_000, 8)]
)
def test_after_a_look_at_very_many_it_rests(protected: int, minutes: int) -> None:
    """Some are looked at each minute; all of them within ten."""
    assert rest_after(protected) == timedelta(minutes=minutes)


def test_the_result_says_its_numbers() -> None:
    """In one line, errors last and by reason."""
    told = str(Swept(protected=3, seen=2, unhealthy=1, started=1, errors={"Forbidden": 2}))
    assert told.startswith("3 protected, 2 seen, 0 in flight, 0 held; 1 unhealthy: 1 started")
    assert told.endswith("; errors: 2 Forbidden")


def test_of_one_move_home_says_where_to_look() -> None:
    """Of several clusters' words the newest one counts, then home's."""
    at_home, elsewhere = OpenMove("east", "east", 1), OpenMove("east", "west", 1)
    assert newer(None, elsewhere).source == "west"
    assert newer(elsewhere, at_home).source == newer(at_home, elsewhere).source == "east"
    assert newer(at_home, OpenMove("west", "north", 2)).source == "north"


def test_a_sweep_is_counted() -> None:
    """What was found is a level, what was done adds up."""
    metrics = Metrics()
    for _ in range(2):
        metrics.swept(Swept(protected=3, in_flight=1, woken=2, errors={"Forbidden": 1}))
    found = {"found": "in_flight"}
    assert metrics.registry.get_sample_value("failover_sweep_applications", found) == 1
    assert metrics.registry.get_sample_value("failover_sweep_acts_total", {"act": "woken"}) == 4
    reason = {"reason": "Forbidden"}
    assert metrics.registry.get_sample_value("failover_sweep_errors_total", reason) == 2
