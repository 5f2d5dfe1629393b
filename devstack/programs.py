"""How each program of the world is started: its flags, and how one sees that it is ready.

Everything listens on the loopback interface only. The flags of Temporal's development server are
the ones that make it answer in milliseconds: activities are dispatched with the workflow task that
asks for them, and its one history shard reads its queues as soon as something is in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from devstack.api import Api
from devstack.binaries import Toolset
from devstack.ports import LOOPBACK, answers
from devstack.processes import Command, Probe

STAGES = Path(__file__).with_name("stages.yaml")
ISSUER = "https://kubernetes.default.svc.cluster.local"
PROBE_TIMEOUT = aiohttp.ClientTimeout(total=2)
OK = 200

CONTROLLERS = ("garbage-collector-controller", "namespace-controller")
"""Enough for objects to be collected with their owner, and namespaces to be emptied."""

WORKLOAD_CONTROLLERS = (
    *CONTROLLERS,
    "deployment-controller",
    "replicaset-controller",
    "statefulset-controller",
    "daemonset-controller",
    "job-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
)
"""What makes workloads come to life, together with a scheduler and (simulated) nodes."""

TEMPORAL_SETTINGS = {
    "system.enableActivityEagerExecution": "true",
    "history.transferProcessorMaxPollRPS": "2000",
    "history.timerProcessorMaxPollRPS": "2000",
    "history.visibilityProcessorMaxPollRPS": "2000",
}
TEMPORAL_PRAGMAS = {"journal_mode": "wal", "synchronous": "normal"}


@dataclass(frozen=True)
class TemporalPorts:
    """Where Temporal listens; without `ui` there is no Web UI."""

    grpc: int
    http: int
    metrics: int
    ui: int | None


@dataclass(frozen=True)
class EtcdPorts:
    """Where etcd listens."""

    client: int
    peer: int


@dataclass(frozen=True)
class Storage:
    """Where in etcd a cluster keeps its objects."""

    port: int
    prefix: str


def temporal(tools: Toolset, ports: TemporalPorts, database: Path) -> Command:
    """Temporal's development server, durable in one SQLite file."""
    ui = ("--headless",) if ports.ui is None else (f"--ui-port={ports.ui}", f"--ui-ip={LOOPBACK}")
    settings = (f"--dynamic-config-value={key}={value}" for key, value in TEMPORAL_SETTINGS.items())
    pragmas = (f"--sqlite-pragma={key}={value}" for key, value in TEMPORAL_PRAGMAS.items())

    async def ready() -> bool:
        namespace = f"http://{LOOPBACK}:{ports.http}/api/v1/namespaces/default"
        return await _is_ok(namespace) and (ports.ui is None or await answers(ports.ui))

    arguments = (
        *tools["temporal"],
        "server",
        "start-dev",
        "--disable-config-env",
        "--disable-config-file",
        "--ui-disable-news-fetch",
        "--log-level=warn",
        f"--ip={LOOPBACK}",
        f"--port={ports.grpc}",
        f"--http-port={ports.http}",
        f"--metrics-port={ports.metrics}",
        f"--db-filename={database}",
        *ui,
        *settings,
        *pragmas,
    )
    return Command(arguments, ready=ready)


def etcd(tools: Toolset, ports: EtcdPorts, directory: Path, *, durable: bool) -> Command:
    """One etcd for all clusters: each keeps to a prefix of its own."""
    client, peer = (f"http://{LOOPBACK}:{port}" for port in (ports.client, ports.peer))

    async def ready() -> bool:
        return await _is_ok(f"{client}/health")

    arguments = (
        *tools["etcd"],
        "--name=devstack",
        f"--data-dir={directory}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=devstack={peer}",
        "--log-level=warn",
        *(() if durable else ("--unsafe-no-fsync",)),
    )
    return Command(arguments, ready=ready)


def api_server(tools: Toolset, port: int, storage: Storage, pki: Path, api: Api) -> Command:
    """A kube-apiserver: as real ones are, without the parts that need nodes to be of use."""
    arguments = (
        *tools["kube-apiserver"],
        f"--etcd-servers=http://{LOOPBACK}:{storage.port}",
        f"--etcd-prefix={storage.prefix}",
        f"--bind-address={LOOPBACK}",
        f"--secure-port={port}",
        f"--client-ca-file={pki / 'ca.crt'}",
        f"--tls-cert-file={pki / 'server.crt'}",
        f"--tls-private-key-file={pki / 'server.key'}",
        f"--service-account-key-file={pki / 'sa.pub'}",
        f"--service-account-signing-key-file={pki / 'sa.key'}",
        f"--service-account-issuer={ISSUER}",
        "--authorization-mode=Node,RBAC",
        "--service-cluster-ip-range=10.96.0.0/16",
        # Without the controllers that make service accounts and take taints off again.
        "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
        "--endpoint-reconciler-type=none",
        "--profiling=false",
    )
    return Command(arguments, ready=api.is_ready, stops_gently=False)


def controller_manager(
    tools: Toolset, port: int, controllers: Sequence[str], kubeconfig: Path, pki: Path
) -> Command:
    """A kube-controller-manager that runs only the named controllers."""
    arguments = (
        *tools["kube-controller-manager"],
        f"--kubeconfig={kubeconfig}",
        f"--controllers={','.join(controllers)}",
        "--leader-elect=false",
        f"--bind-address={LOOPBACK}",
        f"--secure-port={port}",
        f"--tls-cert-file={pki / 'server.crt'}",
        f"--tls-private-key-file={pki / 'server.key'}",
        f"--root-ca-file={pki / 'ca.crt'}",
        f"--service-account-private-key-file={pki / 'sa.key'}",
        "--kube-api-qps=1000",
        "--kube-api-burst=2000",
        "--concurrent-gc-syncs=20",
    )
    return Command(arguments, ready=_healthy(port), stops_gently=False)


def scheduler(tools: Toolset, port: int, kubeconfig: Path, pki: Path) -> Command:
    """A kube-scheduler, for worlds with nodes."""
    arguments = (
        *tools["kube-scheduler"],
        f"--kubeconfig={kubeconfig}",
        "--leader-elect=false",
        f"--bind-address={LOOPBACK}",
        f"--secure-port={port}",
        f"--tls-cert-file={pki / 'server.crt'}",
        f"--tls-private-key-file={pki / 'server.key'}",
    )
    return Command(arguments, ready=_healthy(port), stops_gently=False)


def kwok(tools: Toolset, port: int, kubeconfig: Path) -> Command:
    """kwok, which plays the kubelet of every node: pods become ready without running anything."""
    arguments = (
        *tools["kwok"],
        f"--kubeconfig={kubeconfig}",
        f"--config={STAGES}",
        "--manage-all-nodes=true",
        f"--server-address={LOOPBACK}:{port}",
    )

    async def ready() -> bool:
        return await _is_ok(f"http://{LOOPBACK}:{port}/healthz")

    return Command(arguments, ready=ready, stops_gently=False)


def _healthy(port: int) -> Probe:
    async def ready() -> bool:
        return await _is_ok(f"https://{LOOPBACK}:{port}/healthz")

    return ready


async def _is_ok(url: str) -> bool:
    # What is probed is our own child on the loopback interface, and nothing is sent to it.
    try:
        async with (
            aiohttp.ClientSession(timeout=PROBE_TIMEOUT) as session,
            session.get(url, ssl=False) as answer,
        ):
            return answer.status == OK
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False
