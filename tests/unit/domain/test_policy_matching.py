"""Which policy is about an application follows Karmada's precedence, and never the alphabet."""

from __future__ import annotations

import pytest

from failover.domain.identity import ApplicationRef
from failover.domain.policy import LabelSelector, Policy, PolicyKind, PolicySpec, ResourceSelector
from failover.domain.policy.matching import Ambiguous, NoPolicy, match

ORDERS = ApplicationRef(
    group="flink.apache.org", kind="FlinkDeployment", namespace="shop", name="orders"
)
LABELS = {"team": "sales"}


def policy(
    name: str,
    kind: PolicyKind = "PropagationPolicy",
    *,
    by: str = "name",
    namespace: str = "shop",
    priority: int = 0,
) -> Policy:
    """A policy that means the application by its name, its labels or its kind."""
    selector = ResourceSelector(
        api_version="flink.apache.org/v1beta1",
        kind="FlinkDeployment",
        name="orders" if by == "name" else "",
        label_selector=LabelSelector(match_labels=LABELS) if by == "labels" else None,
    )
    where = "" if kind == "ClusterPropagationPolicy" else namespace
    spec = PolicySpec(resource_selectors=(selector,), priority=priority)
    return Policy(kind=kind, name=name, namespace=where, spec=spec)


@pytest.mark.parametrize(
    ("stronger", "weaker"),
    [
        pytest.param(policy("z"), policy("a", by="labels"), id="name-before-labels"),
        pytest.param(policy("z", by="labels"), policy("a", by="kind"), id="labels-before-kind"),
        pytest.param(
            policy("z", by="kind"),
            policy("a", "ClusterPropagationPolicy"),
            id="namespace-before-cluster",
        ),
        pytest.param(
            policy("z", "FailoverPolicy", by="kind"), policy("a"), id="ours-before-karmadas"
        ),
        pytest.param(
            policy("z", by="kind", priority=1), policy("a"), id="priority-before-precision"
        ),
    ],
)
def test_the_stronger_policy_wins_in_either_order(stronger: Policy, weaker: Policy) -> None:
    """Precedence does not hang on the order of files or on names."""
    assert match([stronger, weaker], ORDERS, LABELS) == stronger
    assert match([weaker, stronger], ORDERS, LABELS) == stronger


def test_two_equal_policies_are_ambiguous_and_both_named() -> None:
    """The message names both and says how to decide."""
    found = match([policy("b"), policy("a")], ORDERS, LABELS)
    assert isinstance(found, Ambiguous)
    assert found.message == (
        "PropagationPolicy/a in shop and PropagationPolicy/b in shop are equally about "
        "FlinkDeployment/orders in shop; name it in the resourceSelectors of one, give one a "
        "higher spec.priority, or take it out of the others."
    )


def test_two_policies_of_one_name_are_said_to_be_that() -> None:
    """Naming both would name one thing twice."""
    one = policy("a")
    spec = one.spec.model_copy(update={"propagate_deps": True})
    found = match([one, one.model_copy(update={"spec": spec})], ORDERS, LABELS)
    assert isinstance(found, Ambiguous)
    assert found.message == (
        "PropagationPolicy/a in shop, which is about FlinkDeployment/orders in shop, is there "
        "2 times, and says something else each time; leave one of them."
    )


@pytest.mark.parametrize("others", [("name",), ("kind",), ("labels", "kind")], ids=str)
def test_several_selectors_of_one_policy_are_one_policy(others: tuple[str, ...]) -> None:
    """However often it means an application, it is one; and the closest selector counts."""
    selectors = [policy("a", by=by).spec.resource_selectors[0] for by in (*others, "name")]
    often = policy("a").model_copy(update={"spec": PolicySpec(resource_selectors=tuple(selectors))})
    assert match([often], ORDERS, LABELS) == often
    assert match([often, policy("b", by="kind")], ORDERS, LABELS) == often
    assert isinstance(match([often, policy("b")], ORDERS, LABELS), Ambiguous)


def test_the_same_policy_read_twice_is_one() -> None:
    """A file that is given twice is no conflict."""
    assert match([policy("a"), policy("a")], ORDERS, LABELS) == policy("a")


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(policy("a", namespace="bank"), id="policy-of-another-namespace"),
        pytest.param(
            Policy(
                kind="ClusterPropagationPolicy", name="a",
                spec=PolicySpec(resource_selectors=(ResourceSelector(
                    api_version="flink.apache.org/v1", kind="FlinkDeployment", namespace="bank"),)),
            ),
            id="selector-of-another-namespace",
        ),
        pytest.param(
            Policy(name="a", spec=PolicySpec(resource_selectors=(ResourceSelector(
                api_version="apps/v1", kind="FlinkDeployment"),))),
            id="another-group",
        ),
        pytest.param(Policy(name="a", spec=PolicySpec()), id="no-selectors"),
    ],
)  # fmt: skip
def test_a_policy_about_something_else_is_none(other: Policy) -> None:
    """Group, kind and namespace must all be the application's."""
    found = match([other], ORDERS, LABELS)
    assert isinstance(found, NoPolicy)
    assert found.message == (
        "no policy is about FlinkDeployment/orders in shop; add it to the spec.resourceSelectors "
        "of one (kind FlinkDeployment, namespace shop, name orders)."
    )


def test_any_version_of_the_kind_is_the_kind() -> None:
    """An upgrade of a CRD does not take an application out of its policy."""
    selector = ResourceSelector(api_version="flink.apache.org/v2", kind="FlinkDeployment")
    newer = Policy(name="a", spec=PolicySpec(resource_selectors=(selector,)))
    assert match([newer], ORDERS, {}) == newer
