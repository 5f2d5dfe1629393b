"""What can go wrong with the local world, each with a message that says how to mend it.

DevstackError
├── BinaryMissing      a program is not there and could not be had
├── BuildFailed        a program could not be built or its download could not be trusted
├── PortInUse          a port that was asked for is taken
├── DirectoryInUse     another world runs in the data directory
├── PartFailed         a part died or did not become ready in time
└── ApiError           a local API server refused a request
"""

from __future__ import annotations


class DevstackError(Exception):
    """The local world cannot do what was asked; the message says why and how to mend it."""

    def __init__(self, message: str) -> None:
        """Keep the message."""
        super().__init__(message)
        self.message = message


class BinaryMissing(DevstackError):
    """A program is neither there nor to be had."""


class BuildFailed(DevstackError):
    """A program could not be built, or what was downloaded is not what was pinned."""


class PortInUse(DevstackError):
    """A port that was asked for is taken by another process."""


class DirectoryInUse(DevstackError):
    """Another world runs in the data directory."""


class PartFailed(DevstackError):
    """A part died, or was not ready in time."""


class ApiError(DevstackError):
    """A local API server refused a request."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        """Keep the HTTP status and the reason that the API server gave."""
        super().__init__(f"{message} ({status} {reason})")
        self.status = status
        self.reason = reason
