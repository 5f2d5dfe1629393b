"""What an API server's answer means, without the API server."""

from __future__ import annotations

import json
import ssl
from typing import Any

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

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
from failover.kube.errors import Doing, Expired, refused, scrubbed, unreachable

DELETE = Doing("delete", "FlinkDeployment shop/orders", "east")
PATCH = Doing("patch", "FlinkDeployment shop/orders", "east")
SECRET = Doing("create", "Secret shop/key", "east", secret=True)
ORDERS = {"name": "orders", "kind": "flinkdeployments", "group": "flink.apache.org"}


def status(reason: str = "", message: str = "", **details: Any) -> bytes:
    """A Status, as an API server sends it."""
    document = {"kind": "Status", "status": "Failure", "reason": reason, "message": message}
    return json.dumps({**document, "details": details}).encode()


@pytest.mark.parametrize(
    ("code", "body", "error"),
    [
        pytest.param(401, status("Unauthorized", "Unauthorized"), CredentialsRejected, id="401"),
        pytest.param(403, status("Forbidden", "no", **ORDERS), Forbidden, id="403"),
        pytest.param(
            404, status("NotFound", "not found", **ORDERS), NotFound, id="404 of the object"
        ),
        pytest.param(404, b"404 page not found\n", UnknownKind, id="404 of the path"),
        pytest.param(
            404,
            status("NotFound", "the server could not find the requested resource"),
            UnknownKind,
            id="404 of the kind",
        ),
        pytest.param(409, status("AlreadyExists", **ORDERS), AlreadyExists, id="409 exists"),
        pytest.param(409, status("Conflict", **ORDERS), Conflict, id="409 conflict"),
        pytest.param(410, status("Expired"), Expired, id="410"),
        pytest.param(400, status("BadRequest"), Invalid, id="400"),
        pytest.param(405, status("MethodNotAllowed"), Invalid, id="405"),
        pytest.param(413, b"too large", Invalid, id="413"),
        pytest.param(415, status("UnsupportedMediaType"), Invalid, id="415"),
        pytest.param(422, status("Invalid", **ORDERS), Invalid, id="422"),
        pytest.param(429, status("TooManyRequests"), ClusterBusy, id="429"),
        pytest.param(
            500,
            status("InternalError", "etcdserver: request timed out"),
            ClusterBusy,
            id="500 of etcd",
        ),
        pytest.param(502, b"<html>bad gateway</html>", ClusterBusy, id="502 of a proxy"),
        pytest.param(503, status("ServiceUnavailable"), ClusterBusy, id="503"),
        pytest.param(504, status("Timeout"), ClusterBusy, id="504"),
    ],
)
def test_answer_becomes_error(code: int, body: bytes, error: type[FailoverError]) -> None:
    """Each answer has one meaning, and its message begins with what was being done."""
    answer = refused(DELETE, code, body)
    assert type(answer) is error
    assert answer.message.startswith("delete FlinkDeployment shop/orders on east: ")


def test_uncertain_outcome_is_said() -> None:
    """After a failed write the message says that it may have happened; after a read it does not."""
    assert "whether it was done is not known" in refused(DELETE, 500, b"").message
    assert "not known" not in refused(Doing("get", "x", "east"), 500, b"").message


def test_patch_without_field_errors_is_a_conflict() -> None:
    """Only a patch's failed test is answered with 422 and no field."""
    assert refused(PATCH, 422, status("Invalid")).reason == "PatchTestFailed"
    cause = {"field": "spec.x", "message": "Required value", "reason": "FieldValueRequired"}
    assert type(refused(PATCH, 422, status("Invalid", causes=[cause]))) is Invalid


@pytest.mark.parametrize(
    ("message", "says"),
    [
        pytest.param('Invalid value: "can\\"ary": must be x', "must be x", id="quoted"),
        pytest.param('Invalid value: {"a": "canary: x"}: must be y', "must be y", id="object"),
        pytest.param('Duplicate value: "canary"', "Duplicate value", id="duplicate"),
        pytest.param(
            'Unsupported value: "canary": supported values: "A", "B"',
            'supported values: "A", "B"',
            id="enum",
        ),
        pytest.param("Required value: must be set", "must be set", id="no value"),
        pytest.param("Invalid value: canary", "Invalid value", id="value alone"),
    ],
)
def test_cause_is_told_without_its_value(message: str, says: str) -> None:
    """The field and the rule stay, the value goes."""
    told = refused(DELETE, 422, status("Invalid", causes=[{"field": "spec.a", "message": message}]))
    assert "spec.a: " in told.message
    assert says in told.message
    assert "canary" not in told.message


def test_message_without_causes_is_scrubbed() -> None:
    """Values quoted in the middle of a sentence go, too, and long ones are cut."""
    text = (
        'X "a" is invalid: spec.a: Invalid value: "canary": must be b, spec.c: Not found: "canary"'
    )
    assert "canary" not in scrubbed(text)
    assert "must be b" in scrubbed(text)
    assert len(scrubbed("x" * 5000)) == 400


def test_secret_is_never_quoted() -> None:
    """Of an answer about a Secret only field paths are kept, without keys."""
    cause = {"field": "data[canary-key]", "message": 'Invalid value: "canary": must be c'}
    told = refused(SECRET, 422, status("Invalid", "canary", causes=[cause])).message
    assert "data[…]" in told
    assert "canary" not in told
    assert "canary" not in refused(SECRET, 400, status("BadRequest", "canary")).message


def test_absent_answer_becomes_unreachable() -> None:
    """No connection, no answer in time, and a lost connection are told apart in words only."""
    key = ConnectionKey("east.test", 6443, True, True, None, None, None)
    cases: list[tuple[BaseException, str, str]] = [
        (TimeoutError(), "ClusterUnreachable", "no answer from https://east.test within 10 s"),
        (
            aiohttp.ServerDisconnectedError(),
            "ClusterUnreachable",
            "connection to https://east.test was lost",
        ),
        (
            aiohttp.ClientConnectorError(key, OSError(111, "refused")),
            "ClusterUnreachable",
            "(refused)",
        ),
        (
            aiohttp.ClientConnectorCertificateError(key, ssl.SSLCertVerificationError("x")),
            "CertificateNotTrusted",
            "not signed by the authority",
        ),
        (aiohttp.ClientConnectorSSLError(key, ssl.SSLError(1, "x")), "NoTLS", "no TLS connection"),
    ]
    for error, reason, says in cases:
        told = unreachable(DELETE, error, "https://east.test", 10)
        assert isinstance(told, ClusterUnreachable)
        assert told.transient
        assert told.reason == reason
        assert says in told.message
