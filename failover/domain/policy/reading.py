"""Policy files: text in, policies, overrides, health rules and problems out. Nothing is raised.

A document with an error is not used; one with warnings is. Documents of other kinds are passed over
with a warning, since a directory of policies often holds the workloads as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from failover.domain.documents import Document, Flaw, read_documents
from failover.domain.overrides.checks import check_override
from failover.domain.overrides.model import Override
from failover.domain.policy.checks import check
from failover.domain.policy.fields import nearest, unknown_fields, without_nulls
from failover.domain.policy.karmada import is_beyond_karmada, is_handled, special_findings
from failover.domain.policy.model import API_VERSION, KARMADA_API_VERSION, Policy
from failover.domain.policy.problems import Finding, Problem, error, warning
from failover.domain.policy.wording import findings_of
from failover.domain.rules.checks import check_rule
from failover.domain.rules.model import HealthRule

_POLICY_KINDS = {
    "FailoverPolicy": API_VERSION,
    "PropagationPolicy": KARMADA_API_VERSION,
    "ClusterPropagationPolicy": KARMADA_API_VERSION,
}
_OVERRIDE_KINDS = {
    "OverridePolicy": KARMADA_API_VERSION,
    "ClusterOverridePolicy": KARMADA_API_VERSION,
}
_RULE_KINDS = {"HealthRule": API_VERSION}
_NO_POLICIES = {"Receivers": API_VERSION}
"""Ours, and read elsewhere: who is called has nothing to do with what moves."""
_KINDS = _POLICY_KINDS | _OVERRIDE_KINDS | _RULE_KINDS | _NO_POLICIES
_T = TypeVar("_T")
NOT_A_POLICY = "NotAPolicy"
_TOP_FIELDS = ("apiVersion", "kind", "metadata", "spec", "status")


@dataclass(frozen=True)
class Reading:
    """What files held."""

    policies: tuple[Policy, ...] = ()
    overrides: tuple[Override, ...] = ()
    problems: tuple[Problem, ...] = ()
    rules: tuple[HealthRule, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep a document from being used."""
        return tuple(each for each in self.problems if each.severity == "Error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that do not."""
        return tuple(each for each in self.problems if each.severity == "Warning")

    def __add__(self, other: Reading) -> Reading:
        return Reading(
            self.policies + other.policies,
            self.overrides + other.overrides,
            self.problems + other.problems,
            self.rules + other.rules,
        )


def read_policies(text: str, origin: str) -> Reading:
    """The policies and overrides of one file, and all that is wrong with it."""
    reading = Reading()
    for found in read_documents(text):
        if isinstance(found, Flaw):
            flaw = Problem(
                "Error", origin, found.index, found.line, "", found.reason, found.message
            )
            reading += Reading(problems=(flaw,))
            continue
        for content, prefix in _objects(found):
            value, findings = read_document(content)
            problems = tuple(_located(each, origin, found, prefix) for each in findings)
            policies = (value,) if isinstance(value, Policy) else ()
            overrides = (value,) if isinstance(value, Override) else ()
            rules = (value,) if isinstance(value, HealthRule) else ()
            reading += Reading(policies, overrides, problems, rules)
    return reading


def read_document(
    content: object,
) -> tuple[Policy | Override | HealthRule | None, tuple[Finding, ...]]:
    """One document: what it says, if it can be used, and what is found in it."""
    identity = _check_identity(content)
    if identity is not None:
        return None, (identity,)
    document = cast("dict[str, Any]", content)
    kind = str(document["kind"])
    if kind in _NO_POLICIES:
        return None, (warning("kind", NOT_A_POLICY, f"{kind} is no policy, and is passed over."),)
    if kind in _RULE_KINDS:
        return _read_rule(document)
    return _read_policy(document) if kind in _POLICY_KINDS else _read_override(document)


def _read_policy(document: dict[str, Any]) -> tuple[Policy | None, tuple[Finding, ...]]:
    document = cast("dict[str, Any]", without_nulls(document))
    karmada = document["kind"] != "FailoverPolicy"
    findings = [
        *_check_top(document),
        *special_findings(document, karmada=karmada),
        *_check_unknown(Policy, document, strict=not karmada),
    ]
    body = _as_karmada_means(_body(document)) if karmada else _body(document)
    try:
        policy = Policy.model_validate_json(json.dumps(body), strict=True)
    except ValidationError as failure:
        return None, _with_failure(findings, failure)
    misread = any(each.severity == "Error" for each in findings)
    # Of a document that was not read as it was meant, the warnings would mislead.
    findings += [each for each in check(policy) if each.severity == "Error" or not misread]
    return _unless_wrong(policy, findings)


def _as_karmada_means(body: dict[str, Any]) -> dict[str, Any]:
    """With no cool-down, which Karmada does not have: between two moves lies the toleration that it says."""
    match body:
        case {"spec": {"failover": {"application": {**application}}}} if (
            "budget" not in application
        ):
            paced = {**application, "budget": {"coolDownSeconds": 0}}
            failover = {**body["spec"]["failover"], "application": paced}
            return {**body, "spec": {**body["spec"], "failover": failover}}
        case _:
            return body


def _read_override(document: dict[str, Any]) -> tuple[Override | None, tuple[Finding, ...]]:
    document = cast("dict[str, Any]", without_nulls(document, keep="value"))
    findings = [*_check_top(document), *_check_unknown(Override, document, strict=True)]
    try:
        override = Override.model_validate_json(json.dumps(_body(document)), strict=True)
    except ValidationError as failure:
        return None, _with_failure(findings, failure)
    findings += check_override(override)
    return _unless_wrong(override, findings)


def _read_rule(document: dict[str, Any]) -> tuple[HealthRule | None, tuple[Finding, ...]]:
    document = cast("dict[str, Any]", without_nulls(document))
    findings = [*_check_top(document), *_check_unknown(HealthRule, document, strict=True)]
    try:
        rule = HealthRule.model_validate_json(json.dumps(_body(document)), strict=True)
    except ValidationError as failure:
        return None, _with_failure(findings, failure)
    findings += check_rule(rule)
    return _unless_wrong(rule, findings)


def _unless_wrong(value: _T, findings: list[Finding]) -> tuple[_T | None, tuple[Finding, ...]]:
    wrong = any(each.severity == "Error" for each in findings)
    return (None if wrong else value), tuple(findings)


def _with_failure(findings: list[Finding], failure: ValidationError) -> tuple[Finding, ...]:
    """The findings, and those of the failure where nothing better is said of the same place."""
    said = {each.path for each in findings if each.severity == "Error"}
    return (*findings, *(each for each in findings_of(failure) if each.path not in said))


def _objects(document: Document) -> Iterator[tuple[object, str]]:
    """The objects of a document: itself, or the items of a list as kubectl prints it."""
    content = document.content
    if isinstance(content, dict):
        values = cast("dict[str, object]", content)
        items = values.get("items")
        if str(values.get("kind", "")).endswith("List") and isinstance(items, list):
            for index, each in enumerate(cast("list[object]", items)):
                yield each, f"items[{index}]."
            return
    yield content, ""


def _located(finding: Finding, origin: str, document: Document, prefix: str) -> Problem:
    path = f"{prefix}{finding.path}".rstrip(".")
    return Problem(
        finding.severity,
        origin,
        document.index,
        document.line,
        path,
        finding.reason,
        finding.message,
    )


def _check_identity(content: object) -> Finding | None:
    """What keeps a document from being read as a policy at all."""
    if not isinstance(content, dict):
        return error(
            "",
            "NotAnObject",
            "the document is no Kubernetes object: it has no apiVersion and kind.",
        )
    document = cast("dict[str, object]", content)
    kind, version = document.get("kind"), document.get("apiVersion")
    if not isinstance(kind, str) or not kind:
        return error("kind", "Missing", "is missing, as in FailoverPolicy.")
    if kind in _KINDS and version != _KINDS[kind]:
        shown = f"is {version!r}" if version else "is missing"
        return error("apiVersion", "WrongApiVersion", f"{shown}, but a {kind} is {_KINDS[kind]}.")
    if kind not in _KINDS:
        return _other_kind(kind, str(version or ""))
    return None


def _other_kind(kind: str, version: str) -> Finding:
    ours = version.partition("/")[0] == API_VERSION.partition("/")[0]
    meant = nearest(kind, tuple(_KINDS))
    if ours or (
        meant is not None and version == KARMADA_API_VERSION and kind.lower() == meant.lower()
    ):
        hint = f" Did you mean {meant}?" if meant else " It has FailoverPolicy and HealthRule."
        return error("kind", "UnknownKind", f"{version} has no kind {kind!r}.{hint}")
    return warning("kind", NOT_A_POLICY, f"{kind} is no policy, and is passed over.")


def _check_top(document: dict[str, Any]) -> Iterator[Finding]:
    for name in document:
        if name not in _TOP_FIELDS:
            yield _unknown(name, name, _TOP_FIELDS[:4], strict=True)
    metadata = document.get("metadata")
    if not isinstance(metadata, dict):
        yield error("metadata", "Missing", "is missing; it holds the name of the document.")
        return
    values = cast("dict[str, object]", metadata)
    if not values.get("name"):
        yield error("metadata.name", "Missing", "is missing.")
    if "spec" not in document:
        yield error("spec", "Missing", "is missing; it holds all that the document says.")


def _check_unknown(
    model: type[Policy | Override | HealthRule], document: dict[str, Any], *, strict: bool
) -> Iterator[Finding]:
    spec = {"spec": document.get("spec")}
    for path, name, fields in unknown_fields(model, spec, ""):
        if is_handled(path):
            continue
        place = path.rpartition(".")[0]
        # What only our documents have is no advice for one of Karmada's.
        known = tuple(each for each in fields if strict or not is_beyond_karmada(f"{place}.{each}"))
        yield _unknown(path, name, known, strict=strict or path.startswith("spec.failover."))


def _unknown(path: str, name: str, known: tuple[str, ...], *, strict: bool) -> Finding:
    """An unknown field: an error, except for what a newer Karmada may have."""
    meant = nearest(name, known)
    if meant:
        return error(path, "UnknownField", f"is not a field. Did you mean {meant}?")
    fields = ", ".join(sorted(known))
    if strict:
        return error(path, "UnknownField", f"is not a field. There are: {fields}.")
    return warning(
        path, "UnknownField", f"is not known here, and is passed over. There are: {fields}."
    )


def _body(document: dict[str, Any]) -> dict[str, Any]:
    metadata = document.get("metadata")
    names = cast("dict[str, Any]", metadata) if isinstance(metadata, dict) else {}
    body = {"apiVersion": document.get("apiVersion"), "kind": document.get("kind")}
    body |= {key: names[key] for key in ("name", "namespace") if key in names}
    return body | ({"spec": document["spec"]} if "spec" in document else {})
