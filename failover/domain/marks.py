"""What we write on a managed copy, so that the fleet can be reread without Temporal's database.

All of it are annotations under one prefix: values are free of the limits of labels, and nothing of
it can be selected by accident. The labels that carry state under the policy's aliases are the
user's, not marks; they are kept here only as `state`, so that they can be found and released.
"""

from __future__ import annotations

import json
from typing import cast

from pydantic import BaseModel, ConfigDict, Field

from failover.domain.manifest import (
    OUR_PREFIX,
    Manifest,
    annotations_of,
    copied,
    mapping,
)

FIELD_MANAGER = "stateful-failover"
"""The one field manager of everything we write."""

FAILOVER_ID = f"{OUR_PREFIX}failover-id"
"""The id of the failover that created this copy."""

GENERATION = f"{OUR_PREFIX}generation"
"""Which move of the application this copy belongs to; a higher one is newer."""

STATE = f"{OUR_PREFIX}state"
"""The alias labels that the copy was started with, as a JSON object."""

SUPERSEDED_BY = f"{OUR_PREFIX}superseded-by"
"""On an original that was left in place (`purgeMode: Never`): the cluster of the newer copy."""

CREATED_BY_FAILOVER = f"{OUR_PREFIX}created-by-failover"
"""On a dependent (ConfigMap, Secret, ...) that we created: the id of the failover that did."""


class Mark(BaseModel):
    """Which failover made this copy, in which generation, from which state."""

    model_config = ConfigDict(frozen=True)

    failover: str
    generation: int = Field(ge=0)
    state: dict[str, str] = Field(default_factory=dict[str, str])


def mark_of(manifest: Manifest) -> Mark | None:
    """Our mark on the object, or `None` where there is none, or none that can be read."""
    found = annotations_of(manifest)
    failover, generation = found.get(FAILOVER_ID), found.get(GENERATION, "")
    if not failover or not (
        generation.isascii() and generation.isdigit() and len(generation) < _DIGITS_MAX
    ):
        return None
    return Mark(
        failover=failover, generation=int(generation), state=_read_state(found.get(STATE, "{}"))
    )


def with_mark(manifest: Manifest, mark: Mark) -> Manifest:
    """A copy of the object that carries this mark, in place of any other."""
    return with_annotations(
        manifest,
        {
            FAILOVER_ID: mark.failover,
            GENERATION: str(mark.generation),
            STATE: json.dumps(mark.state, sort_keys=True, separators=(",", ":")),
        },
    )


def superseded_by(manifest: Manifest) -> str | None:
    """The cluster that holds the newer copy, if this one was left behind."""
    return annotations_of(manifest).get(SUPERSEDED_BY)


def created_by(manifest: Manifest) -> str | None:
    """The failover that created this dependent, if one of ours did."""
    return annotations_of(manifest).get(CREATED_BY_FAILOVER)


def with_created_by(manifest: Manifest, failover: str) -> Manifest:
    """A copy of a dependent that says which failover creates it."""
    return with_annotations(manifest, {CREATED_BY_FAILOVER: failover})


def without_created_by(manifest: Manifest) -> Manifest:
    """A copy of a dependent that does not say so."""
    metadata = {**mapping(manifest, "metadata")}
    annotations = {**mapping(metadata, "annotations")}
    annotations.pop(CREATED_BY_FAILOVER, None)
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def with_annotations(manifest: Manifest, annotations: dict[str, str]) -> Manifest:
    """A copy of the object with these annotations added, overwriting those of the same key."""
    marked = copied(manifest)
    metadata = {**mapping(marked, "metadata")}
    metadata["annotations"] = {**mapping(metadata, "annotations"), **annotations}
    return {**marked, "metadata": metadata}


_DIGITS_MAX = 19


def _read_state(raw: str) -> dict[str, str]:
    try:
        read: object = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(read, dict):
        return {}
    values = cast("dict[str, object]", read)
    return {key: value for key, value in values.items() if isinstance(value, str)}
