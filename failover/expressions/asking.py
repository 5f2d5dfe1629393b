"""Asking the process that evaluates expressions; see `answering`.

Nothing here raises, and nothing waits for longer than `WAIT_SECONDS_MAX`: the worst that an expression
can do is to make one verdict `Unknown`. One that was too costly is not tried again for a while.
"""

from __future__ import annotations

import atexit
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

from failover.domain.health.entries import Judge
from failover.domain.manifest import Manifest
from failover.domain.rules import (
    Answer,
    Applies,
    CannotTell,
    HealthRule,
    NoneApplies,
    ruled,
)
from failover.expressions import answering
from failover.expressions.wording import TOO_COSTLY, told

WAIT_SECONDS_MAX = 1.0
"""For an answer: somewhat more than the process allows itself."""
START_SECONDS_MAX = 10.0
QUIET_SECONDS = 60.0
"""How long an expression that was too costly is left alone."""
QUESTION_BYTES_MAX = 8 * 1024 * 1024
COSTLY_MAX = 1000

_TOO_COSTLY = CannotTell(
    "RuleTooCostly",
    f"its expressions took more than {answering.ANSWER_SECONDS_MAX} s of a processor, or too much "
    "memory, and were stopped; look for macros within macros",
)


def judge_by(rule: HealthRule | None) -> Judge | None:
    """The judge that a rule is; none where there is no rule."""
    return None if rule is None else ruled(rule, _ASKING.evaluate)


class Asking:
    """One process, started when it is needed, and again where it ended."""

    def __init__(self) -> None:
        """No process yet."""
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._costly: dict[tuple[str, ...], float] = {}

    def evaluate(
        self, expressions: tuple[str, ...], manifest: Manifest, owned: Sequence[Manifest]
    ) -> Answer:
        """Which expression is the first to be true."""
        question = _question(expressions, manifest, owned)
        if len(question) > QUESTION_BYTES_MAX:
            size = f"{len(question) // 1024} KiB"
            message = f"the object and what it owns are too large for expressions ({size})"
            return CannotTell("RuleInputTooLarge", message)
        with self._lock:
            if time.monotonic() < self._costly.get(expressions, 0.0):
                return _TOO_COSTLY
            return self._asked(expressions, question)

    def close(self) -> None:
        """End the process."""
        process, connection = self._process, self._socket
        self._process = self._socket = None
        if connection is not None:
            connection.close()
        if process is not None:
            process.kill()
            process.wait()

    def _asked(self, expressions: tuple[str, ...], question: bytes) -> Answer:
        try:
            connection = self._connection()
        except OSError as error:
            self.close()
            message = f"the process for expressions does not start ({error.strerror or error})"
            return CannotTell("ExpressionsUnavailable", message)
        try:
            answer = _exchange(connection, question)
        except (OSError, ValueError):
            self.close()
            if len(self._costly) >= COSTLY_MAX:
                self._costly.clear()
            self._costly[expressions] = time.monotonic() + QUIET_SECONDS
            return _TOO_COSTLY
        return _understood(expressions, answer)

    def _connection(self) -> socket.socket:
        if self._socket is not None and self._process is not None and self._process.poll() is None:
            return self._socket
        self.close()
        ours, theirs = socket.socketpair()
        self._socket = ours
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, nothing from outside
                [sys.executable, "-m", answering.__name__],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        ours.settimeout(START_SECONDS_MAX)
        try:
            _exchange(ours, _question(("true",), {}, ()))
        except ValueError as error:
            raise OSError(0, "it ended at once") from error
        return ours


def _exchange(connection: socket.socket, question: bytes) -> dict[str, Any]:
    """One question, one answer. Raises `OSError` (also `TimeoutError`) or `ValueError` at the end."""
    deadline = time.monotonic() + (connection.gettimeout() or WAIT_SECONDS_MAX)
    connection.sendall(answering.LENGTH.pack(len(question)) + question)
    (length,) = answering.LENGTH.unpack(_received(connection, answering.LENGTH.size, deadline))
    answer = json.loads(_received(connection, length, deadline))
    connection.settimeout(WAIT_SECONDS_MAX)
    return cast("dict[str, Any]", answer)


def _received(connection: socket.socket, length: int, deadline: float) -> bytes:
    found = bytearray()
    while len(found) < length:
        connection.settimeout(max(deadline - time.monotonic(), 0.001))
        part = connection.recv(length - len(found))
        if not part:
            raise ValueError("the process has ended")
        found += part
    return bytes(found)


def _question(expressions: tuple[str, ...], manifest: Manifest, owned: Sequence[Manifest]) -> bytes:
    asked = {
        "expressions": expressions,
        "object": _lean(manifest),
        "owned": [_lean(each) for each in owned],
    }
    return json.dumps(asked).encode()


def _lean(manifest: Manifest) -> Manifest:
    """Without what servers keep for themselves, which is the half of many objects."""
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict) or "managedFields" not in metadata:
        return manifest
    kept = {
        key: value for key, value in cast("Manifest", metadata).items() if key != "managedFields"
    }
    return {**manifest, "metadata": kept}


def _understood(expressions: tuple[str, ...], answer: dict[str, Any]) -> Answer:
    if "failed" in answer:
        failed, message = int(answer["failed"]), str(answer.get("message", ""))
        if TOO_COSTLY in message:
            return _TOO_COSTLY
        where = f"spec.rules[{failed}].when"
        return CannotTell("RuleFailed", f"{where}: {told(expressions[failed], message)}")
    index = answer.get("index")
    return NoneApplies() if index is None else Applies(int(index))


_ASKING = Asking()


def _end() -> None:
    with suppress(OSError):
        _ASKING.close()


atexit.register(_end)
