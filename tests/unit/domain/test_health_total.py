"""Rules over objects are total: no JSON makes them raise."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.domain.closure import closure
from failover.domain.dependents import (
    as_dependent,
    claim_templates,
    compare,
    dependents_of,
    immovable,
)
from failover.domain.health import Health, judge
from failover.domain.manifest import Manifest, digest, field, spec_digest
from failover.domain.marks import mark_of
from failover.domain.owners import managers_of
from failover.domain.template import portable
from tests.support.health.cases import BETWEEN_CRASHES, replica_set
from tests.support.objects import (
    custom,
    daemon_set,
    deployment,
    driver_pod,
    flink,
    job,
    spark,
    stateful_set,
)

WORKLOADS = (
    deployment(),
    stateful_set(),
    daemon_set(),
    job(active=1),
    flink(),
    spark(),
    custom({"Ready": "True"}),
    driver_pod(),
    *replica_set(1, BETWEEN_CRASHES),
)
KINDS = st.sampled_from(
    [(each["apiVersion"], each["kind"]) for each in WORKLOADS]
    + [("v1", "Service"), ("v1", "Secret")]
)

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
)
WORDS = (
    "metadata name labels annotations ownerReferences uid spec replicas template job state data "
    "status conditions type reason jobStatus applicationState volumes ports containers"
)
words = st.sampled_from(WORDS.split())
json_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(words | st.text(max_size=4), inner, max_size=6)
    ),
    max_leaves=20,
)
json_objects = st.dictionaries(words, json_values, max_size=6)


def damage(draw: st.DrawFn, value: Any) -> Any:
    """The value, or with some chance any JSON in its place; so in all that it holds."""
    if draw(st.integers(0, 5)) == 0:
        return draw(json_values)
    if isinstance(value, dict):
        held = cast("dict[str, Any]", value)
        return {key: damage(draw, each) for key, each in held.items()}
    if isinstance(value, list):
        return [damage(draw, each) for each in value]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return value


@st.composite
def damaged(draw: st.DrawFn) -> Manifest:
    """A real object in which some values have been replaced by any JSON."""
    return {key: damage(draw, each) for key, each in draw(st.sampled_from(WORKLOADS)).items()}


@st.composite
def anything(draw: st.DrawFn) -> Manifest:
    """Any JSON object, mostly with a kind that has rules."""
    version, kind = draw(KINDS)
    return {"apiVersion": version, "kind": kind, **draw(json_objects)}


manifests = anything() | damaged() | json_objects


@given(manifests, st.none() | st.lists(manifests, max_size=2))
def test_judging_never_raises(workload: Manifest, owned: list[Manifest] | None) -> None:
    """Every object has a verdict, with a reason that is a token and a message that is not empty."""
    verdict = judge(workload, owned)
    assert isinstance(verdict, Health)
    assert verdict.reason.isidentifier()
    assert verdict.message


@given(manifests)
def test_reading_never_raises(manifest: Manifest) -> None:
    """Templates, dependents, owners, marks and digests can be had of whatever is there."""
    portable(manifest, alias_labels=("a",))
    dependents_of(manifest)
    as_dependent(manifest, failover="f")
    claim_templates(manifest)
    immovable(manifest)
    managers_of(manifest)
    mark_of(manifest)
    spec_digest(manifest)
    closure("u", [manifest])
    assert compare(manifest, manifest) == ()


@given(manifests)
def test_a_template_is_its_own_template(manifest: Manifest) -> None:
    """Taking away what servers add twice takes away no more than once."""
    once = portable(manifest, alias_labels=("a", "name"))
    assert digest(portable(once, alias_labels=("a", "name"))) == digest(once)


@given(manifests)
def test_a_template_leaves_the_live_object_alone(manifest: Manifest) -> None:
    """The object that was read stays as it was read."""
    before = digest(manifest)
    portable(manifest, alias_labels=("a",))
    assert digest(manifest) == before


@pytest.mark.parametrize(
    ("path", "found"),
    [(("a", 0, "b"), 1), (("a", 1), None), (("a", "b"), None), (("x",), None)],
    ids=["there", "past the end", "key of a list", "missing"],
)
def test_reading_a_path_ends_in_nothing_where_nothing_is(
    path: tuple[str | int, ...], found: object
) -> None:
    """What is missing, or of another shape, reads as nothing."""
    assert field({"a": [{"b": 1}]}, *path) == found
