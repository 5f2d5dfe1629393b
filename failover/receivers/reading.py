"""The receivers' file: read strictly, checked by an example, read again when it changes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from failover.domain.calling.call import Call
from failover.domain.calling.receivers import KIND, Http, Receivers
from failover.domain.calling.wording import body_of, facts
from failover.domain.documents import Document, Flaw, read_documents
from failover.domain.errors import InvalidInput
from failover.domain.identity import ApplicationRef
from failover.domain.policy.fields import nearest
from failover.domain.policy.model import API_VERSION
from failover.domain.policy.problems import Finding, error

logger = logging.getLogger(__name__)

_TOP = ("apiVersion", "kind", "metadata", "spec")
_MESSAGE_LENGTH_MAX = 200

EXAMPLE = Call(
    application=ApplicationRef(
        group="flink.apache.org", kind="FlinkDeployment", namespace="shop", name="orders"
    ),
    failover="failover/shop/FlinkDeployment.flink.apache.org/orders",
    waiting="Blocked",
    reason="NotGone",
    message='This is a test of the "receivers"; nothing is wrong.',
    since=datetime(2026, 11, 1, 10, 41, tzinfo=UTC),
    source="east",
    target="west",
    copies="the original is untouched on east",
    command="failover retry flinkdeployment/orders -n shop",
)


def is_receivers(content: object) -> bool:
    """Whether a document is about those who are called."""
    return isinstance(content, dict) and cast("dict[str, object]", content).get("kind") == KIND


def check_receivers(content: object) -> tuple[Receivers | None, tuple[Finding, ...]]:
    """What the document says, if it can be used, and all that is wrong with it."""
    document = cast("dict[str, Any]", content)
    findings = [*_check_top(document)]
    try:
        found = Receivers.model_validate(document.get("spec") or {})
    except ValidationError as failure:
        return None, (*findings, *_findings_of(failure))
    findings += _check_bodies(found)
    return (None if findings else found), tuple(findings)


def read_receivers(text: str, origin: str) -> Receivers:
    """The receivers of a file. Raises `InvalidInput`, which names the field."""
    for found in read_documents(text):
        if isinstance(found, Flaw):
            raise InvalidInput(f"{origin}: {found.message}", reason=found.reason)
        if found.index > 0 or not is_receivers(found.content):
            raise InvalidInput(f"{origin}: a file of receivers is one document of kind {KIND}")
        return _usable(found, origin)
    raise InvalidInput(f"{origin}: the file is empty; it wants a document of kind {KIND}")


def _usable(document: Document, origin: str) -> Receivers:
    receivers, findings = check_receivers(document.content)
    if receivers is None:
        told = "; ".join(f"{each.path}: {each.message}" for each in findings[:5])
        raise InvalidInput(f"{origin}: {told}")
    return receivers


class ReceiverFile:
    """The file, followed: a call made after it has changed knows what it says now."""

    def __init__(self, path: Path) -> None:
        """Read it. Raises `InvalidInput` where it cannot be used."""
        self._path = path
        self._seen = self._stamp()
        self._receivers = self._read()

    def current(self) -> Receivers:
        """What the file says; what it said last where it cannot be used any more."""
        try:
            seen = self._stamp()
            if seen != self._seen:
                self._seen = seen
                self._receivers = self._read()
        except InvalidInput as problem:
            logger.error(  # noqa: TRY400 - the message says it all, a traceback says nothing
                "the receivers as they were read last stay in use: %s",
                problem.message,
                extra={"reason": problem.reason},
            )
        return self._receivers

    def _stamp(self) -> tuple[int, int, int]:
        try:
            found = self._path.stat()
        except OSError as problem:
            raise _unreadable(self._path, problem) from problem
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> Receivers:
        try:
            text = self._path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            raise _unreadable(self._path, problem) from problem
        return read_receivers(text, str(self._path))


def _unreadable(path: Path, problem: Exception) -> InvalidInput:
    why = getattr(problem, "strerror", None) or "it is no text in UTF-8"
    return InvalidInput(f"{path}: the receivers cannot be read ({why})")


def _check_top(document: dict[str, Any]) -> Iterator[Finding]:
    version = document.get("apiVersion")
    if version != API_VERSION:
        shown = f"is {version!r}" if version else "is missing"
        yield error("apiVersion", "WrongApiVersion", f"{shown}, but {KIND} is {API_VERSION}.")
    for name in document:
        if name not in _TOP:
            meant = nearest(str(name), _TOP)
            hint = f" Did you mean {meant}?" if meant else ""
            yield error(str(name)[:60], "UnknownField", f"is not a field.{hint}")
    if not isinstance(document.get("spec"), dict):
        yield error("spec", "Missing", "is missing; it holds repeatSeconds and receivers.")


def _findings_of(failure: ValidationError) -> Iterator[Finding]:
    """One finding for each complaint; no value is shown, since it may be a secret in the wrong place."""
    for each in failure.errors(include_url=False, include_input=False, include_context=False):
        path = "spec" + "".join(
            f"[{step}]" if isinstance(step, int) else f".{step}" for step in each["loc"]
        )
        match each["type"]:
            case "missing":
                yield error(path, "Missing", "is missing.")
            case "extra_forbidden":
                yield error(path, "UnknownField", "is not a field.")
            case _:
                message = each["msg"].removeprefix("Value error, ")[:_MESSAGE_LENGTH_MAX]
                yield error(path, "Invalid", f"{message}.")


def _check_bodies(receivers: Receivers) -> Iterator[Finding]:
    """Each template is tried on an example, for a wait that begins and for its end."""
    for index, each in enumerate(receivers.receivers):
        if isinstance(each.way, Http):
            yield from _check_body(each.way, f"spec.receivers[{index}].http.body")


def _check_body(http: Http, path: str) -> Iterator[Finding]:
    secrets = dict.fromkeys(http.secrets, 'a "secret"')
    for resolved in (False, True) if http.send_resolved else (False,):
        told = facts(EXAMPLE, EXAMPLE.since, number=0, resolved=resolved, link="", runbook="")
        try:
            body_of(http, told, secrets)
        except InvalidInput as problem:
            message = problem.message.removeprefix("body: ")
            yield error(path, "TemplateUnusable", f"{message}.")
            return
