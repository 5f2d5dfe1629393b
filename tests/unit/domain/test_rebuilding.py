"""What is to be done for an application after Temporal's database was lost, or put back."""

from __future__ import annotations

import pytest

from failover.domain.application import ApplicationView, Declaration, Known
from failover.domain.rebuilding import Standing, todo
from failover.domain.sweeping import OpenMove
from tests.support.orders import ORDERS
from tests.unit.domain.test_sweeping import AT_HOME, view

MOVE = OpenMove("east", "east", 1)
CLOSED, OPEN = Standing("east", 1), Standing("east", 1, MOVE)
WANTED = view().declaration
PROTECT, SETTLE = "protect again", "settle its newer generation"
TAKE_UP = "take up a move off east was interrupted (generation 1)"
NOBODY = "nothing: no policy means it"
OLDER = view(Known(home="west", generation=0, health=AT_HOME.health))


@pytest.mark.parametrize(
    ("standing", "wanted", "there", "in_flight", "acts"),
    [
        pytest.param(Standing(), WANTED, None, False, (PROTECT,), id="never moved"),
        pytest.param(CLOSED, WANTED, None, False, (PROTECT,), id="moved, and forgotten"),
        pytest.param(OPEN, WANTED, None, False, (PROTECT, TAKE_UP), id="forgotten amid a move"),
        pytest.param(OPEN, WANTED, None, True, (PROTECT,), id="somebody has begun to move it"),
        pytest.param(CLOSED, WANTED, view(), False, (), id="all is well"),
        pytest.param(CLOSED, None, view(), False, (), id="declared by somebody else, and well"),
        pytest.param(CLOSED, WANTED, OLDER, False, (SETTLE,), id="an older database"),
        pytest.param(CLOSED, WANTED, OLDER, True, (), id="its run is under way"),
        pytest.param(OPEN, None, OLDER, False, (SETTLE, TAKE_UP), id="an older database, amid a move"),
        pytest.param(CLOSED, WANTED, view(AT_HOME.model_copy(update={"newer_generation": 4})), True, (SETTLE,), id="it asks"),
        pytest.param(CLOSED, None, None, False, (NOBODY,), id="no policy"),
        pytest.param(OPEN, None, None, False, (NOBODY,), id="no policy, amid a move"),
    ],
)  # fmt: skip
def test_what_is_to_be_done(
    standing: Standing,
    wanted: Declaration | None,
    there: ApplicationView | None,
    in_flight: bool,  # noqa: FBT001 - a column of the table
    acts: tuple[str, ...],
) -> None:
    """Doing it again does nothing; what nobody says how to move is only said."""
    found = todo(ORDERS, standing, wanted, there, in_flight=in_flight)
    assert found.acts == acts
    assert found.is_empty is not bool(acts)
