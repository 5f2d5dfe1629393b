"""What an answer of an API server, or its absence, means: the foreign becomes our tree here.

A message says what was being done and to what, then what the API server says of it. Of its words
only `Status.message` and field paths are kept, without the values that they quote and cut short; of
answers about Secrets nothing but field paths.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp

from failover.domain.errors import (
    AlreadyExists,
    ClusterBusy,
    ClusterUnreachable,
    Conflict,
    CredentialsRejected,
    FailoverError,
    Forbidden,
    Invalid,
    NotFound,
    UnknownKind,
)
from failover.kube.plain import Node, node, nodes

_TEXT_MAX = 400
_CAUSES_MAX = 8
_VALUED = ("Invalid value", "Unsupported value", "Duplicate value", "Not found")
_QUOTED = re.compile(r'^"(?:[^"\\]|\\.)*"')
_EMBEDDED = re.compile(rf'((?:{"|".join(_VALUED)}): )("(?:[^"\\]|\\.)*"|\S+?)(?=[:,\s\]]|$)')
_KEYS = re.compile(r"\[[^\]]*\]")
_UNTOUCHED = ("get", "list", "watch", "discover", "check", "look", "try to create")

Status = Node


class Expired(ClusterBusy):
    """The resourceVersion or the page asked for is no longer there (410): list again."""


class StreamCut(ClusterUnreachable):
    """A watch that had begun was cut: it goes on from the last version seen."""


@dataclass(frozen=True)
class Doing:
    """What a request is for, in words: `delete FlinkDeployment shop/orders on east`."""

    verb: str
    what: str
    cluster: str
    secret: bool = False

    def __str__(self) -> str:
        return f"{self.verb} {self.what} on {self.cluster}"

    @property
    def uncertain(self) -> str:
        """What to add when no answer came."""
        return "" if self.verb in _UNTOUCHED else "; whether it was done is not known"


def refused(doing: Doing, code: int, body: bytes) -> FailoverError:
    """The error for an answer that is not a success."""
    status = _status(body)
    reason = str(status.get("reason") or "")
    says = _says(doing, status)
    match code:
        case HTTPStatus.UNAUTHORIZED:
            return CredentialsRejected(
                f"{doing}: the API server does not accept our credentials (401), also after "
                "renewing them; look at the user of this cluster's kubeconfig context"
            )
        case HTTPStatus.FORBIDDEN:
            return _forbidden(doing, status, says)
        case HTTPStatus.NOT_FOUND:
            return _not_found(doing, status)
        case HTTPStatus.CONFLICT if reason == "AlreadyExists":
            return AlreadyExists(f"{doing}: an object of that name is there already")
        case HTTPStatus.CONFLICT:
            return Conflict(f"{doing}: it has changed in between{says}")
        case HTTPStatus.GONE:
            return Expired(f"{doing}: the version asked for is no longer kept")
        case HTTPStatus.UNPROCESSABLE_ENTITY if doing.verb == "patch" and not _causes(status):
            # A failed `test` of a JSON patch; a refused object always names its fields.
            return Conflict(
                f"{doing}: the object is no longer what the patch expects", reason="PatchTestFailed"
            )
        case HTTPStatus.TOO_MANY_REQUESTS:
            return ClusterBusy(f"{doing}: the API server has too much to do (429)")
        case _ if code < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Invalid(f"{doing}: the API server refuses it ({code}){says}")
        case _:
            return ClusterBusy(f"{doing}: the API server failed ({code}){says}{doing.uncertain}")


def unreachable(
    doing: Doing, error: BaseException, server: str, seconds: float
) -> ClusterUnreachable:
    """The error for an answer that did not come."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return ClusterUnreachable(
                f"{doing}: the certificate of {server} is not signed by the authority in the "
                "kubeconfig, or is for another name",
                reason="CertificateNotTrusted",
            )
        case aiohttp.ClientSSLError():
            return ClusterUnreachable(
                f"{doing}: no TLS connection to {server} ({type(error).__name__})", reason="NoTLS"
            )
        case aiohttp.ClientConnectorError():
            why = error.strerror or "no connection"
            return ClusterUnreachable(f"{doing}: {server} cannot be reached ({why})")
        case TimeoutError():
            return ClusterUnreachable(
                f"{doing}: no answer from {server} within {seconds:g} s{doing.uncertain}"
            )
        case _:
            why = type(error).__name__
            return ClusterUnreachable(
                f"{doing}: the connection to {server} was lost ({why}){doing.uncertain}"
            )


def garbled(doing: Doing) -> ClusterBusy:
    """The error for a success whose body is not JSON: something between us and the API server."""
    return ClusterBusy(
        f"{doing}: the answer is not JSON; is there a proxy in between?{doing.uncertain}"
    )


def scrubbed(text: str) -> str:
    """A message of the API server without the values that it quotes, cut short."""
    return _cut(_EMBEDDED.sub(r"\1…", text))


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _TEXT_MAX else line[: _TEXT_MAX - 1] + "…"


def _forbidden(doing: Doing, status: Status, says: str) -> FailoverError:
    causes = {str(cause.get("reason")) for cause in _causes(status)}
    if "NamespaceTerminating" in causes:
        return Forbidden(
            f"{doing}: the namespace is being deleted; wait until it is gone, then try again",
            reason="NamespaceTerminating",
        )
    return Forbidden(
        f"{doing}: not allowed{says}; `failover rbac` prints the rights that are needed"
    )


def _not_found(doing: Doing, status: Status) -> FailoverError:
    details = _details(status)
    if not details.get("name"):
        return UnknownKind(f"{doing}: the cluster serves no such kind; is its CRD installed there?")
    if details.get("kind") == "namespaces" and doing.verb == "create":
        return NotFound(
            f"{doing}: there is no namespace {details['name']!r}", reason="NamespaceNotFound"
        )
    return NotFound(f"{doing}: it is not there")


def _says(doing: Doing, status: Status) -> str:
    causes = _causes(status)[:_CAUSES_MAX]
    if doing.secret:
        # The keys of a Secret stay unsaid, too.
        fields = (_KEYS.sub("[…]", str(cause.get("field") or "")) for cause in causes)
        said = "; ".join(field for field in fields if field)
    elif causes:
        said = _cut("; ".join(filter(None, map(_cause, causes))))
    else:
        said = scrubbed(str(status.get("message") or ""))
    return f": {said}" if said else ""


def _cause(cause: dict[str, Any]) -> str:
    kind, _, rest = str(cause.get("message") or "").partition(": ")
    if kind in _VALUED:
        quoted = _QUOTED.match(rest)
        # A value that is not quoted may be a whole object: only what follows it is kept.
        rest = (
            rest[quoted.end() :].lstrip(": ")
            if quoted
            else rest.rpartition(": ")[2] * (": " in rest)
        )
    text = f"{kind}: {rest}" if rest else kind
    field = str(cause.get("field") or "")
    return f"{field}: {text}" if field else text


def _status(body: bytes) -> Status:
    try:
        status = json.loads(body)
    except ValueError:
        return {}
    status = node(status)
    return status if status.get("kind") == "Status" else {}


def _details(status: Status) -> dict[str, Any]:
    return node(status.get("details"))


def _causes(status: Status) -> list[dict[str, Any]]:
    return nodes(_details(status).get("causes"))
