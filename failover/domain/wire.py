"""The base of what crosses Temporal's wire.

New fields get defaults and unknown ones are ignored, since histories outlive releases; what people
write is checked strictly at the edge, before it becomes one of these.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Wire(BaseModel):
    """A model on the wire: camelCase, frozen, lenient on read."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        populate_by_name=True,
        serialize_by_alias=True,
    )
