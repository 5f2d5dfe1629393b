"""Ten thousand protections by one policy are read as ten thousand views of one declaration."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from failover.domain.application import ApplicationRequest, ApplicationView, KeptState, Known
from failover.domain.health.verdict import healthy
from failover.domain.protecting import view_of
from failover.domain.states import StateGeneration
from tests.support.orders import ORDERS
from tests.unit.domain.test_protecting import declaration
from triggers.keeping import OVERLAP, Horizon
from triggers.sharing import ALIKE_MAX, SharedViews, shared

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def raw(**more: object) -> object:
    """The memo of a protection."""
    view = view_of(ApplicationRequest(application=ORDERS, declaration=declaration(**more)))  # type: ignore[arg-type]
    return view.model_dump(mode="json")


def test_equal_declarations_are_one_value() -> None:
    """And different ones are not."""
    views = list(map(SharedViews().read, (raw(source="a"), raw(source="b"), raw(source="a"))))
    assert views[0].declaration is views[2].declaration
    assert [each.declaration.source for each in views] == ["a", "b", "a"]
    assert views[0] == ApplicationView.model_validate(raw(source="a"))


def test_equal_verdicts_are_one_value() -> None:
    """Of a view as of a survey."""
    views = [SharedViews().read(seen()) for _ in range(2)]
    assert views[0].known.health is views[1].known.health
    assert views[0].known.health is shared(healthy("Running", "the job is RUNNING"))


def test_what_nobody_asks_for_is_not_read() -> None:
    """And all else of it is."""
    shorter = SharedViews(without=("states", "kept", "counted"))
    view = shorter.read(seen())
    whole = ApplicationView.model_validate(seen())
    assert whole.known.states
    assert view.known == whole.known.model_copy(update={"states": (), "kept": None})


def test_a_slim_view_says_the_same() -> None:
    """It is the same model for all who ask it, and each has its fields' names in common with the others."""
    views = [SharedViews().read(seen()) for _ in range(2)]
    assert views[0] == ApplicationView.model_validate(seen())
    assert views[0].model_dump() == ApplicationView.model_validate(seen()).model_dump()
    assert views[0].known.model_fields_set is views[1].known.model_fields_set
    edited = views[0].known.model_copy(update={"home": "west"})
    assert (edited.home, views[0].known.home, views[1].known.home) == ("west", "east", "east")
    assert edited.model_fields_set is not views[0].known.model_fields_set


def seen() -> dict[str, object]:
    """The memo of a protection that has been looked at."""
    states = (StateGeneration(number=1, labels={"job": "a"}, since=NOON, cluster="east"),)
    kept = KeptState(number=1, home="east")
    health = healthy("Running", "the job is RUNNING")
    known = Known(home="east", generation=2, health=health, since=NOON, states=states, kept=kept)
    request = ApplicationRequest(application=ORDERS, declaration=declaration(), known=known)
    return view_of(request).model_dump(mode="json")


def test_only_so_many_are_remembered() -> None:
    """Declarations that all differ do not pile up, and all are read."""
    views = SharedViews()
    first = views.declaration(declaration(source="0").model_dump(mode="json"))
    for number in range(1, ALIKE_MAX + 1):
        views.declaration(declaration(source=str(number)).model_dump(mode="json"))
    again = views.declaration(declaration(source="0").model_dump(mode="json"))
    assert again == first
    assert again is not first


@pytest.mark.parametrize("broken", [None, "word", [], {"declaration": 3}, {"declaration": {}}])
def test_what_is_no_view_is_said_to_be_none(broken: object) -> None:
    """A memo of another release is no reason for another error than before."""
    with pytest.raises(ValidationError):
        SharedViews().read(broken)


def test_what_was_declared_together_is_not_read_for_ever() -> None:
    """The moment up to which all is read moves on with our own clock, between those that are told."""
    horizon = Horizon()
    assert horizon.since(5.0) is None
    horizon.at_least(None, 5.0)
    assert horizon.since(5.0) is None
    horizon.at_least(NOON, 10.0)
    assert horizon.since(10.0) == NOON - OVERLAP
    assert horizon.since(130.0) == NOON + 2 * MINUTE - OVERLAP
    horizon.at_least(NOON + MINUTE, 130.0)  # long known
    assert horizon.since(130.0) == NOON + 2 * MINUTE - OVERLAP
    horizon.at_least(NOON + 3 * MINUTE, 130.0)  # their clock is ahead of ours
    assert horizon.since(130.0) == NOON + 3 * MINUTE - OVERLAP
