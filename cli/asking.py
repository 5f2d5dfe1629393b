"""Asking a person before something is done."""

from __future__ import annotations

import sys

from cli.exits import Refused
from cli.printing import can_ask, err_console
from failover.domain.errors import InvalidInput


class Declined(Refused):
    """The person said no."""


def confirm(question: str, *, yes: bool) -> None:
    """Ask, unless `-y` has answered. Raises `InvalidInput` where there is nobody to ask, `Declined` for no."""
    if yes:
        return
    if not can_ask():
        raise InvalidInput("nobody can be asked here (no terminal); say -y to go ahead")
    err_console().print(f"{question} [y/N] ", end="", markup=False)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise Declined("nothing was done")


def demand_reason(reason: str, *, force: bool) -> str:
    """The reason for what bypasses a check. Raises `InvalidInput` for one without the other."""
    if force and not reason.strip():
        raise InvalidInput("--force bypasses a check, so it needs --reason 'why', for the history")
    return reason.strip() if force else ""
