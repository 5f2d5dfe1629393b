"""Refreshing an OpenID Connect token, as kubectl's `oidc` auth-provider does.

A refresh token that the issuer rotates is kept in memory and not written back: several workers
read one kubeconfig, and rewriting a person's file is not ours to do. Where refresh tokens are for
one use only, an exec plugin such as kubelogin is the way, and the error says so.
"""

from __future__ import annotations

import json
import ssl
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from failover.domain.errors import ClusterUnreachable, CredentialsRejected
from failover.kube.kubeconfig import Context, content
from failover.kube.plain import Node, node

_TIMEOUT = aiohttp.ClientTimeout(total=10)
_REFUSED = frozenset(range(400, 500)) - {408, 429}
"""Answers that another try will not change; an issuer that is busy, or had no time, is asked again."""


@dataclass(frozen=True)
class Tokens:
    """A fresh id token, and the refresh token for the next time."""

    id_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


async def refresh_id_token(config: Node, refresh_token: str, context: Context) -> Tokens:
    """Ask the issuer for a new id token."""
    issuer = str(config.get("idp-issuer-url", "")).rstrip("/")
    if not refresh_token:
        raise CredentialsRejected(
            f"context {context.name}: the OIDC id-token has expired and there is no refresh-token; "
            "log in again, or use an exec plugin in the kubeconfig",
            reason="TokenExpired",
        )
    try:
        connector = aiohttp.TCPConnector(ssl=_trust(config, context))
        async with aiohttp.ClientSession(
            connector=connector, timeout=_TIMEOUT, trust_env=True
        ) as session:
            answer = await _refresh(session, issuer, config, refresh_token)
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError) as error:
        raise ClusterUnreachable(
            f"context {context.name}: the OIDC issuer {issuer} gave no usable answer "
            f"({type(error).__name__}); the token could not be renewed",
            reason="IssuerUnreachable",
        ) from error
    if "id_token" not in answer:
        raise CredentialsRejected(
            f"context {context.name}: the OIDC issuer {issuer} refuses the refresh-token; "
            "log in again, or use an exec plugin in the kubeconfig",
            reason="TokenExpired",
        )
    return Tokens(str(answer["id_token"]), str(answer.get("refresh_token") or refresh_token))


async def _refresh(
    session: aiohttp.ClientSession, issuer: str, config: Node, refresh_token: str
) -> dict[str, Any]:
    async with session.get(f"{issuer}/.well-known/openid-configuration") as response:
        response.raise_for_status()
        endpoint = str(json.loads(await response.read())["token_endpoint"])
    client, secret = str(config.get("client-id", "")), str(config.get("client-secret", ""))
    pair = b64encode(f"{client}:{secret}".encode()).decode()
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    headers = {"Authorization": f"Basic {pair}"}
    if not secret:
        # A public client names itself in the form instead.
        form, headers = {**form, "client_id": client}, {}
    async with session.post(endpoint, data=form, headers=headers) as response:
        if response.status in _REFUSED:
            return {}
        response.raise_for_status()
        answer = json.loads(await response.read())
        return node(answer)


def _trust(config: Node, context: Context) -> ssl.SSLContext:
    authority = content(config, "idp-certificate-authority", context.user_folder)
    return ssl.create_default_context(cadata=authority.decode() if authority else None)
