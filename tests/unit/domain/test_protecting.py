"""What follows from a declaration and from a look, and where an application lives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from failover.domain.application import (
    ApplicationPhase,
    ApplicationRequest,
    ApplicationSeen,
    Declaration,
    Known,
    Suspension,
)
from failover.domain.budget import CountedMove
from failover.domain.errors import ClusterUnreachable, FailoverError
from failover.domain.health import Health, HealthStatus
from failover.domain.manifest import Manifest
from failover.domain.marks import Mark, with_annotations, with_mark
from failover.domain.policy import Mode
from failover.domain.policy.reading import read_policies
from failover.domain.protecting import (
    Whereabouts,
    begun,
    declared,
    details,
    learnt,
    view_of,
    whereabouts,
    with_mode,
)
from failover.domain.record import Record, to_secrets
from tests.support.objects import flink
from tests.support.orders import ORDERS, POLICY

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
WELL = Health(status=HealthStatus.HEALTHY, reason="Running", message="it runs")
ILL = Health(status=HealthStatus.UNHEALTHY, reason="JobManagerMissing", message="it does not")


def declaration(mode: Mode = "Observe", **more: object) -> Declaration:
    """How orders is protected."""
    (policy,) = read_policies(POLICY, "policy.yaml").policies
    return Declaration(policy=with_mode(policy, mode)).model_copy(update=more)


def protected(known: Known | None = None) -> ApplicationRequest:
    """Orders under protection."""
    return ApplicationRequest(application=ORDERS, declaration=declaration(), known=known)


def seen(generation: int, *, accounted: bool = True, health: Health = WELL) -> ApplicationSeen:
    """What a look shows: orders on west."""
    return ApplicationSeen(home="west", generation=generation, health=health, accounted=accounted)


def test_the_mode_is_written_into_the_policy() -> None:
    """Whoever gets the policy needs not decide again; everything else stays."""
    (policy,) = read_policies(POLICY, "policy.yaml").policies
    written = with_mode(policy, "Confirm")
    assert written.active.mode == "Confirm"
    assert with_mode(written, "Observe") == with_mode(policy, "Observe")
    assert declaration("Automatic").mode == "Automatic"


def test_the_first_look_takes_over_whatever_is_there() -> None:
    """Nothing is known before it, so nothing can be newer."""
    known = learnt(protected(), seen(7, accounted=False), NOON).known
    assert known == Known(home="west", generation=7, health=WELL, since=NOON)


def test_health_has_a_since_that_only_a_change_moves() -> None:
    """The same verdict for another reason is the same health."""
    once = learnt(protected(), seen(1), NOON)
    again = learnt(once, seen(1), LATER)
    assert again.known is not None
    assert again.known.since == NOON
    ill = learnt(again, seen(1, health=ILL), LATER)
    assert ill.known is not None
    assert (ill.known.since, ill.known.health) == (LATER, ILL)


def test_its_moves_are_known_as_the_records_count_them() -> None:
    """A cluster that hides its record takes none back."""
    moves = tuple(
        CountedMove(at=NOON - timedelta(minutes=each), claim=f"run.{each}") for each in (30, 20, 10)
    )
    once = learnt(protected(), seen(1).model_copy(update={"counted": moves}), NOON)
    use = view_of(learnt(once, seen(0), NOON)).budget_use(NOON)
    assert (use.moves, use.next_move_at) == (3, NOON + timedelta(minutes=30))
    later = view_of(once).budget_use(NOON + timedelta(hours=2))
    assert (later.moves, later.next_move_at) == (0, None)


def test_a_generation_that_a_failover_has_made_is_taken_over() -> None:
    """That is how an application gets a new home."""
    request = protected(Known(home="east", generation=1))
    view = view_of(learnt(request, seen(2), NOON))
    assert (view.phase, view.known.generation) == (ApplicationPhase.PROTECTED, 2)
    assert view.starts


def test_a_generation_that_nobody_accounts_for_stops_and_asks() -> None:
    """It is shown, and remembered as what it is; nothing is begun until a person says so."""
    request = learnt(protected(Known(home="east", generation=1)), seen(3, accounted=False), NOON)
    view = view_of(request)
    assert view.phase is ApplicationPhase.NEWER_GENERATION
    assert not view.starts
    assert (view.known.home, view.known.generation) == ("west", 1)
    assert "generation 3" in view.message
    assert "failover protect" in view.message
    assert "NewerGeneration" in details(view)
    again = view_of(learnt(request, seen(3, accounted=False), LATER))
    assert again.phase is ApplicationPhase.NEWER_GENERATION
    hidden = view_of(learnt(request, seen(0, accounted=False), LATER))
    assert hidden.phase is ApplicationPhase.NEWER_GENERATION, "a silent cluster answers no question"


@pytest.mark.parametrize("afresh", [True, False])
def test_only_a_persons_word_takes_a_newer_generation_over(afresh: bool) -> None:  # noqa: FBT001 - a table's column
    """A watcher that declares what it finds in its directory is no person."""
    asking = learnt(protected(Known(generation=1)), seen(3, accounted=False), NOON)
    request = declared(asking, declaration("Automatic", afresh=afresh))
    after = view_of(learnt(request, seen(3, accounted=False), LATER))
    assert after.starts is afresh
    assert after.declaration.mode == "Automatic"
    assert not after.declaration.afresh, "it has been taken up, and is not said again"


def test_what_begins_knows_nothing() -> None:
    """Whoever declares it afresh: there is no newer generation to be taken over."""
    fresh = begun(ORDERS, declaration("Automatic", afresh=True))
    assert fresh == ApplicationRequest(application=ORDERS, declaration=declaration("Automatic"))


def test_a_failover_of_ours_settles_the_question_too() -> None:
    """It has taken the highest generation that it saw, plus one, and Temporal knows it."""
    asking = learnt(protected(Known(generation=1)), seen(3, accounted=False), NOON)
    view = view_of(learnt(asking, seen(4), LATER))
    assert (view.starts, view.known.generation) == (True, 4)


def test_what_is_suspended_starts_nothing() -> None:
    """Why and by whom is told."""
    suspension = Suspension(reason="a rebuild", actor="ada", since=NOON)
    view = view_of(protected().model_copy(update={"suspension": suspension}))
    assert view.phase is ApplicationPhase.SUSPENDED
    assert not view.starts
    assert view.message == "suspended by ada: a rebuild"


def test_a_declaration_is_the_same_whoever_repeats_it() -> None:
    """But not where another source keeps it."""
    assert declaration().says_the_same(declaration(actor="ada", afresh=True))
    assert not declaration().says_the_same(declaration("Confirm"))
    assert not declaration().says_the_same(declaration(source="directory /p"))


def record(home: str, generation: int) -> Manifest:
    """The record's Secret."""
    head, _ = to_secrets(Record(application=ORDERS, generation=generation, home=home))
    return head


SILENT: dict[str, FailoverError] = {"west": ClusterUnreachable("west does not answer")}
MARKED = with_mark(flink(), Mark(failover="failover/x", generation=4))
LEFT = with_annotations(flink(), {"stateful-failover.dev/superseded-by": "west"})


@pytest.mark.parametrize(
    ("objects", "heads", "failures", "found"),
    [
        pytest.param({"east": flink(), "west": None}, {}, {}, ("east", 0, ""), id="its object"),
        pytest.param(
            {"east": flink(), "west": flink()},
            {"east": record("east", 1), "west": record("west", 2)},
            {},
            ("west", 2, ""),
            id="the newest record before the object",
        ),
        pytest.param(
            {"east": flink(), "west": None},
            {"east": record("west", 2)},
            {},
            ("east", 2, ""),
            id="the object where the record is wrong",
        ),
        pytest.param(
            {"east": None},
            {"east": record("west", 2)},
            SILENT,
            ("west", 2, "ClusterUnreachable"),
            id="the record's home is silent",
        ),
        pytest.param({"east": MARKED}, {}, {}, ("east", 4, ""), id="a mark without a record"),
        pytest.param({"east": LEFT, "west": flink()}, {}, {}, ("west", 0, ""), id="left behind"),
        pytest.param(
            {"east": flink(), "west": flink()}, {}, {}, ("", 0, "LivesOnTwoClusters"), id="two"
        ),
        pytest.param({"east": None}, {}, SILENT, ("", 0, "ClusterUnreachable"), id="hidden"),
        pytest.param({"east": None}, {}, {}, ("", 0, "NotThere"), id="nowhere"),
    ],
)
def test_where_it_lives(
    objects: dict[str, Manifest | None],
    heads: dict[str, Manifest],
    failures: dict[str, FailoverError],
    found: tuple[str, int, str],
) -> None:
    """The record first, then the object; what cannot be said is Unknown, with a reason."""
    answer: Whereabouts = whereabouts(ORDERS, objects, heads, failures)
    reason = answer.unseen.reason if answer.unseen is not None else ""
    assert (answer.home, answer.generation, reason) == found
    assert answer.unseen is None or answer.unseen.status is HealthStatus.UNKNOWN
