"""A manifest is changed for a cluster as Karmada's overrides say, in Karmada's order."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml

from failover.domain.errors import InvalidInput
from failover.domain.overrides import Override, apply_overrides
from failover.domain.policy.reading import read_policies
from failover.domain.topology import ClusterFacts

WEST = ClusterFacts(name="west", region="us")


def deployment() -> dict[str, Any]:
    """A fresh Deployment with two containers."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web", "a/b": "1"}},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [
            {"name": "main", "image": "docker.io/shop/web:1.0", "command": ["run"],
             "args": ["-v", "-x"]},
            {"name": "side", "image": "proxy@sha256:" + "a" * 64},
        ]}}},
    }  # fmt: skip


def override(overriders: object, name: str = "o", **spec: object) -> Override:
    """An OverridePolicy of the namespace with one rule."""
    rule = {
        "overriders": overriders,
        **({"targetCluster": spec.pop("targetCluster")} if "targetCluster" in spec else {}),
    }
    document = {
        "kind": "OverridePolicy",
        "name": name,
        "namespace": "shop",
        "spec": {"overrideRules": [rule], **spec},
    }
    return Override.model_validate(document)


def cluster_wide(overriders: object, name: str = "o") -> Override:
    """A ClusterOverridePolicy with one rule."""
    spec = {"overrideRules": [{"overriders": overriders}]}
    return Override.model_validate({"kind": "ClusterOverridePolicy", "name": name, "spec": spec})


def label(value: str) -> dict[str, object]:
    """Overriders that set the label `who`."""
    return {"labelsOverrider": [{"operator": "add", "value": {"who": value}}]}


def applied(*overrides: Override, manifest: dict[str, Any] | None = None) -> dict[str, Any]:
    """The Deployment (or the given object) for the cluster west."""
    return apply_overrides(manifest or deployment(), overrides, WEST)


def images(manifest: dict[str, Any]) -> list[str]:
    """The images of the containers."""
    return [each["image"] for each in manifest["spec"]["template"]["spec"]["containers"]]


DIGEST = "@sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("component", "operator", "value", "expected"),
    [
        (
            "Registry",
            "replace",
            "r.io:5000",
            ["r.io:5000/shop/web:1.0", f"r.io:5000/proxy{DIGEST}"],
        ),
        ("Registry", "add", ".cn", ["docker.io.cn/shop/web:1.0", f".cn/proxy{DIGEST}"]),
        ("Registry", "remove", "", ["shop/web:1.0", f"proxy{DIGEST}"]),
        ("Repository", "replace", "x/y", ["docker.io/x/y:1.0", f"x/y{DIGEST}"]),
        ("Repository", "add", "-arm", ["docker.io/shop/web-arm:1.0", f"proxy-arm{DIGEST}"]),
        ("Tag", "replace", "2.0", ["docker.io/shop/web:2.0", "proxy:2.0"]),
        ("Tag", "remove", "", ["docker.io/shop/web", "proxy"]),
    ],
)
def test_images_change_by_part(
    component: str, operator: str, value: str, expected: list[str]
) -> None:
    """Registry, repository and tag or digest of every container change alone."""
    change = {"component": component, "operator": operator, "value": value}
    assert images(applied(override({"imageOverrider": [change]}))) == expected


def test_one_image_is_named_by_its_path() -> None:
    """A predicate changes that image only, in any kind."""
    flink = {"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment",
             "metadata": {"name": "orders", "namespace": "shop"},
             "spec": {"image": "flink:1.17"}}  # fmt: skip
    change = {
        "component": "Tag",
        "operator": "replace",
        "value": "1.18",
        "predicate": {"path": "/spec/image"},
    }
    assert (
        applied(override({"imageOverrider": [change]}), manifest=flink)["spec"]["image"]
        == "flink:1.18"
    )


@pytest.mark.parametrize(
    ("overriders", "path", "expected"),
    [
        pytest.param(
            {"commandOverrider": [{"containerName": "main", "operator": "add", "value": ["now"]}]},
            ("command",), ["run", "now"], id="command-add",
        ),
        pytest.param(
            {"argsOverrider": [{"containerName": "main", "operator": "remove", "value": ["-x"]}]},
            ("args",), ["-v"], id="args-remove",
        ),
        pytest.param(
            {"argsOverrider": [{"containerName": "other", "operator": "add", "value": ["-y"]}]},
            ("args",), ["-v", "-x"], id="another-container",
        ),
    ],
)  # fmt: skip
def test_words_of_one_container_change(
    overriders: object, path: tuple[str], expected: object
) -> None:
    """Commands and arguments are extended, or lose words."""
    containers = applied(override(overriders))["spec"]["template"]["spec"]["containers"]
    assert containers[0][path[0]] == expected


def test_words_are_added_where_there_were_none() -> None:
    """A container without arguments gets them."""
    change = {"argsOverrider": [{"containerName": "side", "operator": "add", "value": ["-y"]}]}
    assert applied(override(change))["spec"]["template"]["spec"]["containers"][1]["args"] == ["-y"]


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("add", {"c/d": "2"}, {"app": "web", "a/b": "1", "c/d": "2"}),
        ("replace", {"a/b": "2", "new": "x"}, {"app": "web", "a/b": "2"}),
        ("remove", {"a/b": "", "new": ""}, {"app": "web"}),
    ],
)
def test_labels_change_and_only_present_ones_are_replaced(
    operator: str, value: dict[str, str], expected: dict[str, str]
) -> None:
    """`add` adds; `replace` and `remove` leave absent keys alone."""
    manifest = applied(override({"labelsOverrider": [{"operator": operator, "value": value}]}))
    assert manifest["metadata"]["labels"] == expected


def test_annotations_are_added_where_there_were_none() -> None:
    """The map is made when it is missing."""
    manifest = applied(
        override({"annotationsOverrider": [{"operator": "add", "value": {"a": "b"}}]})
    )
    assert manifest["metadata"]["annotations"] == {"a": "b"}


@pytest.mark.parametrize(
    ("change", "read"),
    [
        ({"yaml": [{"subPath": "/db/port", "operator": "replace", "value": 5}]}, yaml.safe_load),
        ({"json": [{"subPath": "/db/port", "operator": "replace", "value": 5}]}, json.loads),
    ],
)
def test_a_text_within_a_config_map_changes(change: dict[str, object], read: Any) -> None:
    """JSON and YAML texts are changed from the inside."""
    manifest = {"apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": "c", "namespace": "shop"},
                "data": {"a.b/c": '{"db": {"port": 1, "host": "x"}}'}}  # fmt: skip
    made = applied(
        override({"fieldOverrider": [{"fieldPath": "/data/a.b~1c", **change}]}), manifest=manifest
    )
    assert read(made["data"]["a.b/c"]) == {"db": {"port": 5, "host": "x"}}


@pytest.mark.parametrize(
    ("operator", "path", "value", "expected"),
    [
        ("replace", "/spec/replicas", 3, {"replicas": 3, "list": [1, 2]}),
        ("add", "/spec/list/-", 3, {"replicas": 1, "list": [1, 2, 3]}),
        ("add", "/spec/list/0", 0, {"replicas": 1, "list": [0, 1, 2]}),
        ("remove", "/spec/list/1", None, {"replicas": 1, "list": [1]}),
        ("add", "/spec/new", {"a": None}, {"replicas": 1, "list": [1, 2], "new": {"a": None}}),
    ],
)
def test_plain_fields_change_as_a_json_patch(
    operator: str, path: str, value: object, expected: object
) -> None:
    """Add, replace and remove mean what RFC 6902 says."""
    manifest = {
        "kind": "X",
        "metadata": {"namespace": "shop"},
        "spec": {"replicas": 1, "list": [1, 2]},
    }
    change = {"operator": operator, "path": path, "value": value}
    assert applied(override({"plaintext": [change]}), manifest=manifest)["spec"] == expected


def test_the_more_precise_override_has_the_last_word() -> None:
    """Cluster-wide first; then everything, kind, labels, name; equally precise ones by name."""
    kind = {"apiVersion": "apps/v1", "kind": "Deployment"}

    def last(*overrides: Override) -> str:
        assert applied(*overrides) == applied(*reversed(overrides))
        return str(applied(*overrides)["metadata"]["labels"]["who"])

    everything = override(label("everything"), "z")
    whole_kind = override(label("kind"), "y", resourceSelectors=[kind])
    labels = override(
        label("labels"),
        "x",
        resourceSelectors=[kind | {"labelSelector": {"matchLabels": {"app": "web"}}}],
    )
    name = override(label("name"), "a", resourceSelectors=[kind | {"name": "web"}])
    assert last(everything, cluster_wide(label("cluster"), "zz")) == "everything"
    assert last(labels, whole_kind) == "labels"
    assert last(name, labels) == "name"
    assert last(override(label("b"), "b"), override(label("a"), "a")) == "b"


def test_only_rules_for_the_cluster_count() -> None:
    """Rules for other clusters, other namespaces and other objects change nothing."""
    other = override(label("x"), targetCluster={"clusterNames": ["east"]})
    elsewhere = override(label("x")).model_copy(update={"namespace": "bank"})
    unmeant = override(label("x"), resourceSelectors=[{"apiVersion": "v1", "kind": "ConfigMap"}])
    assert applied(other, elsewhere, unmeant) == deployment()
    meant = override(label("x"), targetCluster={"fieldSelector": {"matchExpressions": [
        {"key": "region", "operator": "In", "values": ["us"]}]}})  # fmt: skip
    assert applied(meant)["metadata"]["labels"]["who"] == "x"


def test_karmadas_old_way_still_counts() -> None:
    """Top-level targetCluster and overriders are one rule."""
    spec = {"targetCluster": {"clusterNames": ["west"]}, "overriders": label("x")}
    old = Override.model_validate(
        {"kind": "OverridePolicy", "name": "o", "namespace": "shop", "spec": spec}
    )
    assert applied(old)["metadata"]["labels"]["who"] == "x"


def test_the_given_manifest_and_override_stay_as_they_are() -> None:
    """Nothing that was passed in is changed, now or through a shared part later."""
    given = deployment()
    value: dict[str, list[str]] = {"a": []}
    shared = override({"plaintext": [{"operator": "add", "path": "/spec/new", "value": value}]})
    before = copy.deepcopy((given, shared))
    made = apply_overrides(given, [shared], WEST)
    made["spec"]["new"]["a"].append(1)
    made["metadata"]["labels"]["x"] = "y"
    assert (given, shared) == before


@pytest.mark.parametrize(
    ("overriders", "message"),
    [
        pytest.param(
            {"plaintext": [{"operator": "replace", "path": "/spec/nothing/here", "value": 1}]},
            "OverridePolicy/o in shop does not fit Deployment/web "
            "(spec.overrideRules[0].overriders.plaintext[0]): nothing is at '/spec/nothing/here': "
            "'nothing' is not there. Mend the override, or take it away.",
            id="missing-path",
        ),
        pytest.param(
            {"imageOverrider": [{"component": "Tag", "operator": "replace", "value": "no tag"}]},
            "OverridePolicy/o in shop does not fit Deployment/web "
            "(spec.overrideRules[0].overriders.imageOverrider[0]): 'no tag' is neither a tag nor a "
            "digest (sha256:…). Mend the override, or take it away.",
            id="no-tag",
        ),
        pytest.param(
            {"plaintext": [{"operator": "replace", "path": "/metadata/name", "value": "other"}]},
            "OverridePolicy/o in shop does not fit Deployment/web "
            "(spec.overrideRules[0].overriders): an override cannot change the kind, name or "
            "namespace of an object. Mend the override, or take it away.",
            id="another-name",
        ),
        pytest.param(
            {"fieldOverrider": [{"fieldPath": "/spec/replicas",
                                 "json": [{"subPath": "/a", "operator": "remove"}]}]},
            "OverridePolicy/o in shop does not fit Deployment/web "
            "(spec.overrideRules[0].overriders.fieldOverrider[0]): what is at '/spec/replicas' is "
            "no text. Mend the override, or take it away.",
            id="no-text",
        ),
    ],
)  # fmt: skip
def test_an_override_that_does_not_fit_says_where(overriders: object, message: str) -> None:
    """The error names the override, the object and the path, and no value of the object."""
    with pytest.raises(InvalidInput) as caught:
        applied(override(overriders))
    assert (caught.value.message, caught.value.reason) == (message, "OverrideFailed")


DOCUMENT = """\
apiVersion: policy.karmada.io/v1alpha1
kind: OverridePolicy
metadata: {name: o, namespace: shop}
spec:
  overrideRules:
  - targetCluster: {clusterNames: [west]}
    overriders:
      plaintext: [{path: /spec/x, operator: add, value: null}]
"""


def test_an_override_is_read_and_survives_json() -> None:
    """The document is read as Karmada writes it, a null value included."""
    reading = read_policies(DOCUMENT, "o.yaml")
    assert reading.problems == ()
    [found] = reading.overrides
    assert Override.model_validate_json(found.model_dump_json()) == found
    assert applied(found, manifest=deployment())["spec"]["x"] is None


@pytest.mark.parametrize(
    ("before", "after", "path", "reason"),
    [
        ("plaintext", "plaintxt", "spec.overrideRules[0].overriders.plaintxt", "UnknownField"),
        ("/spec/x", "spec/x", "spec.overrideRules[0].overriders.plaintext[0].path", "NotAPointer"),
        (", value: null", "", "spec.overrideRules[0].overriders.plaintext[0].value", "Missing"),
        ("add", "update", "spec.overrideRules[0].overriders.plaintext[0].operator", "WrongValue"),
        ("  overrideRules",
         "  overriders: {plaintext: [{path: /a, operator: remove}]}\n  overrideRules",
         "spec.overrideRules", "TwoKindsOfRules"),
    ],
)  # fmt: skip
def test_a_mistake_in_an_override_is_found_when_it_is_read(
    before: str, after: str, path: str, reason: str
) -> None:
    """Each mistake is an error with its path, and the override is not used."""
    reading = read_policies(DOCUMENT.replace(before, after), "o.yaml")
    assert [(each.severity, each.path, each.reason) for each in reading.problems] == [
        ("Error", path, reason)
    ]
    assert reading.overrides == ()
