"""The least rights that a watcher, a mover or a server needs, rendered as Roles.

`RIGHTS` is the whole of it: each row says what is done, with what, where, by whom, and why. Rights
in the applications' namespaces become one ClusterRole, bound for the whole cluster or, where
namespaces are named, in each of these alone. RBAC cannot narrow `create` to names: therefore the
records have a namespace of their own. Whoever has authenticated may discover kinds and review their
own access without any rule of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from failover.domain.identity import GroupKind
from failover.domain.policy.model import API_VERSION, KARMADA_API_VERSION

SYSTEM_NAMESPACE = "failover-system"

RoleName = Literal["watcher", "mover", "server"]
Scope = Literal["cluster", "application", "system"]
When = Literal["always", "dependents", "capacity", "policies"]

_OURS, _KARMADAS = (each.partition("/")[0] for each in (API_VERSION, KARMADA_API_VERSION))
POLICY_KINDS = (
    *(GroupKind(_OURS, kind) for kind in ("FailoverPolicy", "HealthRule")),
    *(
        GroupKind(_KARMADAS, f"{scope}{kind}")
        for kind in ("PropagationPolicy", "OverridePolicy")
        for scope in ("", "Cluster")
    ),
)
"""What is read from a cluster that holds policies as objects."""

_LABELS = {"app.kubernetes.io/part-of": "stateful-failover"}
_API_GROUP = "rbac.authorization.k8s.io"


@dataclass(frozen=True)
class KindInUse:
    """A workload kind that policies name, as the clusters serve it."""

    group: str
    plural: str
    namespaced: bool = True
    moved: bool = True
    """Not moved itself: only what a moved one owns, and looked at to see it gone."""


@dataclass(frozen=True)
class Subject:
    """Whom the roles are bound to."""

    kind: Literal["ServiceAccount", "User", "Group"] = "ServiceAccount"
    name: str = "failover"
    namespace: str = SYSTEM_NAMESPACE


@dataclass(frozen=True)
class Right:
    """One row: these verbs on these resources, and why they are needed."""

    scope: Scope
    group: str
    resources: tuple[str, ...]
    reading: tuple[str, ...]
    """The verbs of watcher and mover; empty where a watcher has no business at all."""
    moving: tuple[str, ...]
    """What a mover has in addition."""
    why: str
    names: tuple[str, ...] = ()
    when: When = "always"
    serving: tuple[str, ...] = ()
    """The verbs of a server: it finds what alerts name, and tells where applications live."""

    def verbs(self, role: RoleName) -> tuple[str, ...]:
        """What a role may do."""
        match role:
            case "watcher":
                return self.reading
            case "mover":
                return self.reading + self.moving
            case "server":
                return self.serving


_REFERS = "what still refers to a dependent of ours keeps it, when its application has left"

WORKLOADS = Right(
    "application",
    "",
    (),
    ("get", "list", "watch"),
    ("create", "patch", "delete"),
    "the applications: seen, created on the target, labels released, purged from the source",
    serving=("get",),
)

OWNED = "what a workload owns: its health, and whether it is gone"

RIGHTS: tuple[Right, ...] = (
    Right(
        "cluster",
        "",
        ("namespaces",),
        ("get",),
        (),
        "the uid of kube-system is the identity of the cluster",
        names=("kube-system", SYSTEM_NAMESPACE),
        serving=("get",),
    ),
    Right(
        "cluster",
        "",
        ("namespaces",),
        (),
        ("get", "create"),
        "an application's namespace is made on the target, where it is not there",
    ),
    Right(
        "cluster",
        "",
        ("nodes",),
        ("get",),
        (),
        "a pod on a node that is not ready is not confirmed gone",
    ),
    Right(
        "cluster",
        "",
        ("nodes", "pods"),
        ("list",),
        (),
        "what is free on a cluster: its nodes, less what all pods request",
        when="capacity",
    ),
    Right(
        "application",
        "",
        ("resourcequotas",),
        ("list",),
        (),
        "what a namespace may request",
        when="capacity",
    ),
    Right(
        "application",
        "",
        ("pods",),
        ("get", "list", "watch"),
        (),
        OWNED,
    ),
    Right(
        "application",
        "apps",
        ("deployments", "replicasets", "statefulsets"),
        ("get", "list", "watch"),
        (),
        OWNED,
    ),
    Right(
        "application",
        "batch",
        ("jobs",),
        ("get", "list", "watch"),
        (),
        OWNED,
    ),
    Right(
        "application",
        "",
        ("configmaps", "secrets", "serviceaccounts", "persistentvolumeclaims"),
        ("get",),
        ("create", "update", "delete"),
        "what a pod template refers to goes along, is compared with what is on the target, and is "
        "taken back if the move is; by name, so there is no list",
        when="dependents",
    ),
    Right(
        "application", "", ("pods", "serviceaccounts"), (), ("list",), _REFERS, when="dependents"
    ),
    Right(
        "application",
        "apps",
        ("daemonsets", "deployments", "replicasets", "statefulsets"),
        (),
        ("list",),
        _REFERS,
        when="dependents",
    ),
    Right("application", "batch", ("cronjobs", "jobs"), (), ("list",), _REFERS, when="dependents"),
    Right(
        "application",
        "networking.k8s.io",
        ("ingresses",),
        (),
        ("list",),
        _REFERS,
        when="dependents",
    ),
    Right(
        "application",
        "flink.apache.org",
        ("flinkdeployments",),
        (),
        ("list",),
        _REFERS,
        when="dependents",
    ),
    Right(
        "application",
        "sparkoperator.k8s.io",
        ("sparkapplications",),
        (),
        ("list",),
        _REFERS,
        when="dependents",
    ),
    Right(
        "application",
        "",
        ("events",),
        (),
        ("create",),
        "what happens to an application is said in an Event on it",
    ),
    Right(
        "system",
        "",
        ("secrets",),
        ("get", "list"),
        ("create", "update", "delete"),
        "the records, each a Secret here; RBAC cannot bound `create` by name, the namespace does; "
        "a server lists them to tell where applications live",
        serving=("list",),
    ),
    Right(
        "system",
        "",
        ("configmaps",),
        (),
        ("get", "create", "update", "delete"),
        "the notices, each a ConfigMap here, that say where an application lives that has left",
    ),
    Right(
        "cluster",
        _OURS,
        ("failoverpolicies", "healthrules"),
        ("get", "list", "watch"),
        (),
        "policies that are objects of this cluster",
        when="policies",
        serving=("get", "list", "watch"),
    ),
    Right(
        "cluster",
        _OURS,
        ("failoverpolicies/status", "healthrules/status"),
        ("patch",),
        (),
        "what was made of a policy is said in its status; without this right it is only logged",
        when="policies",
    ),
    Right(
        "cluster",
        _KARMADAS,
        (
            "clusteroverridepolicies",
            "clusterpropagationpolicies",
            "overridepolicies",
            "propagationpolicies",
        ),
        ("get", "list", "watch"),
        (),
        "Karmada's policies, where its kinds are served",
        when="policies",
        serving=("get", "list", "watch"),
    ),
)


def roles(
    kinds: Sequence[KindInUse],
    role: RoleName,
    namespaces: Sequence[str] = (),
    *,
    dependents: bool = True,
    capacity: bool = True,
    policies: bool = False,
    subject: Subject | None = None,
) -> list[dict[str, Any]]:
    """The namespace, the roles and their bindings, in the order in which to create them.

    Without namespaces, the applications' rights hold in the whole cluster. `dependents` says
    whether a policy asks for `propagateDeps`: without it no Secret or ConfigMap may be read; `capacity`,
    whether one has its candidates' room checked: without it no pods are read in other namespaces;
    `policies`, whether policies are read from this cluster (`--policies cluster:CONTEXT`).
    """
    whom = subject or Subject()
    asked = {
        "always": True,
        "dependents": dependents,
        "capacity": capacity,
        "policies": policies,
    }
    rights = [right for right in RIGHTS if asked[right.when]]
    rights += [
        _workload(kind) for kind in sorted(set(kinds), key=lambda kind: (kind.group, kind.plural))
    ]
    rules = {scope: _rules(rights, scope, role) for scope in ("cluster", "application", "system")}
    name = f"stateful-failover-{role}"
    manifests = [_object("v1", "Namespace", SYSTEM_NAMESPACE)]
    if whom.kind == "ServiceAccount":
        if whom.namespace != SYSTEM_NAMESPACE:
            manifests.append(_object("v1", "Namespace", whom.namespace))
        manifests.append(_object("v1", "ServiceAccount", whom.name, whom.namespace))
    if namespaces:
        manifests += _bound(name, rules["cluster"], whom)
        manifests.append(_role("ClusterRole", f"{name}-applications", rules["application"]))
        for namespace in dict.fromkeys(namespaces):
            manifests.append(
                _binding("RoleBinding", f"{name}-applications", "ClusterRole", whom, namespace)
            )
    else:
        manifests += _bound(name, [*rules["cluster"], *rules["application"]], whom)
    manifests.append(_role("Role", name, rules["system"], SYSTEM_NAMESPACE))
    manifests.append(_binding("RoleBinding", name, "Role", whom, SYSTEM_NAMESPACE))
    return manifests


def _workload(kind: KindInUse) -> Right:
    scope: Scope = "application" if kind.namespaced else "cluster"
    if not kind.moved:
        return Right(scope, kind.group, (kind.plural,), WORKLOADS.reading, (), OWNED)
    return replace(WORKLOADS, scope=scope, group=kind.group, resources=(kind.plural,))


def _rules(rights: Iterable[Right], scope: Scope, role: RoleName) -> list[dict[str, Any]]:
    """One rule for each group and set of verbs; the resources with the same verbs together."""
    merged: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (group, resource, names), verbs in _verbs(rights, scope, role).items():
        merged.setdefault((group, verbs, names), []).append(resource)
    rules: list[dict[str, Any]] = []
    for (group, verbs, names), resources in merged.items():
        rule: dict[str, Any] = {
            "apiGroups": [group],
            "resources": sorted(resources),
            "verbs": list(verbs),
        }
        if names:
            rule["resourceNames"] = list(names)
        rules.append(rule)
    return rules


def _verbs(
    rights: Iterable[Right], scope: Scope, role: RoleName
) -> dict[tuple[str, str, tuple[str, ...]], tuple[str, ...]]:
    verbs: dict[tuple[str, str, tuple[str, ...]], tuple[str, ...]] = {}
    for right in rights:
        granted = right.verbs(role)
        if right.scope != scope or not granted:
            continue
        for resource in right.resources:
            key = (right.group, resource, right.names)
            verbs[key] = tuple(dict.fromkeys((*verbs.get(key, ()), *granted)))
    return verbs


def _bound(name: str, rules: list[dict[str, Any]], whom: Subject) -> list[dict[str, Any]]:
    return [
        _role("ClusterRole", name, rules),
        _binding("ClusterRoleBinding", name, "ClusterRole", whom),
    ]


def _role(kind: str, name: str, rules: list[dict[str, Any]], namespace: str = "") -> dict[str, Any]:
    return {**_object(f"{_API_GROUP}/v1", kind, name, namespace), "rules": rules}


def _binding(
    kind: str, name: str, role_kind: str, whom: Subject, namespace: str = ""
) -> dict[str, Any]:
    subject: dict[str, Any] = {"kind": whom.kind, "name": whom.name}
    if whom.kind == "ServiceAccount":
        subject["namespace"] = whom.namespace
    else:
        subject["apiGroup"] = _API_GROUP
    return {
        **_object(f"{_API_GROUP}/v1", kind, name, namespace),
        "roleRef": {"apiGroup": _API_GROUP, "kind": role_kind, "name": name},
        "subjects": [subject],
    }


def _object(api_version: str, kind: str, name: str, namespace: str = "") -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "labels": dict(_LABELS)}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}
