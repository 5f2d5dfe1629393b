"""What has to be done for one application after Temporal's database was lost, or is older than the clusters.

    no protection, but a policy               declare
    a protection that remembers less          settle: it has stopped and asks, or will; a person has said yes
    an open move, and no run in flight        take it up
    records, but neither protection nor policy  say so; nobody knows how it is to be moved

Homes, generations, budgets and states need no rebuilding: they are in the records, and the first look
of a protection takes them over. Doing it again does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from failover.domain.application import ApplicationView, Declaration
from failover.domain.identity import ApplicationRef
from failover.domain.sweeping import OpenMove


@dataclass(frozen=True)
class Standing:
    """What the records say of an application."""

    home: str = ""
    generation: int = 0
    open_move: OpenMove | None = None


@dataclass(frozen=True)
class Todo:
    """What is to be done about an application; empty where all is well."""

    application: ApplicationRef
    standing: Standing
    declare: Declaration | None = None
    settle: Declaration | None = None
    """What it is declared by already; said again, newer generations count."""
    take_up: Declaration | None = None
    """The terms on which its open move is taken up."""
    unknown: bool = False
    """There are records, and nobody knows how it is to be moved."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be done or said."""
        return not (self.declare or self.settle or self.take_up or self.unknown)

    @property
    def acts(self) -> tuple[str, ...]:
        """What is to be done, in words."""
        move = self.standing.open_move
        found = (
            (self.declare, "protect again"),
            (self.settle, "settle its newer generation"),
            (self.take_up, f"take up {move.message}" if move else ""),
            (self.unknown, "nothing: no policy means it"),
        )
        return tuple(words for wanted, words in found if wanted)


def todo(
    application: ApplicationRef,
    standing: Standing,
    wanted: Declaration | None,
    there: ApplicationView | None,
    *,
    in_flight: bool,
) -> Todo:
    """What is to be done; `wanted` is what the policies say of it, `there` its protection."""
    terms = there.declaration if there is not None else wanted
    older = there is not None and (
        there.known.newer_generation > 0
        or (not in_flight and standing.generation > there.known.generation)
    )
    opened = standing.open_move is not None and not in_flight
    return Todo(
        application,
        standing,
        declare=wanted if there is None else None,
        settle=there.declaration if there is not None and older else None,
        take_up=terms if opened else None,
        unknown=terms is None,
    )
