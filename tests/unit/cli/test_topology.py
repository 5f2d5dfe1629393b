"""Where an application is said to live, and what is refused."""

from __future__ import annotations

import pytest

from cli.exits import Refused
from cli.topology import Place, home, not_there
from failover.domain.errors import ClusterUnreachable, NotFound
from failover.domain.identity import ApplicationRef

ORDERS = ApplicationRef(group="", kind="Thing", namespace="shop", name="orders")
OBJECT = {"apiVersion": "v1", "kind": "Thing", "metadata": {"name": "orders", "uid": "1"}}
EAST, WEST, EMPTY = Place("east", OBJECT), Place("west", OBJECT), Place("north")
SILENT = Place("south", error=ClusterUnreachable("south gives no answer"))


def test_the_one_cluster_that_has_it_is_its_home() -> None:
    """Whatever the others say."""
    assert home(ORDERS, (EMPTY, EAST, SILENT)) is EAST
    assert home(ORDERS, (EMPTY, SILENT)) is None


def test_two_homes_are_refused_even_if_one_is_named() -> None:
    """Both are named; which one is real is a person's to say."""
    with pytest.raises(Refused, match="east and west"):
        home(ORDERS, (EAST, WEST), "east")


def test_a_home_that_is_somewhere_else_is_said() -> None:
    """`--from` a cluster without it names the one that has it."""
    with pytest.raises(NotFound, match="not on north; it lives on east"):
        home(ORDERS, (EAST, EMPTY), "north")


def test_a_cluster_that_gives_no_answer_is_no_home() -> None:
    """Its own error says so."""
    with pytest.raises(ClusterUnreachable, match="south"):
        home(ORDERS, (EAST, SILENT), "south")


def test_nowhere_lists_who_was_asked_and_who_was_silent() -> None:
    """Absence is only known where somebody answered."""
    message = not_there(ORDERS, (EMPTY, SILENT)).message
    assert "looked on: north" in message
    assert "not seen: south (ClusterUnreachable)" in message
