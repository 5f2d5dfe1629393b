"""Where the applications of policies are looked for."""

from __future__ import annotations

from typing import Any

import pytest

from failover.domain.identity import GroupKind
from failover.domain.policy import (
    ApplicationFailover,
    Failover,
    Policy,
    PolicySpec,
    ResourceSelector,
)
from failover.domain.policy.scopes import Scope, scopes_of

FLINK = GroupKind("flink.apache.org", "FlinkDeployment")
DEPLOYMENT = GroupKind("apps", "Deployment")


def policy(namespace: str, *selectors: tuple[GroupKind, str], moves: bool = True) -> Policy:
    """A policy with these selectors."""
    spec: dict[str, Any] = {
        "resource_selectors": tuple(
            ResourceSelector(api_version=f"{kind.group}/v1", kind=kind.kind, namespace=where)
            for kind, where in selectors
        ),
        "failover": Failover(application=ApplicationFailover()) if moves else None,
    }
    return Policy(name="p", namespace=namespace, spec=PolicySpec(**spec))


CASES: dict[str, tuple[list[Policy], set[Scope]]] = {
    "its own namespace": ([policy("shop", (FLINK, ""))], {Scope(FLINK, "shop")}),
    "the selector's namespace": ([policy("", (FLINK, "shop"))], {Scope(FLINK, "shop")}),
    "nothing in another namespace": ([policy("shop", (FLINK, "bank"))], set()),
    "all namespaces": ([policy("", (FLINK, ""))], {Scope(FLINK)}),
    "all namespaces hold each one": (
        [policy("", (FLINK, "")), policy("shop", (FLINK, ""), (DEPLOYMENT, ""))],
        {Scope(FLINK), Scope(DEPLOYMENT, "shop")},
    ),
    "once for several policies": (
        [policy("shop", (FLINK, "")), policy("shop", (FLINK, "shop"))],
        {Scope(FLINK, "shop")},
    ),
    "a policy that moves nothing": ([policy("shop", (FLINK, ""), moves=False)], set()),
}


@pytest.mark.parametrize(("policies", "expected"), CASES.values(), ids=CASES.keys())
def test_scopes_are_as_narrow_as_the_policies_allow(
    policies: list[Policy], expected: set[Scope]
) -> None:
    """Each kind is followed where a policy may mean it, and nowhere twice."""
    assert scopes_of(policies) == expected
