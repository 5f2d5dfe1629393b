"""`Receivers`: who is called, and how. Read by the worker, linted like a policy.

A secret never stands in the file: it is named by a file or by a variable of the environment, and read
for each call. A URL may itself be a secret, as Slack's are.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, model_validator
from pydantic.alias_generators import to_camel

KIND = "Receivers"
RECEIVERS_MAX = 20
TEMPLATE_LENGTH_MAX = 16 * 1024
REPEAT_SECONDS = 1800
TIMEOUT_SECONDS = 5
TIMEOUT_SECONDS_MAX = 10

Waiting = Literal["Blocked", "AwaitingApproval", "Held", "WaitingForCluster"]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$")]
LabelName = Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]{0,62}$")]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,100}$")]
HeaderValue = Annotated[str, Field(pattern=r"^[\x20-\x7e]{0,1000}$")]
Text = Annotated[str, Field(max_length=1000)]


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


class Secret(_Part):
    """Where a secret stands: a file, or a variable of the worker's environment."""

    file: str = ""
    env: str = ""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.file) == bool(self.env):
            raise ValueError("name either a file or an env")
        return self


class BasicAuth(_Part):
    """A user and a password."""

    user: str
    password: Secret


class Endpoint(_Part):
    """Where it is, and how we show who we are."""

    url: HttpUrl | Secret
    bearer_token: Secret | None = None
    basic_auth: BasicAuth | None = None
    ca_file: str = ""
    """PEM; empty: the authorities of the machine."""
    timeout_seconds: float = Field(default=TIMEOUT_SECONDS, gt=0, le=TIMEOUT_SECONDS_MAX)

    @model_validator(mode="after")
    def _one_identity(self) -> Self:
        if self.bearer_token is not None and self.basic_auth is not None:
            raise ValueError("name either bearerToken or basicAuth")
        return self


class Alertmanager(Endpoint):
    """An Alertmanager, by its API v2."""

    labels: dict[LabelName, Text] = Field(default_factory=dict[str, str], max_length=30)
    """Added to ours, as `severity`."""


class Http(Endpoint):
    """Any endpoint that takes a body, which a template makes."""

    method: Literal["POST", "PUT"] = "POST"
    content_type: HeaderValue = "application/json"
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict[str, str], max_length=30)
    secrets: dict[LabelName, Secret] = Field(default_factory=dict[str, Secret], max_length=10)
    """For the template, as `secrets.NAME`."""
    body: str = Field(max_length=TEMPLATE_LENGTH_MAX)
    """Jinja2; see docs/calling.md for what it may say."""
    send_resolved: bool = True


class Receiver(_Part):
    """One who is called."""

    name: Name
    waiting: tuple[Waiting, ...] = ("Blocked", "AwaitingApproval", "Held", "WaitingForCluster")
    """What this one is called for."""
    alertmanager: Alertmanager | None = None
    http: Http | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.alertmanager is None) == (self.http is None):
            raise ValueError("name either alertmanager or http")
        return self

    @property
    def way(self) -> Alertmanager | Http:
        """How this one is reached."""
        way = self.alertmanager or self.http
        assert way is not None, "one of both is there"
        return way

    @property
    def wants_resolved(self) -> bool:
        """Whether this one hears of the end of a wait."""
        return self.http is None or self.http.send_resolved


class Receivers(_Part):
    """All of them."""

    repeat_seconds: float = Field(default=REPEAT_SECONDS, ge=1, le=86_400)
    """How long after a call the next one comes, as long as the failover waits."""
    receivers: tuple[Receiver, ...] = Field(default=(), max_length=RECEIVERS_MAX)

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        counted = Counter(each.name for each in self.receivers)
        if twice := [name for name, number in counted.items() if number > 1]:
            raise ValueError(f"two receivers have the name {twice[0]}")
        return self

    def meant(self, waiting: str, only: tuple[str, ...] = ()) -> tuple[Receiver, ...]:
        """Those to call for such a wait, or those of them that `only` names."""
        return tuple(
            each
            for each in self.receivers
            if waiting in each.waiting and (not only or each.name in only)
        )
