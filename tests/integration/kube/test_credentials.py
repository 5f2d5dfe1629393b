"""Credentials that expire, and kubeconfigs that change, under a client that is at work."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from devstack.certificates import KeyPair
from devstack.world import World
from failover.domain.errors import (
    ClusterUnreachable,
    CredentialsRejected,
    Forbidden,
    InvalidInput,
)
from failover.kube.cluster import KubeCluster
from tests.integration.kube.connecting import cluster_at, edited
from tests.integration.kube.objects import CONFIG_MAP, NAMESPACE

DEADLINE_SECONDS = 30.0
ADMINS = ("system:masters",)
SHORT_LIFE = timedelta(seconds=2)
PLUGIN = """#!/bin/sh
# Hands out the credentials beside it, one after the other, the last one for ever.
cd "$(dirname "$0")" || exit 1
echo "$KUBERNETES_EXEC_INFO" >> runs
number=$(wc -l < runs)
while [ ! -f "$number.json" ]; do number=$((number - 1)); done
cat "$number.json"
"""
EXEC = {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin"}


def credential(pair: KeyPair, expires: datetime | None = None) -> str:
    """What a plugin prints."""
    status = {
        "clientCertificateData": pair.certificate.decode(),
        "clientKeyData": pair.key.decode(),
    }
    if expires is not None:
        status["expirationTimestamp"] = expires.strftime("%Y-%m-%dT%H:%M:%SZ")
    return json.dumps(
        {"apiVersion": EXEC["apiVersion"], "kind": "ExecCredential", "status": status}
    )


def install_plugin(folder: Path, *credentials: str) -> Path:
    """A plugin that hands out these; gives the file that counts its runs."""
    plugin = folder / "plugin"
    plugin.write_text(PLUGIN)
    plugin.chmod(0o700)
    for number, text in enumerate(credentials, 1):
        (folder / f"{number}.json").write_text(text)
    return folder / "runs"


def runs(counter: Path) -> int:
    """How often the plugin has run."""
    return len(counter.read_text().splitlines()) if counter.exists() else 0


async def work_until_runs(cluster: KubeCluster, counter: Path, wanted: int) -> int:
    """Read again and again, all of it successfully, until the plugin has run so often."""
    reads = 0
    async with asyncio.timeout(DEADLINE_SECONDS):
        while runs(counter) < wanted:
            await asyncio.gather(*(cluster.get(NAMESPACE, "", "default") for _ in range(5)))
            reads += 5
    return reads


@pytest.mark.parametrize(
    "announced", [pytest.param(True, id="before its end"), pytest.param(False, id="once refused")]
)
async def test_expiring_credential_is_renewed_in_the_middle_of_work(
    world: World, tmp_path: Path, *, announced: bool
) -> None:
    """A short-lived credential of a plugin is renewed, and no request fails meanwhile.

    Where the plugin says when its credential ends, before that; else when the server refuses it.
    """
    end = datetime.now(UTC) + SHORT_LIFE if announced else None
    counter = install_plugin(
        tmp_path,
        credential(world.credentials("kubernetes-admin", ADMINS, lifetime=SHORT_LIFE), end),
        credential(world.credentials("kubernetes-admin", ADMINS)),
    )
    kubeconfig = edited(world.kubeconfig, tmp_path / "kubeconfig", user={"exec": EXEC})
    async with cluster_at(kubeconfig, "east") as east:
        assert await work_until_runs(east, counter, 2) >= 5
        await asyncio.gather(*(east.get(NAMESPACE, "", "default") for _ in range(20)))
    assert runs(counter) == 2


async def test_plugin_is_told_of_the_cluster_when_it_asks(world: World, tmp_path: Path) -> None:
    """A plugin with provideClusterInfo hears the server and its authority."""
    counter = install_plugin(tmp_path, credential(world.credentials("kubernetes-admin", ADMINS)))
    plugin = {**EXEC, "provideClusterInfo": True}
    kubeconfig = edited(world.kubeconfig, tmp_path / "kubeconfig", user={"exec": plugin})
    async with cluster_at(kubeconfig, "east") as east:
        await east.uid()
    spec = json.loads(counter.read_text())["spec"]
    assert spec["cluster"]["server"].startswith("https://127.0.0.1:")
    assert b"BEGIN CERTIFICATE" in base64.b64decode(spec["cluster"]["certificate-authority-data"])


@pytest.mark.parametrize(
    ("script", "error", "says"),
    [
        pytest.param(
            "#!/bin/sh\necho canary-1; exit 3\n", ClusterUnreachable, "exit code 3", id="fails"
        ),
        pytest.param(
            "#!/bin/sh\necho canary-1\n", ClusterUnreachable, "did not print", id="babbles"
        ),
        pytest.param(
            '#!/bin/sh\necho \'{"status": {"a": "canary-1"}}\'\n',
            CredentialsRejected,
            "neither a token nor a certificate",
            id="gives nothing",
        ),
        pytest.param(
            None, CredentialsRejected, r"cannot be started \(.*\): brew install", id="missing"
        ),
    ],
)
async def test_plugin_that_fails_is_named(
    world: World, tmp_path: Path, script: str | None, error: type[Exception], says: str
) -> None:
    """A plugin's failure names it, says whether to try again, and never what it printed."""
    if script:
        install_plugin(tmp_path).parent.joinpath("plugin").write_text(script)
    plugin = {**EXEC, "installHint": "brew install it"}
    kubeconfig = edited(world.kubeconfig, tmp_path / "kubeconfig", user={"exec": plugin})
    async with cluster_at(kubeconfig, "east") as east:
        with pytest.raises(error, match=says) as caught:
            await east.uid()
    assert "'./plugin'" in str(caught.value)
    assert "canary" not in str(caught.value)


async def test_rotated_kubeconfig_is_used_at_once(world: World, tmp_path: Path) -> None:
    """A kubeconfig that is replaced is read again; a broken one leaves the last in force."""
    path = tmp_path / "kubeconfig"
    world.write_kubeconfig(path, user="nobody-special")
    async with cluster_at(path, "east") as east:
        with pytest.raises(Forbidden):
            await east.get(CONFIG_MAP, "default", "x")
        world.write_kubeconfig(path, user="kubernetes-admin", groups=ADMINS)
        assert await east.find(CONFIG_MAP, "default", "x") is None
        path.write_text("clusters: [")
        assert await east.find(CONFIG_MAP, "default", "x") is None
        world.write_kubeconfig(path, user="nobody-special")
        with pytest.raises(Forbidden):
            await east.get(CONFIG_MAP, "default", "x")


async def test_token_file_is_read_again_when_it_changes(world: World, tmp_path: Path) -> None:
    """A service account's token on disk, as in a pod, may change under our feet."""
    api = world.api("east")
    account = "/api/v1/namespaces/default/serviceaccounts"
    metadata = {"name": "token-test"}
    await api.create(account, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
    request: dict[str, Any] = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {},
    }
    answer = await api.create(f"{account}/token-test/token", request)
    token = tmp_path / "token"
    token.write_text("canary-old")
    user = {"tokenFile": "token"}
    kubeconfig = edited(world.kubeconfig, tmp_path / "kubeconfig", user=user)
    async with cluster_at(kubeconfig, "east") as east:
        with pytest.raises(CredentialsRejected) as caught:
            await east.get(CONFIG_MAP, "default", "x")
        assert "canary" not in str(caught.value)
        token.write_text(answer["status"]["token"] + "\n")
        with pytest.raises(Forbidden, match="system:serviceaccount:default:token-test"):
            await east.get(CONFIG_MAP, "default", "x")


async def test_missing_context_names_those_that_exist(world: World, tmp_path: Path) -> None:
    """A context that is not there is answered with the file and its contexts."""
    async with cluster_at(world.kubeconfig, "aest") as aest:
        with pytest.raises(
            InvalidInput, match=r"no context 'aest'; the contexts there are: east, "
        ):
            await aest.uid()
    async with cluster_at(tmp_path / "none", "east") as east:
        with pytest.raises(InvalidInput, match="none: the kubeconfig cannot be read"):
            await east.uid()


async def test_private_keys_do_not_stay_on_disk(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key of a client certificate is in a file only while it is being loaded."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    async with cluster_at(world.kubeconfig, "east") as east:
        await east.uid()
        assert list(folder.iterdir()) == []
