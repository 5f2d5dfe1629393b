"""`fleet.yaml` and kubeconfigs: what they may say, and what each mistake is answered with."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from failover.domain.errors import InvalidInput
from failover.kube.fleetfile import load_fleet
from failover.kube.kubeconfig import IN_CLUSTER, kubeconfig_paths, read_kubeconfig


def kubeconfig(path: Path, *contexts: str, server: str = "https://host:6443/") -> Path:
    """A kubeconfig with these contexts."""
    document = {
        "contexts": [{"name": n, "context": {"cluster": "c", "user": "u"}} for n in contexts],
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"client-key": "keys/key.pem"}}],
    }
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A kubeconfig with two contexts."""
    return kubeconfig(tmp_path / "config", "east", "gke_west")


def fleet(tmp_path: Path, text: str) -> Path:
    """A fleet file."""
    path = tmp_path / "fleet.yaml"
    path.write_text(text)
    return path


def test_whole_file_is_read(tmp_path: Path, config: Path) -> None:
    """Every field reaches its place."""
    path = fleet(
        tmp_path,
        """
        name: shop
        blockedAfterSeconds: 3
        runbook: https://runbooks.test/failover
        clusters:
        - name: east
          labels: {tier: gold}
          taints: [{key: maintenance, effect: NoSchedule}]
          region: r1
          zone: z1
          provider: p
          maxInFlight: 8
        - {name: west, context: gke_west}
        """,
    )
    file = load_fleet(path, config)
    east, west = file.clusters
    assert (file.name, file.blocked_after) == ("shop", timedelta(seconds=3))
    assert file.runbook == "https://runbooks.test/failover"
    assert (east.labels, east.region, east.zone, east.provider) == (
        {"tier": "gold"},
        "r1",
        "z1",
        "p",
    )
    assert east.taints[0].key == "maintenance"
    assert (west.name, west.context) == ("west", "gke_west")
    assert file.limits("east").in_flight_max == 8
    assert file.limits("west").in_flight_max == 32


def test_without_a_file_every_context_is_a_cluster(config: Path) -> None:
    """The kubeconfig alone is a fleet."""
    file = load_fleet(None, config)
    assert [facts.name for facts in file.clusters] == ["east", "gke_west"]
    assert file.blocked_after == timedelta(seconds=180)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("name: a", "clusters: Field required", id="no clusters"),
        pytest.param("name: a\nclusters: []", "clusters: ", id="empty clusters"),
        pytest.param("[]", "must be a mapping", id="no mapping"),
        pytest.param("name: [", "line 1: the fleet file is not valid YAML", id="no YAML"),
        pytest.param(
            "name: a\nclusters: [{name: east, zones: x}]", "clusters[0].zones: ", id="typo"
        ),
        pytest.param(
            "name: a\nblockedAfter: 3\nclusters: [{name: east}]", "blockedAfter: ", id="typo above"
        ),
        pytest.param("name: a\nclusters: [{name: East}]", "clusters[0].name: ", id="bad name"),
        pytest.param(
            "name: a\nclusters: [{name: east, taints: [{key: k, effect: No}]}]",
            "clusters[0].taints[0].effect: ",
            id="bad effect",
        ),
        pytest.param(
            "name: a\nclusters: [{name: east}, {name: east}]", "'east' is given 2 times", id="twice"
        ),
        pytest.param(
            "name: a\nclusters: [{name: east}, {name: other, context: east}]",
            "clusters[1].context: 'east' is the cluster 'east' already",
            id="one cluster under two names",
        ),
        pytest.param(
            "name: a\nclusters: [{name: west}]",
            "no context 'west'; the contexts there are: east, gke_west",
            id="missing context",
        ),
        pytest.param(
            "name: a\nblockedAfterSeconds: 0\nclusters: [{name: east}]",
            "blockedAfterSeconds: ",
            id="zero",
        ),
    ],
)
def test_mistake_is_named(tmp_path: Path, config: Path, text: str, says: str) -> None:
    """The message has the file, the field, and what is wrong with it."""
    path = fleet(tmp_path, text)
    with pytest.raises(InvalidInput) as caught:
        load_fleet(path, config)
    assert str(path) in caught.value.message
    assert says in caught.value.message


def test_missing_files_are_named(tmp_path: Path, config: Path) -> None:
    """A path that leads nowhere is said to."""
    with pytest.raises(InvalidInput, match=r"none\.yaml: the fleet file cannot be read"):
        load_fleet(tmp_path / "none.yaml", config)
    with pytest.raises(InvalidInput, match="none: the kubeconfig cannot be read"):
        load_fleet(None, tmp_path / "none")


def test_kubeconfigs_are_merged_as_kubectl_does(tmp_path: Path) -> None:
    """The first file to name a thing wins; paths are relative to the file that has them."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = kubeconfig(tmp_path / "a/config", "east", server="https://first")
    second = kubeconfig(tmp_path / "b/config", "east", "west", server="https://second")
    environment = {"KUBECONFIG": f"{first}:{second}:{tmp_path}/missing"}
    merged = read_kubeconfig(kubeconfig_paths(None, environment), environment)
    assert sorted(merged.contexts) == ["east", "west"]
    assert merged.context("west").server == "https://first"
    assert merged.context("west").user_folder == tmp_path / "a"


def test_pod_without_kubeconfig_uses_its_service_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inside a cluster nothing needs to be configured."""
    monkeypatch.setenv("HOME", str(tmp_path))
    environment = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}
    paths = kubeconfig_paths(None, environment)
    context = read_kubeconfig(paths, environment).context(IN_CLUSTER)
    assert paths == ()
    assert context.server == "https://[fd00::1]:443"


def test_broken_kubeconfig_is_not_quoted(tmp_path: Path) -> None:
    """A kubeconfig holds credentials: a syntax error in it is told by its line only."""
    path = tmp_path / "config"
    path.write_text("users:\n- name: u\n  user: {token: canary\n")
    with pytest.raises(InvalidInput, match="line 4: the kubeconfig is not valid YAML") as caught:
        load_fleet(None, path)
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_context_of_a_missing_user_is_named(tmp_path: Path) -> None:
    """A context that points nowhere says where."""
    path = kubeconfig(tmp_path / "config", "east")
    path.write_text(path.read_text().replace("user: u", "user: nobody"))
    with pytest.raises(InvalidInput, match="context 'east' names the user 'nobody'"):
        load_fleet(None, path)
