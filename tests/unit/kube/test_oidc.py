"""OIDC tokens are renewed at their issuer before they expire."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from failover.domain.errors import ClusterUnreachable, CredentialsRejected
from failover.kube.credentials import obtain
from failover.kube.kubeconfig import Context

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def token(expires: datetime) -> str:
    """A JSON web token, as far as anybody here looks into it."""
    claims = json.dumps({"exp": expires.timestamp(), "x": "ÿ?>"}, ensure_ascii=False)
    payload = base64.urlsafe_b64encode(claims.encode()).decode().rstrip("=")
    return f"head.{payload}.signature"


STATUSES = {"": 200, "invalid_grant": 400, "slow_down": 429, "server_error": 500}
FRESH = token(NOW + timedelta(hours=1))
OLD = token(NOW - timedelta(minutes=1))


def context(issuer: str, **config: Any) -> Context:
    """A context whose user is at an issuer."""
    settings = {"idp-issuer-url": issuer, "client-id": "cli", "client-secret": "s", **config}
    user = {"auth-provider": {"name": "oidc", "config": settings}}
    return Context("east", {"server": "https://east"}, Path(), user, Path())


@asynccontextmanager
async def issuer(
    answers: list[dict[str, str]],
) -> AsyncGenerator[tuple[str, list[dict[str, str]]], None]:
    """An issuer that gives these answers, one after the other; and the forms that it was sent."""
    forms: list[dict[str, str]] = []

    async def configuration(request: web.Request) -> web.Response:
        return web.json_response({"token_endpoint": f"http://{request.host}/token"})

    async def refresh(request: web.Request) -> web.Response:
        forms.append({key: str(value) for key, value in (await request.post()).items()})
        answer = answers.pop(0)
        return web.json_response(answer, status=STATUSES[answer.get("error", "")])

    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", configuration)
    app.router.add_post("/token", refresh)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}", forms
    finally:
        await runner.cleanup()


async def test_token_that_still_holds_is_used() -> None:
    """Nobody is asked before it is time."""
    credential = await obtain(context("http://127.0.0.1:1", **{"id-token": FRESH}), NOW, None)
    assert credential.authorization == f"Bearer {FRESH}"
    assert not credential.due(NOW)
    assert credential.due(NOW + timedelta(minutes=59, seconds=30))


async def test_expired_token_is_refreshed_with_the_latest_refresh_token() -> None:
    """A rotated refresh token is used the next time."""
    later = token(NOW + timedelta(hours=2))
    answers = [{"id_token": FRESH, "refresh_token": "r2"}, {"id_token": later}]
    async with issuer(answers) as (url, forms):
        here = context(url, **{"id-token": OLD, "refresh-token": "r1"})
        first = await obtain(here, NOW, None)
        second = await obtain(here, NOW + timedelta(hours=1), first)
    assert (first.authorization, second.authorization) == (f"Bearer {FRESH}", f"Bearer {later}")
    assert [form["refresh_token"] for form in forms] == ["r1", "r2"]
    assert forms[0]["grant_type"] == "refresh_token"
    assert "r2" not in repr(first)


@pytest.mark.parametrize("error", ["slow_down", "server_error"])
async def test_an_issuer_that_is_busy_is_asked_again(error: str) -> None:
    """Its answer says nothing about the token."""
    async with issuer([{"error": error}, {"id_token": FRESH}]) as (url, _):
        here = context(url, **{"id-token": OLD, "refresh-token": "r1"})
        with pytest.raises(ClusterUnreachable) as busy:
            await obtain(here, NOW, None)
        assert busy.value.reason == "IssuerUnreachable"
        assert (await obtain(here, NOW, None)).authorization == f"Bearer {FRESH}"


async def test_refusal_and_silence_are_told_apart() -> None:
    """A refused refresh token needs a person; an issuer that is away needs another try."""
    expired = {"id-token": OLD, "refresh-token": "canary"}
    async with issuer([{"error": "invalid_grant"}]) as (url, _):
        with pytest.raises(CredentialsRejected) as refused:
            await obtain(context(url, **expired), NOW, None)
    with pytest.raises(ClusterUnreachable, match="gave no usable answer") as silent:
        await obtain(context(url, **expired), NOW, None)
    with pytest.raises(CredentialsRejected) as lacking:
        await obtain(context(url, **{"id-token": OLD}), NOW, None)
    assert (refused.value.reason, lacking.value.reason) == ("TokenExpired", "TokenExpired")
    assert silent.value.reason == "IssuerUnreachable"
    remedy = "log in again, or use an exec plugin in the kubeconfig"
    assert refused.value.message == (
        f"context east: the OIDC issuer {url} refuses the refresh-token; {remedy}"
    )
    assert lacking.value.message == (
        f"context east: the OIDC id-token has expired and there is no refresh-token; {remedy}"
    )
