"""Policy files become policies, or one clear message for each thing that is wrong."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from failover.domain.errors import InvalidInput
from failover.domain.identity import GroupKind
from failover.domain.policy import API_VERSION, KARMADA_API_VERSION, Policy
from failover.domain.policy.problems import Problem
from failover.domain.policy.reading import Reading, read_policies

EXAMPLE = Path(__file__).parents[3] / "examples" / "flink-failover-policy.yaml"

OURS = """\
apiVersion: stateful-failover.dev/v1alpha1
kind: FailoverPolicy
metadata: {name: orders, namespace: shop}
spec:
  resourceSelectors:
  - {apiVersion: flink.apache.org/v1beta1, kind: FlinkDeployment, name: orders}
  placement: {clusterAffinity: {clusterNames: [east, west]}}
  failover:
    application:
      decisionConditions: {tolerationSeconds: 120}
      purgeMode: Directly
      statePreservation:
        rules:
        - {aliasLabelName: example.com/job, jsonPath: '{.jobStatus.jobId}'}
"""
KARMADA = OURS.replace(API_VERSION, KARMADA_API_VERSION).replace(
    "FailoverPolicy\nmeta", "PropagationPolicy\nmeta"
).replace("  placement:", "  propagateDeps: true\n  placement:")  # fmt: skip

APPLICATION = "spec.failover.application"


def only(reading: Reading) -> Policy:
    """The one policy of a reading without problems."""
    assert reading.problems == ()
    return reading.policies[0]


def problems(text: str) -> list[tuple[str, str, str, str]]:
    """What is found, without where the document lies."""
    found = read_policies(text, "policy.yaml").problems
    return [(each.severity, each.path, each.reason, each.message) for each in found]


def test_the_example_is_read_without_any_problem() -> None:
    """Karmada's document of the example works as it is written, old spelling included."""
    policy = only(read_policies(EXAMPLE.read_text(), "example.yaml"))
    assert policy.kind == "PropagationPolicy"
    assert policy.active.purge_mode == "Directly"
    assert policy.active.toleration == timedelta(seconds=120)
    assert policy.active.rules[0].json_path == "{ .jobStatus.jobId }"
    assert policy.spec.placement.groups[0].cluster_names == ("east", "west", "north")


def test_karmadas_documents_know_no_cool_down() -> None:
    """How soon an application may be moved again is what their toleration says; how often is bounded all the same."""
    budget = only(read_policies(EXAMPLE.read_text(), "example.yaml")).active.budget
    assert (budget.max_failovers, budget.cool_down_seconds) == (3, 0)


def test_what_is_left_out_has_karmadas_defaults() -> None:
    """An empty application failover tolerates five minutes and purges gracefully, graceless."""
    text = OURS.split("      decisionConditions", maxsplit=1)[0].replace(
        "application:", "application: {}"
    )
    application = read_policies(text, "policy.yaml").policies[0].active
    assert application.toleration == timedelta(seconds=300)
    assert application.purge_mode == "Gracefully"
    assert application.grace_period is None
    assert application.mode is None
    policy = read_policies(text, "policy.yaml").policies[0]
    flink, ray = GroupKind("flink.apache.org", "FlinkDeployment"), GroupKind("ray.io", "RayJob")
    assert (policy.mode_of(flink), policy.mode_of(ray)) == ("Automatic", "Observe")
    assert policy.mode_of(flink, own_rule=True) == "Observe"
    assert application.fencing.gone_within == timedelta(seconds=300)
    assert application.settle(owned=True) == timedelta(seconds=10)
    assert application.settle(owned=False) == timedelta()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Immediately", "Directly"),
        ("Directly", "Directly"),
        ("Graciously", "Gracefully"),
        ("Gracefully", "Gracefully"),
        ("Never", "Never"),
    ],
)
def test_all_five_spellings_of_the_purge_modes_are_read(written: str, meant: str) -> None:
    """Old and new names of the purge modes mean the same."""
    reading = read_policies(KARMADA.replace("Directly", written), "policy.yaml")
    assert reading.errors == ()
    assert reading.policies[0].active.purge_mode == meant


BAD = [
    pytest.param(
        OURS.replace("purgeMode", "purgeMod"),
        f"{APPLICATION}.purgeMod", "UnknownField", "is not a field. Did you mean purgeMode?",
        id="unknown-field",
    ),
    pytest.param(
        KARMADA.replace("purgeMode", "purgeMod"),
        f"{APPLICATION}.purgeMod", "UnknownField", "is not a field. Did you mean purgeMode?",
        id="unknown-field-in-karmadas",
    ),
    pytest.param(
        OURS.replace("rules:", "kind: Job\n        rules:"),
        f"{APPLICATION}.statePreservation.kind", "UnknownField",
        "is not a field. There are: goodAfterSeconds, rules.",
        id="unknown-field-that-resembles-none",
    ),
    pytest.param(
        OURS.replace("120", "'120'"),
        f"{APPLICATION}.decisionConditions.tolerationSeconds", "WrongType",
        "must be a whole number, not the text '120'.",
        id="text-for-a-number",
    ),
    pytest.param(
        OURS.replace("120", "1.5"),
        f"{APPLICATION}.decisionConditions.tolerationSeconds", "WrongType",
        "must be a whole number, not 1.5.",
        id="fraction-of-a-second",
    ),
    pytest.param(
        OURS.replace("[east, west]", "east"),
        "spec.placement.clusterAffinity.clusterNames", "WrongType",
        "must be a list, not the text 'east'.",
        id="text-for-a-list",
    ),
    pytest.param(
        OURS.replace("Directly", "Immediatly"),
        f"{APPLICATION}.purgeMode", "WrongValue",
        "must be one of Directly, Gracefully, Never, Immediately, Graciously, "
        "not the text 'Immediatly'. Did you mean Immediately?",
        id="misspelt-purge-mode",
    ),
    pytest.param(
        OURS.replace("120", "-1"),
        f"{APPLICATION}.decisionConditions.tolerationSeconds", "OutOfRange",
        "is -1, but must be a whole number from 0 to 2147483647.",
        id="negative-toleration",
    ),
    pytest.param(
        OURS.replace("120", "99999999999999999999"),
        f"{APPLICATION}.decisionConditions.tolerationSeconds", "OutOfRange",
        "is 99999999999999999999, but must be a whole number from 0 to 2147483647.",
        id="toleration-beyond-all-bounds",
    ),
    pytest.param(
        OURS.replace("Directly", "Directly\n      gracePeriodSeconds: 60"),
        f"{APPLICATION}.gracePeriodSeconds", "GraceWithoutGracefully",
        "has a meaning only with purgeMode: Gracefully, and purgeMode is Directly. Take it out.",
        id="grace-without-gracefully",
    ),
    pytest.param(
        OURS.replace("Directly", "Never\n      allowTwoCopies: true").replace(
            "Never", "Gracefully\n      gracePeriodSeconds: 0"
        ),
        f"{APPLICATION}.gracePeriodSeconds", "OutOfRange",
        "is 0, but must be a whole number from 1 to 2147483647.",
        id="no-grace",
    ),
    pytest.param(
        OURS + "        - {aliasLabelName: example.com/job, jsonPath: '{.other}'}\n",
        f"{APPLICATION}.statePreservation.rules[1].aliasLabelName", "DuplicateAlias",
        "'example.com/job' is the label of rule 0 already; each rule needs its own.",
        id="duplicate-alias",
    ),
    pytest.param(
        OURS.split("        rules:", maxsplit=1)[0] + "        rules: []\n",
        f"{APPLICATION}.statePreservation.rules", "EmptyRules",
        "is empty, so nothing is preserved; write a rule, or take statePreservation out.",
        id="empty-rules",
    ),
    pytest.param(
        OURS.replace("aliasLabelName: example.com/job, ", ""),
        f"{APPLICATION}.statePreservation.rules[0].aliasLabelName", "Missing", "is missing.",
        id="rule-without-alias",
    ),
    pytest.param(
        KARMADA.replace("  propagateDeps: true\n", ""),
        "spec.propagateDeps", "PropagateDepsNeeded",
        "must be true with spec.failover.application; Karmada's webhook demands it.",
        id="karmada-without-propagate-deps",
    ),
    pytest.param(
        OURS.replace("Selectors:\n  - {", "Selectors: []\n  # {"),
        "spec.resourceSelectors", "NoResourceSelectors",
        "is empty, so the policy means nothing; name at least one apiVersion and kind.",
        id="no-selectors",
    ),
    pytest.param(
        OURS.replace("kind: FlinkDeployment,", "kind: FlinkDeployment, namespace: bank,"),
        "spec.resourceSelectors[0].namespace", "OtherNamespace",
        "is 'bank', but the document's own namespace is 'shop'.",
        id="selector-of-another-namespace",
    ),
    pytest.param(
        OURS.replace("Directly", "Directly\n      budget: {maxFailovers: 0}"),
        f"{APPLICATION}.budget.maxFailovers", "OutOfRange",
        "is 0, but must be a whole number from 1 to 50; to be asked before each move, write "
        "mode: Confirm.",
        id="budget-of-nothing",
    ),
    pytest.param(
        OURS.replace("Directly", "Directly\n      budget: {windowSeconds: 0}"),
        f"{APPLICATION}.budget.windowSeconds", "OutOfRange",
        "is 0, but must be a whole number from 1 to 2147483647.",
        id="budget-without-a-window",
    ),
    pytest.param(
        OURS.replace("120}", "120, initialTolerationSeconds: -1}"),
        f"{APPLICATION}.decisionConditions.initialTolerationSeconds", "OutOfRange",
        "is -1, but must be a whole number from 0 to 2147483647.",
        id="initial-toleration-out-of-range",
    ),
    pytest.param(
        OURS.replace("Directly", "Directly\n      failback: {}"),
        f"{APPLICATION}.failback", "NotYet",
        "is not yet supported by this release: going back is a failover that a person starts. "
        "Take it out.",
        id="not-yet-failback",
    ),
    pytest.param(
        OURS.replace("Directly", "Directly\n      template: {from: Directory}"),
        f"{APPLICATION}.template.from", "NotYet",
        "'Directory' is not yet supported by this release; write Live.",
        id="not-yet-template",
    ),
    pytest.param(
        OURS.replace("/job, ", "/job, from: Secret, "),
        f"{APPLICATION}.statePreservation.rules[0].from", "NotYet",
        "'Secret' is not yet supported by this release; write Status.",
        id="not-yet-rule-source",
    ),
    pytest.param(
        OURS.replace("Directly", "Directly\n      approval: Required"),
        f"{APPLICATION}.approval", "UnknownField",
        "is not a field; to be asked first, write mode: Confirm.",
        id="approval-is-a-mode",
    ),
    pytest.param(
        OURS.replace("placement: {", "placement: {clusterAffinities: [{affinityName: a}], "),
        "spec.placement.clusterAffinities", "TwoAffinities",
        "cannot be together with clusterAffinity; write that one as the first group.",
        id="two-kinds-of-affinity",
    ),
    pytest.param(
        OURS.replace("v1alpha1\nkind", "v1\nkind"),
        "apiVersion", "WrongApiVersion",
        "is 'stateful-failover.dev/v1', but a FailoverPolicy is stateful-failover.dev/v1alpha1.",
        id="wrong-version",
    ),
    pytest.param(
        OURS.replace("kind: FailoverPolicy", "kind: FailoverPolice"),
        "kind", "UnknownKind",
        "stateful-failover.dev/v1alpha1 has no kind 'FailoverPolice'. Did you mean FailoverPolicy?",
        id="misspelt-kind",
    ),
    pytest.param(
        OURS.replace("{name: orders, namespace: shop}", "{namespace: shop}"),
        "metadata.name", "Missing", "is missing.",
        id="no-name",
    ),
    pytest.param("- 1\n", "", "NotAnObject",
        "the document is no Kubernetes object: it has no apiVersion and kind.",
        id="a-list",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "path", "reason", "message"), BAD)
def test_a_mistake_gets_one_clear_message(text: str, path: str, reason: str, message: str) -> None:
    """Each mistake is one error with the path of the field and how to mend it; nothing is used."""
    assert problems(text) == [("Error", path, reason, message)]
    assert read_policies(text, "policy.yaml").policies == ()


@pytest.mark.parametrize(
    "alias",
    ["-a", "a b", "Example.com/a", "a/b/c", "a" * 64, "''", "stateful-failover.dev/x"],
)
def test_an_illegal_label_key_is_found_when_the_policy_is_read(alias: str) -> None:
    """What Kubernetes would refuse as a label, or what is ours, never gets as far as a failover."""
    [found] = problems(OURS.replace("example.com/job", alias))
    path = f"{APPLICATION}.statePreservation.rules[0].aliasLabelName"
    assert found[:2] == ("Error", path)
    assert found[3].endswith(".")


def test_an_unparsable_path_names_its_column() -> None:
    """A template without its closing brace is found when the policy is read."""
    found = problems(OURS.replace("jobId}", "jobId"))
    assert [(each[0], each[1]) for each in found] == [
        ("Error", f"{APPLICATION}.statePreservation.rules[0].jsonPath")
    ]
    assert "column" in found[0][3]


WARNED = [
    pytest.param(
        "spec:", "spec:\n  suspension: {dispatching: true}", "spec.suspension", id="suspension"
    ),
    pytest.param(
        "spec:", "spec:\n  preserveResourcesOnDeletion: true", "spec.preserveResourcesOnDeletion",
        id="preserve-resources",
    ),
    pytest.param(
        "failover:", "failover:\n    cluster: {purgeMode: Directly}", "spec.failover.cluster",
        id="cluster-failover",
    ),
    pytest.param(
        "placement: {", "placement: {replicaScheduling: {replicaSchedulingType: Divided}, ",
        "spec.placement.replicaScheduling", id="divided",
    ),
    pytest.param(
        "placement: {", "placement: {spreadConstraints: [{spreadByField: cluster, maxGroups: 2}], ",
        "spec.placement.spreadConstraints[0].maxGroups", id="two-clusters",
    ),
    pytest.param("spec:", "spec:\n  brandNew: true", "spec.brandNew", id="a-newer-karmada"),
    pytest.param("Directly", "Gracefully", f"{APPLICATION}.purgeMode", id="two-writers"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "path"), WARNED)
def test_what_karmada_would_do_and_we_do_not_is_a_warning(
    before: str, after: str, path: str
) -> None:
    """Karmada's document is used all the same, and the difference is named."""
    reading = read_policies(KARMADA.replace(before, after, 1), "policy.yaml")
    assert [(each.severity, each.path) for each in reading.problems] == [("Warning", path)]
    assert len(reading.policies) == 1


def test_karmadas_own_defaults_are_no_news() -> None:
    """A policy as Karmada stores it, with what its webhook fills in, is read without a warning."""
    document = yaml.safe_load(KARMADA)
    document["metadata"] |= {"uid": "x", "managedFields": [], "resourceVersion": "1"}
    document["spec"] |= {"priority": 0, "preemption": "Never", "schedulerName": "default-scheduler"}
    document["spec"]["placement"]["clusterTolerations"] = [
        {"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30}
    ]
    assert read_policies(yaml.safe_dump(document), "policy.yaml").problems == ()


def test_our_field_in_a_karmada_document_prints_the_policy_to_write() -> None:
    """The error holds the equivalent FailoverPolicy, and that one can be used."""
    text = KARMADA.replace("Directly", "Directly\n      mode: Confirm")
    [(severity, path, reason, message)] = problems(text)
    assert (severity, path, reason) == ("Error", f"{APPLICATION}.mode", "BeyondKarmada")
    first, _, document = message.partition("\n")
    assert first == "mode: not of Karmada's PropagationPolicy. Write a FailoverPolicy instead:"
    assert only(read_policies(document, "copied.yaml")).active.mode == "Confirm"


def test_a_karmada_document_is_told_of_karmadas_fields_only() -> None:
    """What would be refused there is no advice; what nobody has yet is not cured by another kind of document."""
    text = KARMADA.replace("Directly", "Directly\n      frobnicate: 1\n      failback: {}")
    first, second = sorted(problems(text), key=lambda found: found[2])
    assert (first[1:3], second[1:3]) == (
        (f"{APPLICATION}.failback", "NotYet"),
        (f"{APPLICATION}.frobnicate", "UnknownField"),
    )
    _, _, fields = second[3].partition("There are: ")
    assert fields == "decisionConditions, gracePeriodSeconds, purgeMode, statePreservation."


def test_a_file_may_hold_workloads_and_lists_too() -> None:
    """Other kinds are passed over with a warning; lists are read item by item."""
    workload = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
    listed = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [yaml.safe_load(OURS)]})
    reading = read_policies(f"{workload}---\n{listed}---\n---\n{KARMADA}", "all.yaml")
    assert [policy.kind for policy in reading.policies] == ["FailoverPolicy", "PropagationPolicy"]
    assert reading.problems == (
        Problem(
            "Warning", "all.yaml", 0, 1, "kind", "NotAPolicy",
            "ConfigMap is no policy, and is passed over.",
        ),
    )  # fmt: skip


def test_a_policy_without_application_failover_is_inert() -> None:
    """It is read with a warning, and using it to start a failover is refused."""
    reading = read_policies(KARMADA.split("  failover:")[0], "policy.yaml")
    assert [(each.severity, each.path, each.reason) for each in reading.problems] == [
        ("Warning", "spec.failover", "Inert")
    ]
    with pytest.raises(InvalidInput, match="moves nothing"):
        _ = reading.policies[0].active


def test_a_policy_survives_its_way_through_json() -> None:
    """A policy in a workflow's input is read back equal, and newer fields are passed over."""
    policy = only(read_policies(OURS, "policy.yaml"))
    assert Policy.model_validate_json(policy.model_dump_json()) == policy
    newer = policy.model_dump(mode="json") | {"addedLater": 1}
    assert Policy.model_validate(newer) == policy


def test_a_problem_reads_like_a_compilers() -> None:
    """File, line, severity, path, message and reason stand on one line."""
    [problem] = read_policies("\n" + OURS.replace("120", "-1"), "orders.yaml").problems
    assert str(problem) == (
        "orders.yaml:2: error: spec.failover.application.decisionConditions.tolerationSeconds: "
        "is -1, but must be a whole number from 0 to 2147483647. [OutOfRange]"
    )


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    path=st.sampled_from(
        ["spec", "metadata", "spec.placement", "spec.failover", "spec.failover.application",
         "spec.resourceSelectors", "spec.placement.clusterAffinity",
         "spec.failover.application.statePreservation", "spec.failover.application.fencing"]
    ),
    value=_JSON,
)  # fmt: skip
def test_reading_never_raises(path: str, value: object) -> None:
    """Whatever stands in a field, reading ends in a policy or in an error."""
    document = yaml.safe_load(OURS)
    inner = document
    *parents, last = path.split(".")
    for step in parents:
        inner = inner[step]
    inner[last] = value
    reading = read_policies(yaml.safe_dump(document), "policy.yaml")
    assert bool(reading.policies) != bool(reading.errors)
