"""Where policies lie, as a person writes it: a file, a directory, or `cluster:CONTEXT`."""

from __future__ import annotations

from collections.abc import Sequence

from failover.domain.errors import InvalidInput

CLUSTER = "cluster:"


def context_of(place: str) -> str | None:
    """The context that `cluster:CONTEXT` names; `None` for files. Raises `InvalidInput`."""
    if not place.startswith(CLUSTER):
        return None
    context = place.removeprefix(CLUSTER)
    if not context:
        raise InvalidInput(f"{place} names no context; write one, as in cluster:east")
    return context


def apart(places: Sequence[str]) -> tuple[list[str], list[str]]:
    """The files and directories among these, and the clusters, each of them once."""
    files = [each for each in places if context_of(each) is None]
    return files, list(dict.fromkeys(each for each in places if context_of(each) is not None))
