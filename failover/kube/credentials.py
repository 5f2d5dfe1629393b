"""Who we are on one cluster: obtained, and obtained anew before it expires.

A credential is renewed once less than a quarter of its life is left, at most a minute before its
end, so that plugins with short-lived tokens are not run for each request. What a plugin or an
issuer prints never gets into an error: it may be a token.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from failover.domain.errors import ClusterUnreachable, CredentialsRejected
from failover.kube.kubeconfig import Context, content, read_file
from failover.kube.oidc import refresh_id_token
from failover.kube.plain import Node, node, nodes

PLUGIN_SECONDS_MAX = 30.0
_NEVER = datetime(1, 1, 1, tzinfo=UTC)
_EARLY_MAX = timedelta(minutes=1)
_TOKEN_FILE_LIFE = timedelta(minutes=1)


@dataclass(frozen=True)
class Credential:
    """What we present to the API server. Nothing of it is ever printed."""

    authorization: str = field(default="", repr=False)
    certificate: bytes = field(default=b"", repr=False)
    key: bytes = field(default=b"", repr=False)
    obtained: datetime = _NEVER
    expires: datetime | None = None
    refresh_token: str = field(default="", repr=False)

    def due(self, now: datetime) -> bool:
        """Whether it is time to obtain a new one."""
        if self.expires is None:
            return False
        early = min((self.expires - self.obtained) / 4, _EARLY_MAX)
        return now >= self.expires - early


async def obtain(context: Context, now: datetime, before: Credential | None) -> Credential:
    """The credential of a context's user; `before` is the one it takes the place of."""
    user = context.user
    if "exec" in user:
        return await _from_plugin(context, user["exec"], now)
    provider = node(user.get("auth-provider"))
    if provider.get("name") == "oidc":
        return await _from_issuer(node(provider.get("config")), context, now, before)
    if provider:
        raise CredentialsRejected(
            f"context {context.name}: the auth-provider {provider.get('name')!r} "
            "is no longer part of Kubernetes; use its exec plugin in the kubeconfig instead",
            reason="AuthProviderUnsupported",
        )
    certificate = content(user, "client-certificate", context.user_folder)
    key = content(user, "client-key", context.user_folder)
    expires = None
    authorization = ""
    if user.get("tokenFile") and not user.get("token"):
        path = context.user_folder / str(user["tokenFile"])
        token = read_file(path, "the tokenFile of the kubeconfig").decode().strip()
        authorization, expires = f"Bearer {token}", now + _TOKEN_FILE_LIFE
    elif user.get("token"):
        authorization = f"Bearer {user['token']}"
    elif user.get("username"):
        pair = f"{user['username']}:{user.get('password', '')}"
        authorization = "Basic " + base64.b64encode(pair.encode()).decode()
    return Credential(authorization, certificate, key, now, expires)


async def _from_plugin(context: Context, plugin: Node, now: datetime) -> Credential:
    command = str(plugin.get("command", ""))
    status = await _run_plugin(context, plugin, command)
    expires = None
    if status.get("expirationTimestamp"):
        with suppress(ValueError):
            expires = datetime.fromisoformat(str(status["expirationTimestamp"]))
    token = str(status.get("token", ""))
    credential = Credential(
        f"Bearer {token}" if token else "",
        str(status.get("clientCertificateData", "")).encode(),
        str(status.get("clientKeyData", "")).encode(),
        now,
        expires,
    )
    if not credential.authorization and not (credential.certificate and credential.key):
        raise CredentialsRejected(
            f"context {context.name}: the plugin {command!r} gave neither a token nor a "
            "certificate with its key",
            reason="CredentialPluginFailed",
        )
    return credential


async def _run_plugin(context: Context, plugin: Node, command: str) -> dict[str, Any]:
    # A relative path with a slash is relative to the kubeconfig, as for kubectl.
    program = str(context.user_folder / command) if os.sep in command else command
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *(str(argument) for argument in plugin.get("args") or ()),
            env=_plugin_environment(context, plugin),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as error:
        hint = str(plugin.get("installHint") or f"install {command!r} where the worker runs")
        raise CredentialsRejected(
            f"context {context.name}: the plugin {command!r} cannot be started ({error.strerror}): "
            f"{hint.strip()}",
            reason="CredentialPluginMissing",
        ) from error
    try:
        async with asyncio.timeout(PLUGIN_SECONDS_MAX):
            output, _ = await process.communicate()
    except TimeoutError as error:
        raise _plugin_failed(
            context, command, f"did not end in {PLUGIN_SECONDS_MAX:.0f} s"
        ) from error
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode != 0:
        raise _plugin_failed(context, command, f"ended with exit code {process.returncode}")
    return _plugin_status(context, command, output)


def _plugin_status(context: Context, command: str, output: bytes) -> dict[str, Any]:
    try:
        status = node(node(json.loads(output)).get("status"))
    except ValueError:
        status = {}
    if not status:
        raise _plugin_failed(context, command, "did not print an ExecCredential with a status")
    return status


def _plugin_environment(context: Context, plugin: Node) -> Mapping[str, str]:
    spec: dict[str, Any] = {"interactive": False}
    if plugin.get("provideClusterInfo"):
        authority = content(context.cluster, "certificate-authority", context.cluster_folder)
        spec["cluster"] = {
            "server": context.server,
            "certificate-authority-data": base64.b64encode(authority).decode(),
            "insecure-skip-tls-verify": bool(context.cluster.get("insecure-skip-tls-verify")),
        }
    information = {"apiVersion": plugin.get("apiVersion"), "kind": "ExecCredential", "spec": spec}
    extra = {str(entry["name"]): str(entry["value"]) for entry in nodes(plugin.get("env"))}
    return {**os.environ, **extra, "KUBERNETES_EXEC_INFO": json.dumps(information)}


def _plugin_failed(context: Context, command: str, what: str) -> ClusterUnreachable:
    # Transient: most plugins fail because they cannot reach their issuer at the moment.
    return ClusterUnreachable(
        f"context {context.name}: the credential plugin {command!r} {what}; "
        f"run `kubectl --context {context.name} version` where the worker runs to see why",
        reason="CredentialPluginFailed",
    )


async def _from_issuer(
    config: Node, context: Context, now: datetime, before: Credential | None
) -> Credential:
    token = str(config.get("id-token", ""))
    refresh_token = before.refresh_token if before and before.refresh_token else ""
    expires = _expiry(token)
    stale = before is not None and before.authorization == f"Bearer {token}"
    if not token or stale or refresh_token or (expires is not None and now >= expires):
        tokens = await refresh_id_token(
            config, refresh_token or str(config.get("refresh-token", "")), context
        )
        token, refresh_token = tokens.id_token, tokens.refresh_token
        expires = _expiry(token)
    return Credential(f"Bearer {token}", obtained=now, expires=expires, refresh_token=refresh_token)


def _expiry(token: str) -> datetime | None:
    """When a JSON web token ends; the API server verifies it, we only read the moment."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return datetime.fromtimestamp(float(claims["exp"]), UTC)
    except (IndexError, ValueError, KeyError, TypeError):
        return None
