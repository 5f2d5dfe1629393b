"""Ten thousand protections by one policy are read as ten thousand views of one declaration."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from failover.domain.application import ApplicationRequest, ApplicationView
from failover.domain.protecting import view_of
from tests.support.orders import ORDERS
from tests.unit.domain.test_protecting import declaration
from triggers.keeping import OVERLAP, Horizon
from triggers.sharing import ALIKE_MAX, SharedDeclarations

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def raw(**more: object) -> object:
    """The memo of a protection."""
    view = view_of(ApplicationRequest(application=ORDERS, declaration=declaration(**more)))  # type: ignore[arg-type]
    return view.model_dump(mode="json")


def test_equal_declarations_are_one_value() -> None:
    """And different ones are not."""
    shared = SharedDeclarations()
    views = [
        ApplicationView.model_validate(shared.in_place(each))
        for each in (raw(source="a"), raw(source="b"), raw(source="a"))
    ]
    assert views[0].declaration is views[2].declaration
    assert [each.declaration.source for each in views] == ["a", "b", "a"]
    assert views[0] == ApplicationView.model_validate(raw(source="a"))


def test_only_so_many_are_remembered() -> None:
    """Declarations that all differ do not pile up, and all are read."""
    shared = SharedDeclarations()
    first = shared.one(declaration(source="0").model_dump(mode="json"))
    for number in range(1, ALIKE_MAX + 1):
        shared.one(declaration(source=str(number)).model_dump(mode="json"))
    again = shared.one(declaration(source="0").model_dump(mode="json"))
    assert again == first
    assert again is not first


@pytest.mark.parametrize("broken", [None, "word", [], {"declaration": 3}, {"declaration": {}}])
def test_what_is_no_view_is_said_to_be_none(broken: object) -> None:
    """A memo of another release is no reason for another error than before."""
    with pytest.raises(ValidationError):
        ApplicationView.model_validate(SharedDeclarations().in_place(broken))


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
