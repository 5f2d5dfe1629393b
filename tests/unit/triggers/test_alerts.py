"""What an alert means: which applications, and why none."""

from __future__ import annotations

from typing import Any

import pytest

from failover.domain.errors import InvalidInput
from failover.domain.identity import ApplicationRef, GroupKind
from failover.domain.policy.reading import read_policies
from tests.support.alerts import alert, call, grafana_call
from triggers.alerts import (
    MalformedCall,
    Meant,
    Naming,
    TooManyApplications,
    meant_by,
    naming_of,
    read_call,
)
from triggers.policies import PolicySet

POLICY = """
apiVersion: stateful-failover.dev/v1alpha1
kind: FailoverPolicy
metadata: {{name: {name}, namespace: shop}}
spec:
  resourceSelectors: [{{apiVersion: {api}, kind: {kind}, {more}}}]
  failover: {{application: {{purgeMode: Directly}}}}
"""
TEXT = "---".join(
    POLICY.format(name=name, api=api, kind=kind, more=more)
    for name, api, kind, more in (
        ("flink", "flink.apache.org/v1beta1", "FlinkDeployment", "namespace: shop"),
        ("databases", "apps/v1", "StatefulSet", "name: postgres"),
        ("front", "apps/v1", "Deployment", "labelSelector: {matchLabels: {tier: front}}"),
        ("jobs", "batch/v1", "Job", "namespace: shop"),
        ("volcano", "batch.volcano.sh/v1alpha1", "Job", "namespace: shop"),
    )
)
POLICIES = PolicySet(read_policies(TEXT, "policies").policies)


def meaning(*alerts: dict[str, Any], naming: Naming | None = None) -> Meant:
    """What a call with these alerts means."""
    return meant_by(read_call(call(*alerts)), POLICIES, naming or Naming())


def flink(name: str, **labels: str) -> dict[str, Any]:
    """An alert that names a FlinkDeployment."""
    return alert(namespace="shop", failover_kind="FlinkDeployment", failover_name=name, **labels)


@pytest.mark.parametrize(
    ("said", "application"),
    [
        pytest.param(
            alert(namespace="shop", statefulset="postgres"),
            "StatefulSet/postgres in shop",
            id="label of kube-state-metrics",
        ),
        pytest.param(
            alert(namespace="shop", deployment="web", job="kube-state-metrics", pod="web-1"),
            "Deployment/web in shop",
            id="its labels are not known yet",
        ),
        pytest.param(
            alert(namespace="shop", job_name="nightly"), "Job/nightly in shop", id="a finished job"
        ),
        pytest.param(flink("orders"), "FlinkDeployment/orders in shop", id="by name"),
        pytest.param(
            alert(
                namespace="shop",
                annotations={
                    "failover_kind": "flinkdeployment.flink.apache.org",
                    "failover_name": "a",
                },
            ),
            "FlinkDeployment/a in shop",
            id="by annotations, in small letters",
        ),
        pytest.param(
            flink("orders", deployment="orders-taskmanager"),
            "FlinkDeployment/orders in shop",
            id="what is written wins",
        ),
        pytest.param(
            alert(namespace="monitoring", failover_namespace="shop", statefulset="postgres"),
            "StatefulSet/postgres in shop",
            id="the exporter's namespace is not meant",
        ),
    ],
)
def test_an_alert_means_the_application_that_it_names(
    said: dict[str, Any], application: str
) -> None:
    """Labels and annotations name it; the policies know it."""
    meant = meaning(said)
    assert [str(each.application) for each in meant.targets] == [application]
    assert meant.unmatched == ()


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        pytest.param(alert(), "NamesNoApplication", id="no label"),
        pytest.param(alert(namespace="shop", pod="web-1"), "NamesNoApplication", id="pod only"),
        pytest.param(alert(deployment="web"), "NamesNoApplication", id="no namespace"),
        pytest.param(
            alert(namespace="shop", failover_name="x"), "NamesNoApplication", id="half a name"
        ),
        pytest.param(alert(namespace="other", statefulset="postgres"), "NoPolicy", id="elsewhere"),
        pytest.param(alert(namespace="shop", statefulset="mysql"), "NoPolicy", id="another name"),
        pytest.param(alert(namespace="shop", daemonset="agent"), "NoPolicy", id="another kind"),
        pytest.param(
            alert(namespace="shop", failover_kind="Kafka", failover_name="x"),
            "NoPolicy",
            id="a kind that no policy knows",
        ),
        pytest.param(
            alert(namespace="shop", failover_kind="Job", failover_name="x"),
            "AmbiguousKind",
            id="a kind of two groups",
        ),
        pytest.param(flink("../../x"), "InvalidName", id="a path"),
        pytest.param(flink("Orders"), "InvalidName", id="capital letters"),
        pytest.param(flink("x" * 300), "InvalidName", id="too long"),
        pytest.param(
            alert(namespace="shop/x", statefulset="postgres"), "InvalidName", id="namespace"
        ),
    ],
)
def test_an_alert_that_means_nothing_says_why(said: dict[str, Any], reason: str) -> None:
    """It is reported, and nothing follows from it."""
    meant = meaning(said)
    assert meant.targets == ()
    assert [each.reason for each in meant.unmatched] == [reason]
    assert meant.unmatched[0].message


@pytest.mark.parametrize(
    ("said", "cluster"),
    [
        pytest.param(flink("orders"), "", id="none"),
        pytest.param(flink("orders", cluster="east"), "east", id="cluster"),
        pytest.param(
            flink("orders", cluster="prod-1", failover_cluster="east"), "east", id="ours wins"
        ),
    ],
)
def test_an_alert_may_say_on_which_cluster(said: dict[str, Any], cluster: str) -> None:
    """By a label of ours, or by the one that Prometheus gives."""
    assert [each.cluster for each in meaning(said).targets] == [cluster]


def test_labels_of_ones_own_may_name_applications_and_clusters() -> None:
    """`--label app=…` and `--cluster-label`, beside the usual ones."""
    naming = naming_of(["app=FlinkDeployment.flink.apache.org"], ["k8s_cluster"])
    said = alert(namespace="shop", app="orders", k8s_cluster="west", cluster="x")
    (target,) = meaning(said, naming=naming).targets
    assert target.application == ApplicationRef(
        group="flink.apache.org", kind="FlinkDeployment", namespace="shop", name="orders"
    )
    assert target.cluster == "west"
    assert naming.kinds["deployment"] == GroupKind("apps", "Deployment")


@pytest.mark.parametrize("text", ["app", "=Deployment", "app=", "app=.apps"])
def test_a_label_without_a_kind_is_refused(text: str) -> None:
    """What it should look like is in the message."""
    with pytest.raises(InvalidInput, match="LABEL=KIND"):
        naming_of([text], [])


def test_an_application_is_looked_at_once_per_call() -> None:
    """Several alerts of one application are one target, and one that fires counts."""
    resolved = {**flink("orders"), "status": "resolved"}
    meant = meaning(resolved, flink("orders"), flink("orders", severity="warning"))
    assert [each.firing for each in meant.targets] == [True]
    assert [each.firing for each in meaning(resolved, resolved).targets] == [False]


def test_a_call_that_means_too_much_is_refused_as_a_whole() -> None:
    """Fifty may pass, one more may not; alerts that mean nothing do not count."""
    many = [flink(f"orders-{number}") for number in range(50)]
    assert len(meaning(*many, alert(), flink("orders-1")).targets) == 50
    with pytest.raises(TooManyApplications, match="51 applications"):
        meaning(*many, flink("one-more"))


def test_a_call_of_grafana_is_read_as_well() -> None:
    """It has another version, more fields, and says null where there is nothing."""
    said = {**flink("orders"), "annotations": None}
    read = read_call(grafana_call(said))
    assert [each.name for each in read.alerts] == ["FlinkJobDown"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="no JSON"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(call(version="3"), id="another version"),
        pytest.param(call({**alert(), "status": "secret-word"}), id="another status"),
        pytest.param(call(alerts={"a": "secret-word"}), id="alerts are a map"),
        pytest.param(call({**alert(), "labels": {"a": {"b": "secret-word"}}}), id="deep labels"),
        pytest.param(call(truncatedAlerts=-1), id="a negative number"),
    ],
)
def test_what_is_no_call_is_refused(body: bytes) -> None:
    """It says what is wrong, briefly, and repeats nothing of what was sent."""
    with pytest.raises(MalformedCall) as caught:
        read_call(body)
    assert "secret-word" not in caught.value.message
    assert len(caught.value.message) < 500
