"""Temporal's answers in our own words: foreign exceptions stop here, and at `failover.temporal`."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta

from temporalio.service import RPCError, RPCStatusCode

from failover.domain.errors import DefiniteError, Forbidden, InvalidInput, NotFound
from failover.temporal import TemporalUnreachable

CALL_TIMEOUT = timedelta(seconds=10)
"""How long one call of a client may take, its repeats included."""

_SILENT = frozenset(
    {
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.CANCELLED,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.ABORTED,
        RPCStatusCode.INTERNAL,
        RPCStatusCode.UNKNOWN,
    }
)
_MESSAGE_LENGTH_MAX = 300


class TemporalRefused(DefiniteError):
    """Temporal answered, and does not do what was asked."""


@contextmanager
def connecting() -> Generator[None, None, None]:
    """Turn a profile or variable of Temporal's that cannot be used into an error of ours."""
    try:
        yield
    except (ValueError, OSError, TypeError) as error:
        told = str(error)[:_MESSAGE_LENGTH_MAX]
        message = f"the connection settings of Temporal cannot be used ({told}); look at TEMPORAL_*"
        raise InvalidInput(message) from error


@contextmanager
def asking(doing: str) -> Generator[None, None, None]:
    """Turn what Temporal answers into an error of ours that says what was being done."""
    try:
        yield
    except RPCError as error:
        told = error.message[:_MESSAGE_LENGTH_MAX]
        if error.status in _SILENT:
            message = f"cannot {doing}, since Temporal does not answer ({told}); try again"
            raise TemporalUnreachable(message) from error
        message = f"cannot {doing}: Temporal says {told!r}"
        match error.status:
            case RPCStatusCode.NOT_FOUND:
                raise NotFound(message) from error
            case RPCStatusCode.PERMISSION_DENIED | RPCStatusCode.UNAUTHENTICATED:
                hint = "; check TEMPORAL_API_KEY or the TLS settings of the profile"
                raise Forbidden(message + hint) from error
            case RPCStatusCode.INVALID_ARGUMENT:
                raise InvalidInput(message) from error
            case _:
                raise TemporalRefused(message) from error
