"""One call over HTTP: secrets are read for it, a few tries are made, and the answer is a value.

No URL, no header, no body and no answer's text gets into a log, an error or a history: a URL may be
a secret, and an answer may repeat one. What failed is told by a status code or by a word.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from failover.domain.calling.receivers import Alertmanager, Endpoint, Http, Receiver, Secret
from failover.domain.calling.wording import alerts_of, body_of
from failover.domain.errors import InvalidInput

TRIES_MAX = 3
PAUSE_SECONDS = 0.5
ALL_SECONDS_MAX = 18.0
"""Tries and pauses together; the activity has a little longer."""
SECRET_BYTES_MAX = 16 * 1024
ANSWER_LENGTH_MAX = 300
ALERTS_PATH = "/api/v2/alerts"
_AGAIN = frozenset({408, 429})


@dataclass(frozen=True)
class Answer:
    """What became of one call."""

    ok: bool
    told: str
    """In a few words, none of which comes from outside."""
    text: str = field(default="", repr=False)
    """The beginning of what the receiver answered, for the person who tries it; never logged."""
    again: bool = False
    """Whether another try may help."""


@dataclass(frozen=True)
class _Prepared:
    """A request as it goes out."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: Any = field(repr=False)
    timeout_seconds: float = 5
    context: ssl.SSLContext | bool = True


async def send(
    receiver: Receiver, told: Mapping[str, Any], now: datetime, lasts: timedelta
) -> Answer:
    """Tell one receiver; `lasts` is how long Alertmanager believes it. Raises nothing."""
    try:
        async with asyncio.timeout(ALL_SECONDS_MAX):
            prepared = await asyncio.to_thread(_prepare, receiver, told, now, now + lasts)
            return await _try(prepared)
    except InvalidInput as error:
        return Answer(ok=False, told=error.message)
    except TimeoutError:
        return Answer(ok=False, told="no answer in time", again=True)


async def _try(prepared: _Prepared) -> Answer:
    answer = await _once(prepared)
    for number in range(1, TRIES_MAX):
        if answer.ok or not answer.again:
            break
        await asyncio.sleep(PAUSE_SECONDS * 2 ** (number - 1))
        answer = await _once(prepared)
    return answer


async def _once(prepared: _Prepared) -> Answer:
    timeout = aiohttp.ClientTimeout(total=prepared.timeout_seconds)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
            session.request(
                prepared.method,
                prepared.url,
                data=prepared.body,
                headers=prepared.headers,
                ssl=prepared.context,
                allow_redirects=False,  # a token goes to the one address that was named
            ) as response,
        ):
            raw = await response.content.read(ANSWER_LENGTH_MAX)
            status = response.status
    except TimeoutError:
        return Answer(ok=False, told="no answer in time", again=True)
    except aiohttp.ClientConnectorCertificateError:
        return Answer(ok=False, told="its certificate is not trusted; name the authority in caFile")
    except aiohttp.ClientConnectorError as error:
        number = error.os_error.errno or 0
        why = os.strerror(number) if number > 0 else "no way there"
        return Answer(ok=False, told=f"cannot be reached ({why})", again=True)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        # the text of such an error may hold the address
        return Answer(ok=False, told=f"the call failed ({type(error).__name__})", again=True)
    text = raw.decode("utf-8", "replace")
    ok = 200 <= status < 300
    return Answer(ok, f"HTTP {status}", text, again=status in _AGAIN or status >= 500)


def _prepare(
    receiver: Receiver, told: Mapping[str, Any], now: datetime, until: datetime
) -> _Prepared:
    """The request. Raises `InvalidInput` for a secret, an authority or a template that cannot be used."""
    way = receiver.way
    url = reveal(way.url) if isinstance(way.url, Secret) else str(way.url)
    if urlsplit(url).scheme not in {"http", "https"}:
        raise InvalidInput("url: must begin with http:// or https://")
    headers = {"Content-Type": "application/json", "User-Agent": "stateful-failover"}
    method, body = "POST", b""
    match way:
        case Alertmanager():
            url = url.rstrip("/").removesuffix(ALERTS_PATH) + ALERTS_PATH
            body = json.dumps(alerts_of(told, way.labels, now, until)).encode()
        case Http():
            secrets = {name: reveal(each) for name, each in way.secrets.items()}
            body = body_of(way, told, secrets).encode()
            headers |= {"Content-Type": way.content_type, **way.headers}
            method = way.method
        case _:
            raise AssertionError(way)
    headers |= _identity(way)
    context = _context(way.ca_file)
    return _Prepared(method, url, headers, body, way.timeout_seconds, context)


def _identity(way: Endpoint) -> dict[str, str]:
    if way.bearer_token is not None:
        return {"Authorization": f"Bearer {reveal(way.bearer_token)}"}
    if way.basic_auth is not None:
        password = reveal(way.basic_auth.password)
        return {"Authorization": aiohttp.BasicAuth(way.basic_auth.user, password, "utf-8").encode()}
    return {}


def _context(file: str) -> ssl.SSLContext | bool:
    if not file:
        return True
    try:
        return ssl.create_default_context(cafile=file)
    except (OSError, ssl.SSLError) as error:
        raise InvalidInput(f"caFile: {file} cannot be used ({type(error).__name__})") from error


def reveal(secret: Secret) -> str:
    """The secret itself. Raises `InvalidInput`, which names where it should be."""
    if secret.env:
        value = os.environ.get(secret.env, "")
        where = f"the variable {secret.env}"
    else:
        where = f"the file {secret.file}"
        try:
            with Path(secret.file).open("rb") as file:
                value = file.read(SECRET_BYTES_MAX).decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"{where} cannot be read ({type(error).__name__})") from error
    value = value.strip()
    if not value or not value.isprintable():
        raise InvalidInput(f"{where} holds no secret, or more than one line")
    return value
