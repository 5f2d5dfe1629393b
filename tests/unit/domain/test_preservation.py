"""Capturing state by a policy's rules, and what labels can hold."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from failover.domain.errors import (
    FailoverError,
    IllegalLabelKey,
    IllegalLabelValue,
    ReservedAlias,
    StateNotCaptured,
)
from failover.domain.preservation import (
    PreservationRule,
    capture,
    capture_text,
    validate_alias,
    validate_label_key,
    validate_label_value,
)

FLINK: dict[str, Any] = {
    "kind": "FlinkDeployment",
    "metadata": {"name": "orders"},
    "status": {
        "jobStatus": {"jobId": "fd72014d", "state": "RUNNING", "savepoint": "s3://bucket/sp-1"},
        "restarts": 1_000_000,
        "note": "x" * 100,
    },
}
JOB_ID = PreservationRule(alias_label_name="example.com/job-id", json_path="{ .jobStatus.jobId }")


def _rule(path: str, alias: str = "alias", **more: Any) -> PreservationRule:
    return PreservationRule(alias_label_name=alias, json_path=path, **more)


def _failure(rule: PreservationRule, manifest: dict[str, Any] = FLINK) -> FailoverError:
    with pytest.raises(StateNotCaptured) as caught:
        capture([rule], manifest)
    ((alias, error),) = caught.value.failures
    assert alias == rule.alias_label_name
    assert caught.value.reason == error.reason
    return error


def test_a_rule_is_read_as_karmada_writes_it() -> None:
    """Karmada's two fields suffice; our own have its behaviour as their defaults."""
    rule = PreservationRule.model_validate({"aliasLabelName": "a", "jsonPath": "{.b}"})
    assert rule == _rule("{.b}", "a", from_="Status", on_missing="Fail", as_="Label")
    ours = {
        "aliasLabelName": "a",
        "jsonPath": "{.b}",
        "from": "Status",
        "onMissing": "Skip",
        "as": "Label",
    }
    assert PreservationRule.model_validate(ours).model_dump(by_alias=True) == ours


@pytest.mark.parametrize(
    "field",
    [{"onMissing": "Default"}, {"from": "Spec"}, {"as": "Annotation"}, {"jsonPath": 5}],
    ids=lambda field: next(iter(field)),
)
def test_a_rule_refuses_what_it_does_not_know(field: dict[str, Any]) -> None:
    """A value outside of a field's choices is not a rule."""
    with pytest.raises(ValidationError):
        PreservationRule.model_validate({"aliasLabelName": "a", "jsonPath": "{.b}"} | field)


@pytest.mark.parametrize(
    ("rules", "labels"),
    [
        pytest.param({}, {}, id="no rules"),
        pytest.param(
            {"key-a": "{ .replicas }", "key-b": "{ .health }"},
            {"key-a": "2", "key-b": "true"},
            id="number and boolean",
        ),
        pytest.param({"failover": "true"}, {"failover": "true"}, id="constant"),
        pytest.param({"k": "r-{.replicas}"}, {"k": "r-2"}, id="text around"),
        pytest.param({"k": "{.list[?(@.no)]}"}, {"k": ""}, id="nothing selected"),
        pytest.param({"k": "{.big}"}, {"k": "1734462491693"}, id="large integer"),
    ],
)
def test_each_rule_gives_its_label(rules: dict[str, str], labels: dict[str, str]) -> None:
    """Values are as kubectl prints them."""
    status = {"replicas": 2, "health": True, "list": [{"yes": 1}], "big": 1734462491693}
    captured = capture([_rule(path, alias) for alias, path in rules.items()], {"status": status})
    assert captured == labels


@pytest.mark.parametrize(
    ("rule", "reason", "message"),
    [
        pytest.param(
            _rule("{ .jobStatus.jobID }"),
            "MissingKey",
            ".status.jobStatus has the keys jobId",
            id="missing",
        ),
        pytest.param(_rule("{ %health }"), "UnparsablePath", "'%'", id="unparsable"),
        pytest.param(_rule("{ .jobStatus[0] }"), "PathMismatch", "needs a list", id="mismatch"),
        pytest.param(
            _rule("{.jobStatus.savepoint}"), "IllegalLabelValue", "':' at position 3", id="uri"
        ),
        pytest.param(
            _rule("{.note}"), "IllegalLabelValue", "has 100 characters, 63 are allowed", id="long"
        ),
        pytest.param(_rule("{.restarts} x"), "IllegalLabelValue", "' ' at position 8", id="space"),
        pytest.param(_rule("-{.restarts}"), "IllegalLabelValue", "must begin and end", id="edge"),
        pytest.param(
            _rule("{.restarts}", "-bad"), "IllegalLabelKey", "must begin and end", id="key"
        ),
        pytest.param(
            _rule("1", "stateful-failover.dev/state"), "ReservedAlias", "this engine", id="ours"
        ),
        pytest.param(
            _rule("1", "work.karmada.io/permanent-id"), "ReservedAlias", "Karmada", id="karmada"
        ),
    ],
)
def test_a_rule_that_fails_says_why(rule: PreservationRule, reason: str, message: str) -> None:
    """Each failure has its reason, and a message that tells what to put right."""
    error = _failure(rule)
    assert error.reason == reason
    assert message in error.message


@pytest.mark.parametrize("manifest", [{}, {"status": None}], ids=["no status", "null status"])
def test_an_object_without_status_is_an_error(manifest: dict[str, Any]) -> None:
    """An application that never reported has no state to take along, and that is said."""
    error = _failure(JOB_ID, manifest)
    assert error.reason == "MissingKey"
    assert error.message.endswith("the object has no status yet")


def test_a_constant_needs_no_status() -> None:
    """A label that only says "this is a failover" can always be had."""
    assert capture([_rule("true", "is-failover")], {}) == {"is-failover": "true"}


def test_an_empty_status_is_searched() -> None:
    """An empty status is a status."""
    assert "is an empty map" in _failure(JOB_ID, {"status": {}}).message


@pytest.mark.parametrize("manifest", [FLINK, {}], ids=["key missing", "status missing"])
def test_skip_leaves_a_missing_label_out(manifest: dict[str, Any]) -> None:
    """`onMissing: Skip` captures the rest."""
    rules = [_rule("{.nope}", on_missing="Skip"), _rule("fixed", "other")]
    assert capture(rules, manifest) == {"other": "fixed"}


def test_skip_forgives_nothing_else() -> None:
    """A value that no label can hold is an error also where a missing one is not."""
    assert _failure(_rule("{.note}", on_missing="Skip")).reason == "IllegalLabelValue"
    assert _failure(_rule("{.jobStatus[0]}", on_missing="Skip")).reason == "PathMismatch"


def test_all_failures_are_reported_together() -> None:
    """Whoever mends a policy sees everything that is wrong with it at once."""
    rules = [_rule("{.nope}", "a"), JOB_ID, _rule("{.note}", "b"), _rule("{", "c")]
    with pytest.raises(StateNotCaptured) as caught:
        capture(rules, FLINK)
    assert [alias for alias, _ in caught.value.failures] == ["a", "b", "c"]
    assert caught.value.reason == "StateNotCaptured"
    message = caught.value.message
    assert message.startswith("3 of 4 preservation rules gave no usable state: a: ")
    assert all(word in message for word in ("{.nope}", "; b: ", "; c: "))


def test_many_failures_are_all_named_within_the_bound() -> None:
    """Long messages are cut so that every rule still has a share."""
    with pytest.raises(StateNotCaptured) as caught:
        capture([_rule("{.nope}", f"label-{i}") for i in range(12)], FLINK)
    assert all(f"label-{i}: " in caught.value.message for i in range(12))
    assert len(caught.value.message) <= 1024


def test_two_rules_for_one_label_are_both_refused() -> None:
    """Neither of two rules silently wins."""
    with pytest.raises(StateNotCaptured) as caught:
        capture([JOB_ID, JOB_ID], FLINK)
    assert caught.value.reason == "DuplicateAlias"


def test_long_values_are_shown_shortened() -> None:
    """An error shows the beginning of a value that is too long."""
    with pytest.raises(IllegalLabelValue) as caught:
        validate_label_value("y" * 5000)
    assert "y" * 80 + "…" in caught.value.message
    assert "y" * 81 not in caught.value.message


@pytest.mark.parametrize(
    "key", ["a", "A.b_c-9", "x" * 63, "example.com/a", "a-b.c9/x", ("a" * 63 + ".") * 3 + "abc/x"]
)
def test_legal_keys_are_taken(key: str) -> None:
    """What Kubernetes takes, we take."""
    validate_label_key(key)
    validate_alias(key)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "-a",
        "a-",
        "a b",
        "x" * 64,
        "/a",
        "a/",
        "a/b/c",
        "Example.com/a",
        "a..b/c",
        "-a/b",
        "a_b/c",
        "a" * 254 + "/x",
        "é",
        "a\n",
    ],
)
def test_illegal_keys_are_refused(key: str) -> None:
    """What Kubernetes refuses, we refuse before it does."""
    with pytest.raises(IllegalLabelKey):
        validate_label_key(key)


@pytest.mark.parametrize(
    "key",
    [
        "stateful-failover.dev/anything",
        "resourcebinding.karmada.io/permanent-id",
        "clusterresourcebinding.karmada.io/permanent-id",
        "work.karmada.io/permanent-id",
        "propagationpolicy.karmada.io/permanent-id",
        "clusterpropagationpolicy.karmada.io/permanent-id",
    ],
)
def test_reserved_keys_are_refused(key: str) -> None:
    """A rule cannot overwrite what an engine finds its own objects by."""
    with pytest.raises(ReservedAlias):
        validate_alias(key)


def test_karmadas_own_alias_is_not_reserved() -> None:
    """The label of Karmada's Flink example is a policy's to write."""
    validate_alias("resourcebinding.karmada.io/failover-jobid")


@given(st.text(max_size=70))
def test_values_are_judged_as_kubernetes_does(value: str) -> None:
    """Legal is exactly what the API server's own expression and length allow."""
    legal = len(value) <= 63 and re.fullmatch(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?", value)
    if legal:
        validate_label_value(value)
    else:
        with pytest.raises(IllegalLabelValue):
            validate_label_value(value)


@given(st.one_of(st.text(max_size=70), st.integers(), st.floats(allow_nan=False), st.none()))
def test_captured_state_is_always_legal(value: object) -> None:
    """No captured label is one that an API server would refuse."""
    try:
        labels = capture([_rule("{.v}")], {"status": {"v": value}})
    except StateNotCaptured:
        return
    validate_label_value(labels["alias"])


def test_a_template_for_the_command_line_sees_the_whole_object() -> None:
    """There the template is applied to the object, not to its status."""
    assert capture_text("{.kind}/{.metadata.name} {.status.jobStatus.jobId}", FLINK) == (
        "FlinkDeployment/orders fd72014d"
    )
