"""The stand-in for Flink's operator on the target, as a process of its own.

python -m bench.operator KUBECONFIG CLUSTER HEALTHY_AFTER_SECONDS`
"""

from __future__ import annotations

import asyncio
import base64
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from devstack.api import Api
from devstack.certificates import KeyPair
from devstack.flink import FlinkOperator
from devstack.kubeconfig import tls_context


def api_of(kubeconfig: Path, cluster: str) -> Api:
    """A client for one context of a devstack's kubeconfig."""
    document: dict[str, Any] = yaml.safe_load(kubeconfig.read_text())
    entry = next(each["cluster"] for each in document["clusters"] if each["name"] == cluster)
    user = document["users"][0]["user"]
    pair = KeyPair(
        base64.b64decode(user["client-certificate-data"]), base64.b64decode(user["client-key-data"])
    )
    authority = base64.b64decode(entry["certificate-authority-data"])
    return Api(entry["server"], tls_context(authority, pair))


async def operate(kubeconfig: Path, cluster: str, healthy_after: timedelta) -> None:
    """Take care of the cluster's FlinkDeployments until killed."""
    api = api_of(kubeconfig, cluster)
    async with api, FlinkOperator({cluster: api}, healthy_after=healthy_after):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(operate(Path(sys.argv[1]), sys.argv[2], timedelta(seconds=float(sys.argv[3]))))
