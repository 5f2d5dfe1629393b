"""Every error of the engine, in one tree.

    FailoverError
    ├── TransientError            worth another try: nothing is known to be wrong with what was asked
    │   ├── ClusterUnreachable    no answer, or none in time; whether a write happened is unknown
    │   ├── ClusterBusy           429 or 5xx; whether a write happened is unknown
    │   ├── Conflict              somebody else changed the object in between; look again
    │   └── NotYet...             (see each)
    └── DefiniteError             asking again gives the same answer; a person, or another plan, is needed
        ├── Forbidden, Unauthorized, NotFound, AlreadyExists, Invalid, UnknownKind
        ├── Superseded            a newer generation owns the application
        ├── JSONPathError         UnparsablePath, MissingKey, PathMismatch, PathTooBroad
        ├── PreservationError     IllegalLabelKey, IllegalLabelValue, DuplicateAlias, ReservedAlias,
        │                         StateNotCaptured (all that went wrong, rule by rule)
        └── ...

Each carries a *reason* (a CamelCase token for machines) and a *message* (a sentence for a tired
operator). The first question is always: retry, or a human? `transient` answers it, once, per type.
Messages never contain response bodies, manifests or secrets, and are cut at `MESSAGE_LENGTH_MAX`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

MESSAGE_LENGTH_MAX = 1024
TEMPLATE_SHOWN_MAX = 120


class FailoverError(Exception):
    """An error with a reason and a message; `transient` says whether trying again may help."""

    transient: ClassVar[bool] = False

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        """Keep the message, cut to a bound; the reason defaults to the name of the type."""
        if len(message) > MESSAGE_LENGTH_MAX:
            message = message[: MESSAGE_LENGTH_MAX - 1] + "…"
        super().__init__(message)
        self.message = message
        self.reason = reason or type(self).__name__


class TransientError(FailoverError):
    """Worth another try."""

    transient = True


class DefiniteError(FailoverError):
    """The same request gives the same answer: a person or another plan is needed."""


class ClusterUnreachable(TransientError):
    """The cluster gave no answer, or none in time. A write may or may not have happened."""


class ClusterBusy(TransientError):
    """The API server answered 429 or 5xx. A write may or may not have happened."""


class Conflict(TransientError):
    """The object changed between reading and writing (HTTP 409, or a failed precondition)."""


class CredentialsRejected(DefiniteError):
    """The API server does not know who we are (HTTP 401), also after renewing the credentials."""


class Forbidden(DefiniteError):
    """The API server knows us and says no (HTTP 403)."""


class NotFound(DefiniteError):
    """The object is not there: a definite answer by the API server about this one object."""


class AlreadyExists(DefiniteError):
    """An object of that name is there already."""


class Invalid(DefiniteError):
    """The API server refuses the object itself (HTTP 400, 413, 415, 422)."""


class UnknownKind(DefiniteError):
    """The cluster serves no such kind (no CRD, or a misspelt kind)."""


class UnknownCluster(DefiniteError):
    """The fleet has no cluster of that name."""


class InvalidInput(DefiniteError):
    """A file, flag or message from a person is wrong; says what, where and how to mend it."""


class JSONPathError(DefiniteError):
    """A JSONPath template cannot be used, by itself or on the document at hand."""

    def __init__(self, template: str, problem: str) -> None:
        """Name the template, shortened, and what is wrong with it."""
        shown = (
            template if len(template) <= TEMPLATE_SHOWN_MAX else f"{template[:TEMPLATE_SHOWN_MAX]}…"
        )
        super().__init__(f"the JSONPath template {shown} {problem}")
        self.template = template


class UnparsablePath(JSONPathError):
    """The template is not one: says what is wrong, and at which column."""

    def __init__(self, template: str, column: int, problem: str) -> None:
        """Point at a column of the template, counted from 1."""
        super().__init__(template, f"{problem} (column {column})")
        self.column = column


class MissingKey(JSONPathError):
    """The document has no such key, or no such element of a list, where the template looks for it."""

    def __init__(
        self, template: str, *, key: str, path: str, present: str, keys: tuple[str, ...]
    ) -> None:
        """Say which key is missing under which path, and what is present there: never a value."""
        super().__init__(template, f"finds no {key!r}: {present}")
        self.key = key
        self.path = path
        self.keys = keys


class PathMismatch(JSONPathError):
    """The document is shaped otherwise than the template needs, as a map where it indexes a list."""


class PathTooBroad(JSONPathError):
    """The template selects more of this document than the engine is ready to go through or print."""


class PreservationError(DefiniteError):
    """State cannot be preserved as a policy asks."""


class IllegalLabelKey(PreservationError):
    """Kubernetes would refuse this label key."""


class IllegalLabelValue(PreservationError):
    """Kubernetes would refuse this label value."""


class DuplicateAlias(PreservationError):
    """Two rules write the same label."""


class ReservedAlias(PreservationError):
    """The label belongs to this engine or to Karmada; writing it would change what they do."""


class StateNotCaptured(PreservationError):
    """Some rules of a policy found no usable state; names each of them.

    Its reason is that of the rules, if all failed for the same one.
    """

    def __init__(self, failures: Sequence[tuple[str, FailoverError]], *, of: int) -> None:
        """Tell what went wrong for each label, out of so many rules."""
        shares = MESSAGE_LENGTH_MAX // (len(failures) + 1)
        told = "; ".join(f"{label[:80]}: {error.message}"[:shares] for label, error in failures)
        reasons = {error.reason for _, error in failures}
        message = f"{len(failures)} of {of} preservation rules gave no usable state: {told}"
        super().__init__(message, reason=reasons.pop() if len(reasons) == 1 else None)
        self.failures = tuple(failures)
