"""What a policy wants preserved of an application's state, and capturing it.

State travels as labels on the new copy: each rule names a label (its alias) and where its value
stands in the source's status. Captured state is legal on any API server, or it is not captured at
all: a value that no label can hold is an error here, while the original still runs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from failover.domain.errors import (
    DuplicateAlias,
    FailoverError,
    IllegalLabelKey,
    IllegalLabelValue,
    MissingKey,
    ReservedAlias,
    StateNotCaptured,
)
from failover.domain.jsonpath import Template
from failover.domain.manifest import OUR_PREFIX, Manifest

LABEL_VALUE_LENGTH_MAX = 63
LABEL_NAME_LENGTH_MAX = 63
LABEL_PREFIX_LENGTH_MAX = 253
SHOWN_LENGTH_MAX = 80

_LABEL_NAME = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?")
_LABEL_CHARACTER = re.compile(r"[-A-Za-z0-9_.]")
_DNS_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
_KARMADA_ID = re.compile(r"(?:[a-z]+\.)?karmada\.io/permanent-id")
"""By these labels Karmada finds what belongs to a binding or a policy."""


class PreservationRule(BaseModel):
    """One piece of state: where it stands in the source's status, and the label that carries it."""

    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        serialize_by_alias=True,
        use_attribute_docstrings=True,
    )

    alias_label_name: str
    """The key of the label on the new copy."""
    json_path: str
    """kubectl's template, applied to the object's `.status`."""
    from_: Literal["Status"] = Field(default="Status", alias="from")
    """What the template is applied to."""
    on_missing: Literal["Fail", "Skip"] = "Fail"
    """Whether a key that is not there fails the capture, or leaves the label out."""
    as_: Literal["Label"] = Field(default="Label", alias="as")
    """What the value becomes on the new copy."""


def capture(rules: Sequence[PreservationRule], manifest: Manifest) -> dict[str, str]:
    """The labels that these rules give for an object, or `StateNotCaptured` naming each failure."""
    uses = Counter(rule.alias_label_name for rule in rules)
    labels: dict[str, str] = {}
    failures: list[tuple[str, FailoverError]] = []
    for rule in rules:
        try:
            if uses[rule.alias_label_name] > 1:
                raise DuplicateAlias(f"{rule.alias_label_name} is written by more than one rule")
            value = _captured_value(rule, manifest)
        except FailoverError as error:
            failures.append((rule.alias_label_name, error))
        else:
            if value is not None:
                labels[rule.alias_label_name] = value
    if failures:
        raise StateNotCaptured(failures, of=len(rules))
    return labels


def _captured_value(rule: PreservationRule, manifest: Manifest) -> str | None:
    """The value of one rule's label; None if it may be missing, and is."""
    validate_alias(rule.alias_label_name)
    template = Template.parse(rule.json_path)
    try:
        value = _rendered_on_status(template, manifest)
    except MissingKey:
        if rule.on_missing == "Skip":
            return None
        raise
    validate_label_value(value)
    return value


def _rendered_on_status(template: Template, manifest: Manifest) -> str:
    status: object = manifest.get("status")
    if status is None and not template.is_constant:
        present = "the object has no status yet"
        raise MissingKey(template.text, key="status", path="the object", present=present, keys=())
    return template.render(status, at="status")


def capture_text(template: str, document: object) -> str:
    """The text of a template for a whole object."""
    return Template.parse(template).render(document)


def validate_alias(key: str) -> None:
    """Refuse a label key that Kubernetes would refuse, or that is not a policy's to write."""
    validate_label_key(key)
    if key.startswith(OUR_PREFIX):
        raise ReservedAlias(f"{key} belongs to this engine; choose a label under another prefix")
    if _KARMADA_ID.fullmatch(key):
        message = f"{key} is how Karmada finds its own objects; choose another label"
        raise ReservedAlias(message)


def validate_label_key(key: str) -> None:
    """Refuse what Kubernetes would not take as the key of a label."""
    prefix, slash, name = key.rpartition("/")
    if slash and not _is_dns_subdomain(prefix):
        message = (
            f"the label key {_shown(key)} needs a DNS name before its slash: lower-case letters,"
            f" digits, - and ., at most {LABEL_PREFIX_LENGTH_MAX} characters"
        )
        raise IllegalLabelKey(message)
    if problem := _name_problem(name, LABEL_NAME_LENGTH_MAX):
        raise IllegalLabelKey(f"the name in the label key {_shown(key)} {problem}")


def validate_label_value(value: str) -> None:
    """Refuse what Kubernetes would not take as the value of a label; it may be empty."""
    if value and (problem := _name_problem(value, LABEL_VALUE_LENGTH_MAX)):
        message = f"the label value {_shown(value)} {problem}; let the jsonPath select a plain id"
        raise IllegalLabelValue(message)


def _is_dns_subdomain(text: str) -> bool:
    return len(text) <= LABEL_PREFIX_LENGTH_MAX and all(
        _DNS_LABEL.fullmatch(part) for part in text.split(".")
    )


def _name_problem(text: str, length_max: int) -> str | None:
    if not text:
        return "is empty"
    if len(text) > length_max:
        return f"has {len(text)} characters, {length_max} are allowed"
    for position, character in enumerate(text, start=1):
        if not _LABEL_CHARACTER.fullmatch(character):
            return (
                f"has {character!r} at position {position}; letters, digits, -, _ and . are allowed"
            )
    if not _LABEL_NAME.fullmatch(text):
        return "must begin and end with a letter or a digit"
    return None


def _shown(text: str) -> str:
    return repr(text if len(text) <= SHOWN_LENGTH_MAX else f"{text[:SHOWN_LENGTH_MAX]}…")
