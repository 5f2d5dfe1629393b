"""The rights that are printed: enough for each role, and no more."""

from __future__ import annotations

from typing import Any

import pytest

from cli.rbac import CATALOGUE
from failover.domain.identity import GroupKind
from failover.domain.rbac import RIGHTS, KindInUse, RoleName, Subject, roles
from failover.domain.referrers import REFERRING_KINDS

FLINK = KindInUse("flink.apache.org", "flinkdeployments")
READ_VERBS = {"get", "list", "watch"}


def rules_of(manifests: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """All rules in roles of one kind."""
    return [rule for m in manifests if m["kind"] == kind for rule in m["rules"]]


def verbs(manifests: list[dict[str, Any]], kind: str, resource: str) -> set[str]:
    """What may be done to a resource, whatever its name."""
    found = [r for r in rules_of(manifests, kind) if resource in r["resources"]]
    return {verb for rule in found for verb in rule["verbs"] if "resourceNames" not in rule}


def test_watcher_only_reads() -> None:
    """Nothing that a watcher may do changes anything."""
    manifests = roles([FLINK], "watcher")
    for kind in ("ClusterRole", "Role"):
        for rule in rules_of(manifests, kind):
            assert set(rule["verbs"]) <= READ_VERBS


def test_a_server_finds_applications_and_lists_records() -> None:
    """Nothing else: no pods, no right to watch, no Secret but the records."""
    manifests = roles([FLINK, KindInUse("ray.io", "rayclusters", moved=False)], "server")
    granted = {
        (resource, verb)
        for rule in rules_of(manifests, "ClusterRole")
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert granted == {("flinkdeployments", "get"), ("namespaces", "get")}
    (records,) = rules_of(manifests, "Role")
    assert (records["resources"], records["verbs"]) == (["secrets"], ["list"])
    held = roles([FLINK], "server", policies=True)
    assert verbs(held, "ClusterRole", "failoverpolicies") == READ_VERBS
    assert not verbs(held, "ClusterRole", "failoverpolicies/status")


def test_mover_moves_the_kinds_in_use_and_no_others() -> None:
    """Create, patch and delete are granted for the workload kinds in use, not for what they own."""
    manifests = roles([FLINK], "mover")
    moving = {"create", "patch", "delete"}
    assert verbs(manifests, "ClusterRole", "flinkdeployments") == READ_VERBS | moving
    for owned in ("pods", "deployments", "jobs", "replicasets", "statefulsets"):
        assert verbs(manifests, "ClusterRole", owned) == READ_VERBS


def test_kind_that_is_owned_and_moved_has_one_rule() -> None:
    """A Deployment that is an application itself may be moved; its rights are merged."""
    manifests = roles([KindInUse("apps", "deployments"), FLINK], "mover")
    rules = [r for r in rules_of(manifests, "ClusterRole") if "deployments" in r["resources"]]
    assert len(rules) == 1
    assert set(rules[0]["verbs"]) == READ_VERBS | {"create", "patch", "delete"}


@pytest.mark.parametrize("role", ["watcher", "mover"])
def test_secrets_of_applications_only_with_dependents(role: RoleName) -> None:
    """Unless a policy propagates dependents, no Secret outside of our namespace may be read."""
    without = roles([FLINK], role, dependents=False)
    assert verbs(without, "ClusterRole", "secrets") == set()
    assert "list" not in verbs(roles([FLINK], role), "ClusterRole", "secrets")


def test_whoever_refers_to_a_dependent_may_be_listed() -> None:
    """All kinds that the sweep searches, by movers only, and only where dependents go along."""
    plurals = {**CATALOGUE, **_BESIDE_THE_CATALOGUE}
    for kind in REFERRING_KINDS:
        assert "list" in verbs(roles([FLINK], "mover"), "ClusterRole", plurals[kind]), kind
    without = roles([FLINK], "mover", dependents=False)
    assert not verbs(without, "ClusterRole", "ingresses")
    assert not verbs(roles([FLINK], "watcher"), "ClusterRole", "ingresses")


@pytest.mark.parametrize("role", ["watcher", "mover"])
def test_room_is_read_only_where_it_is_checked(role: RoleName) -> None:
    """Where every policy ignores capacity, pods of other namespaces and quotas are out of reach."""
    assert verbs(roles([FLINK], role), "ClusterRole", "resourcequotas") == {"list"}
    assert verbs(roles([FLINK], role), "ClusterRole", "nodes") == {"get", "list"}
    without = roles([FLINK], role, ["shop"], capacity=False)
    assert not verbs(without, "ClusterRole", "resourcequotas")
    cluster_wide = next(m for m in without if m["kind"] == "ClusterRole")
    assert "pods" not in {name for rule in cluster_wide["rules"] for name in rule["resources"]}


_BESIDE_THE_CATALOGUE = {
    GroupKind("", "Pod"): "pods",
    GroupKind("", "ServiceAccount"): "serviceaccounts",
    GroupKind("apps", "ReplicaSet"): "replicasets",
    GroupKind("networking.k8s.io", "Ingress"): "ingresses",
}


def test_named_namespaces_bound_the_applications_rights() -> None:
    """With namespaces, workloads are out of reach everywhere else."""
    manifests = roles([FLINK], "mover", ["shop", "billing", "shop"])
    bound = {m["roleRef"]["name"] for m in manifests if m["kind"] == "ClusterRoleBinding"}
    everywhere = [
        rule
        for m in manifests
        if m["kind"] == "ClusterRole" and m["metadata"]["name"] in bound
        for rule in m["rules"]
    ]
    assert {resource for rule in everywhere for resource in rule["resources"]} == {
        "namespaces",
        "nodes",
        "pods",
    }
    pods = [rule["verbs"] for rule in everywhere if "pods" in rule["resources"]]
    assert pods == [["list"]], "to count what is free"
    places = [m["metadata"]["namespace"] for m in manifests if m["kind"] == "RoleBinding"]
    assert places == ["shop", "billing", "failover-system"]


def test_nothing_is_granted_by_wildcard() -> None:
    """No star anywhere, and every right says why."""
    for rule in rules_of(roles([FLINK], "mover"), "ClusterRole"):
        assert "*" not in (*rule["apiGroups"], *rule["resources"], *rule["verbs"])
    assert all(right.why for right in RIGHTS)


def test_subject_can_be_a_user() -> None:
    """Bound to a user, no service account is made."""
    manifests = roles([FLINK], "mover", subject=Subject("User", "ada"))
    assert not [m for m in manifests if m["kind"] == "ServiceAccount"]
    subjects = [m["subjects"] for m in manifests if m["kind"].endswith("Binding")]
    assert subjects[0] == [{"kind": "User", "name": "ada", "apiGroup": "rbac.authorization.k8s.io"}]


def test_manifests_come_in_the_order_to_create_them() -> None:
    """The namespace before what lies in it, a role before its binding."""
    kinds = [m["kind"] for m in roles([FLINK], "watcher")]
    assert kinds == [
        "Namespace",
        "ServiceAccount",
        "ClusterRole",
        "ClusterRoleBinding",
        "Role",
        "RoleBinding",
    ]
