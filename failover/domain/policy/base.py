"""The base of every value in a policy: frozen, camelCase on the wire, lenient when read back.

The same models lie in Temporal histories for years, so reading one never fails on a field that a
newer release has written; unknown fields are found at the edge (`reading.py`), where a person can
still mend them.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class PolicyModel(BaseModel):
    """A part of a policy document."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        populate_by_name=True,
        serialize_by_alias=True,
        use_attribute_docstrings=True,
    )
