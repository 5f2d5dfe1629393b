"""Kubeconfigs for the local clusters."""

from __future__ import annotations

import base64
import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from devstack.certificates import KeyPair


@dataclass(frozen=True)
class Cluster:
    """A cluster's name and the address of its API server."""

    name: str
    server: str


def kubeconfig(clusters: Sequence[Cluster], user: str, pair: KeyPair, authority: bytes) -> str:
    """One context per cluster, all for the same user; the first is the current one."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": cluster.name,
                "cluster": {
                    "server": cluster.server,
                    "certificate-authority-data": _base64(authority),
                },
            }
            for cluster in clusters
        ],
        "contexts": [
            {"name": cluster.name, "context": {"cluster": cluster.name, "user": user}}
            for cluster in clusters
        ],
        "current-context": clusters[0].name if clusters else "",
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": _base64(pair.certificate),
                    "client-key-data": _base64(pair.key),
                },
            }
        ],
    }
    return yaml.safe_dump(document, sort_keys=False)


def tls_context(authority: bytes, pair: KeyPair) -> ssl.SSLContext:
    """Trusts the world's authority only, and shows the client certificate."""
    context = ssl.create_default_context(cadata=authority.decode())
    with tempfile.TemporaryDirectory() as folder:
        # The standard library reads a client certificate from a file only.
        chain = Path(folder) / "client.pem"
        chain.touch(mode=0o600)
        chain.write_bytes(pair.certificate + pair.key)
        context.load_cert_chain(chain)
    return context


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
