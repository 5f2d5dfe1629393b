"""What is wrong with a policy file, said so that a person can find the place and mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["Error", "Warning"]


@dataclass(frozen=True)
class Finding:
    """One thing found in a document, before it is known which document of which file that is."""

    severity: Severity
    path: str
    """Where, as in `spec.failover.application.purgeMode`; empty means the whole document."""
    reason: str
    message: str


@dataclass(frozen=True)
class Problem:
    """One thing found in a file. Errors keep a document from being used, warnings do not."""

    severity: Severity
    origin: str
    """The file."""
    document: int
    """Which document of the file, from 0."""
    line: int | None
    """The line where the document begins or, for a syntax error, where reading ended; from 1."""
    path: str
    reason: str
    message: str

    def __str__(self) -> str:
        where = f"{self.origin}:{self.line}" if self.line else self.origin
        what = f"{self.path}: " if self.path else ""
        return f"{where}: {self.severity.lower()}: {what}{self.message} [{self.reason}]"


def error(path: str, reason: str, message: str) -> Finding:
    """Something that keeps the document from being used."""
    return Finding("Error", path, reason, message)


def warning(path: str, reason: str, message: str) -> Finding:
    """Something that a person should know."""
    return Finding("Warning", path, reason, message)
