"""What a call says: its facts, Alertmanager's form of them, and the templates of all others.

A template is Jinja2 in its sandbox, made narrower: values are text, numbers and maps of them; no
functions, no attributes, no arithmetic that multiplies text, few filters; what it makes has a bound.
Whoever writes it runs the worker and is trusted; what it is given may come from anybody.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from failover.domain.calling.call import Call
from failover.domain.calling.receivers import Http
from failover.domain.errors import InvalidInput
from failover.domain.telling import seconds

BODY_LENGTH_MAX = 64 * 1024
ALERT_NAME = "FailoverWaiting"
_FILTERS = ("default", "first", "join", "last", "length", "list", "lower", "replace", "sort", "tojson", "trim", "truncate", "upper", "urlencode")  # fmt: skip
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class _Narrow(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "**", "%"})

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Nothing is an attribute: facts are found as items."""
        del obj, attr, value
        return False

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Text is not multiplied, nor formatted to a width."""
        del context, left, right
        raise SecurityError(f"{operator} is not there")


def _environment() -> _Narrow:
    narrow = _Narrow(undefined=StrictUndefined, autoescape=False)
    narrow.globals.clear()
    kept = {name: narrow.filters[name] for name in _FILTERS}
    narrow.filters.clear()
    narrow.filters.update(kept)
    return narrow


_ENVIRONMENT = _environment()


def facts(
    call: Call, now: datetime, *, number: int, resolved: bool, link: str, runbook: str
) -> dict[str, Any]:
    """All that a template may say."""
    app = call.application
    return {
        "headline": call.headline(resolved=resolved),
        "application": str(app),
        "kind": app.kind,
        "namespace": app.namespace,
        "name": app.name,
        "failover": call.failover,
        "key": call.key,
        "waiting": call.waiting,
        "reason": call.reason,
        "message": call.message,
        "since": f"{call.since:{_TIME}}",
        "waited": seconds(max(now - call.since, timedelta(0))),
        "source": call.source,
        "target": call.target,
        "copies": call.copies,
        "command": call.command,
        "link": link,
        "runbook": f"{runbook}#{call.reason.lower()}" if runbook and call.reason else runbook,
        "number": number + 1,
        "resolved": resolved,
        "status": "resolved" if resolved else "firing",
    }


def body_of(http: Http, told: Mapping[str, Any], secrets: Mapping[str, str]) -> str:
    """What the template makes of the facts. Raises `InvalidInput`, in which no value stands."""
    made: list[str] = []
    length = 0
    try:
        template = _ENVIRONMENT.from_string(http.body)
        for piece in template.generate({**told, "secrets": dict(secrets)}):
            length += len(piece)
            if length > BODY_LENGTH_MAX:
                raise InvalidInput(f"body: the template makes more than {BODY_LENGTH_MAX} letters")
            made.append(piece)
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        where = f"line {line}: " if line else ""
        told_why = f"{where}{type(error).__name__}: {error.message or ''}"[:300]
        raise InvalidInput(f"body: the template cannot be used ({told_why})") from error
    except (TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
        message = f"body: the template cannot be used ({type(error).__name__})"
        raise InvalidInput(message) from error
    text = "".join(made)
    if "json" in http.content_type:
        _check_json(text)
    return text


def _check_json(text: str) -> None:
    try:
        json.loads(text)
    except ValueError as error:
        position = (
            f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "somewhere"
        )
        message = (
            f"body: the template makes no JSON ({position}); pass every value through `| tojson`"
        )
        raise InvalidInput(message) from error


def alerts_of(
    told: Mapping[str, Any], labels: Mapping[str, str], now: datetime, until: datetime
) -> list[dict[str, Any]]:
    """The body for Alertmanager's `/api/v2/alerts`: it resolves by itself where nobody renews it."""
    ours = {
        "alertname": ALERT_NAME,
        **{
            key: str(told[key])
            for key in ("namespace", "kind", "waiting", "reason", "source", "target")
        },
        "application": str(told["name"]),
    }
    notes = {key: str(told[key]) for key in ("message", "copies", "command", "since", "runbook")}
    alert: dict[str, Any] = {
        "labels": {**labels, **{key: value for key, value in ours.items() if value}},
        "annotations": {
            "summary": str(told["headline"]),
            **{key: value for key, value in notes.items() if value},
        },
        "startsAt": told["since"],
        # by clocks that differ, the end could come before the beginning, which is refused
        "endsAt": max(f"{now if told['resolved'] else until:{_TIME}}", str(told["since"])),
    }
    if told["link"]:
        alert["generatorURL"] = told["link"]
    return [alert]
