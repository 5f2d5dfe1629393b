"""Argo CD's ApplicationSet asks where applications live: the plugin generator's protocol.

    POST /api/v1/getparams.execute   {"applicationSetName": …, "input": {"parameters": {"name": …}}}
                                     {"output": {"parameters": [{"cluster": "west", …}]}}

An error leaves the Applications as they are; an empty answer takes them away. So whatever is not
known for certain is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from failover.domain.errors import DefiniteError
from triggers.homes import Home, Homes, Wanted

VALUE_LENGTH_MAX = 253


class MalformedQuestion(DefiniteError):
    """The body is no call of the plugin generator, or asks for what there is not."""


class _Parameters(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(default="", max_length=VALUE_LENGTH_MAX)
    namespace: str = Field(default="", max_length=VALUE_LENGTH_MAX)
    kind: str = Field(default="", max_length=VALUE_LENGTH_MAX)


class _Input(BaseModel):
    parameters: _Parameters | None = None


class _Question(BaseModel):
    input: _Input = _Input()


class Generator:
    """Answers for one fleet; `servers` are the addresses of its clusters' API servers, where known."""

    def __init__(self, homes: Homes, servers: Mapping[str, str]) -> None:
        """Nothing is read before somebody asks."""
        self._homes, self._servers = homes, servers

    async def answer(self, body: bytes) -> dict[str, Any]:
        """The answer to a call. Raises `MalformedQuestion` and the errors of `Homes.find`."""
        found = await self._homes.find(_wanted(body))
        return {"output": {"parameters": [self._parameters(each) for each in found]}}

    def _parameters(self, home: Home) -> dict[str, Any]:
        app = home.application
        return {
            "cluster": home.cluster,
            "server": self._servers.get(home.cluster, ""),
            "namespace": app.namespace,
            "kind": app.kind,
            "group": app.group,
            "name": app.name,
            "since": home.since,
            "generation": str(home.generation),
            "moving": str(home.moving).lower(),
            "labels": dict(home.state),
        }


def _wanted(body: bytes) -> Wanted:
    try:
        asked = _Question.model_validate_json(body).input.parameters or _Parameters()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(each) for each in first["loc"])[:100]
        message = f"{where or 'the body'}: {first['msg'][:200]}; input.parameters may hold name, namespace and kind"
        raise MalformedQuestion(message) from error
    return Wanted(asked.name, asked.namespace, asked.kind)
