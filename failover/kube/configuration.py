"""From a kubeconfig context to a client's configuration, fresh at each request.

Three things make it new: a kubeconfig file (or a file that it names) that has changed on disk, a
credential whose end is near, and an API server that answered 401. A kubeconfig that cannot be read
at the moment, because somebody is just writing it, leaves the last good one in force.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from kubernetes.aio.client import Configuration

from failover.domain.errors import InvalidInput
from failover.kube.credentials import Credential, obtain
from failover.kube.kubeconfig import Context, content, read_kubeconfig

logger = logging.getLogger(__name__)

_FILES = ("certificate-authority", "client-certificate", "client-key", "tokenFile")

Stamp = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Access:
    """How to reach one cluster right now. Equal `transport` means: the same connections will do."""

    context: Context
    credential: Credential
    transport: str = field(repr=False)


class Configurations:
    """The access to one context, kept fresh; shared by all requests to its cluster."""

    def __init__(
        self, context: str, paths: tuple[Path, ...], environment: Mapping[str, str]
    ) -> None:
        """Take the context's name and the files to find it in; nothing is read yet."""
        self._name = context
        self._paths = paths
        self._environment = environment
        self._context: Context | None = None
        self._stamp: Stamp = ()
        self._access: Access | None = None
        self._renewing = asyncio.Lock()

    async def current(self) -> Access:
        """The access to use for the next request."""
        context = self._read()
        access = self._access
        if access and access.context is context and not access.credential.due(datetime.now(UTC)):
            return access
        async with self._renewing:
            return await self._renewed(access)

    async def renewed(self, rejected: Access) -> Access:
        """A new access in the place of one that the API server rejected; obtained once for all."""
        async with self._renewing:
            return await self._renewed(rejected)

    async def _renewed(self, old: Access | None) -> Access:
        # Whoever held the lock before us may have done it already.
        if self._access is not None and self._access is not old:
            return self._access
        context = self._read()
        same_user = self._access is not None and self._access.context is context
        before = self._access.credential if self._access and same_user else None
        credential = await obtain(context, datetime.now(UTC), before)
        self._access = Access(context, credential, _transport(context, credential))
        return self._access

    def _read(self) -> Context:
        stamp = self._stat()
        if self._context is not None and stamp == self._stamp:
            return self._context
        try:
            context = read_kubeconfig(self._paths, self._environment).context(self._name)
        except InvalidInput as error:
            if self._context is None:
                raise
            logger.warning(
                "kubeconfig not read again: %s", error.message, extra={"reason": error.reason}
            )
            return self._context
        self._context = context
        self._stamp = self._stat()
        return context

    def _stat(self) -> Stamp:
        files = [*self._paths]
        if self._context is not None:
            cluster, user = self._context.cluster, self._context.user
            files += [
                self._context.cluster_folder / str(cluster[key]) for key in _FILES if key in cluster
            ]
            files += [self._context.user_folder / str(user[key]) for key in _FILES if key in user]
        return tuple(_stat(path) for path in files)


@contextmanager
def client_configuration(access: Access) -> Generator[Configuration, None, None]:
    """The configuration to build one client from.

    Client certificates lie in files only while the client is being built, which loads them.
    """
    cluster, credential = access.context.cluster, access.credential
    # No limit of connections: requests are bounded by the connection, watches by their kinds.
    configuration = Configuration(host=access.context.server, connection_pool_maxsize=0)
    authority = content(cluster, "certificate-authority", access.context.cluster_folder)
    configuration.ca_cert_data = authority.decode() if authority else None
    configuration.verify_ssl = not cluster.get("insecure-skip-tls-verify", False)
    configuration.tls_server_name = cluster.get("tls-server-name")
    configuration.proxy = cluster.get("proxy-url") or proxy_of_environment(access.context.server)
    # Otherwise the library reads the environment and ~/.netrc in threads, anew for each request.
    configuration.client_session_kwargs = {"trust_env": False}
    with tempfile.TemporaryDirectory(prefix="failover-") as folder:
        if credential.certificate and credential.key:
            configuration.cert_file = _written(Path(folder) / "certificate", credential.certificate)
            configuration.key_file = _written(Path(folder) / "key", credential.key)
        yield configuration


def proxy_of_environment(server: str) -> str | None:
    """The proxy that `HTTPS_PROXY` and `NO_PROXY` name, as kubectl takes them: never for this machine itself."""
    parts = urlsplit(server)
    host = parts.hostname or ""
    if _is_loopback(host) or proxy_bypass(parts.netloc):
        return None
    return getproxies_environment().get(parts.scheme)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _transport(context: Context, credential: Credential) -> str:
    digest = hashlib.sha256()
    authority = content(context.cluster, "certificate-authority", context.cluster_folder)
    options = [
        str(context.cluster.get(key, ""))
        for key in ("server", "insecure-skip-tls-verify", "tls-server-name", "proxy-url")
    ]
    for part in (*(o.encode() for o in options), authority, credential.certificate, credential.key):
        digest.update(len(part).to_bytes(8) + part)
    return digest.hexdigest()


def _written(path: Path, data: bytes) -> str:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(data)
    return str(path)


def _stat(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)
