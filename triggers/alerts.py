"""What a call of Alertmanager's webhook says, and which applications it means. Nothing is asked of anybody here.

    body → Call → Meant: a target for each application, and what was left out and why

An alert is a hint where to look, never a verdict: what it says of an illness is shown to people and
decides nothing. So it may be repeated, late, forged by a label or wrong, and costs one look.

An application is named in one of two ways, the first that is there:

1. `failover_kind` and `failover_name`, as labels or annotations (with `failover_namespace`);
2. a label that stands for a kind, as `deployment: shop` does, with the label `namespace`.

Only what a policy may be about counts as an application, and a call that means more of them than
is allowed is refused as a whole: a rule that has lost its labels must not move a fleet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from failover.domain.errors import InvalidInput
from failover.domain.identity import ApplicationRef, GroupKind
from failover.domain.policy.matching import NoPolicy
from triggers.policies import PolicySet

APPLICATIONS_MAX = 50
VERSIONS = ("4", "1")
"""Alertmanager's, and that of Grafana, which sends the same fields."""

KINDS: Mapping[str, GroupKind] = {
    "deployment": GroupKind("apps", "Deployment"),
    "statefulset": GroupKind("apps", "StatefulSet"),
    "daemonset": GroupKind("apps", "DaemonSet"),
    "job_name": GroupKind("batch", "Job"),
}
"""The labels of kube-state-metrics. Its pods say nothing of an application; `job` is Prometheus' own label."""

CLUSTERS = ("cluster",)

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_PROBLEMS_SHOWN_MAX = 3
_SHOWN_LENGTH_MAX = 60


class MalformedCall(InvalidInput):
    """The body is not what Alertmanager or Grafana sends."""


class TooManyApplications(InvalidInput):
    """One call means more applications than one call may start."""


class _Sent(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


def _present(value: Any) -> Any:
    return {} if value is None else value


Texts = Annotated[dict[str, str], BeforeValidator(_present)]


class Alert(_Sent):
    """One alert of a call. Moments in it are not read: the clusters are, when it arrives."""

    status: Literal["firing", "resolved"]
    labels: Texts = Field(default_factory=dict[str, str])
    annotations: Texts = Field(default_factory=dict[str, str])
    fingerprint: str = ""

    @property
    def name(self) -> str:
        """How its rule is called."""
        return self.labels.get("alertname", "") or "unnamed"

    def said(self, key: str) -> str:
        """What it says under a name of ours, as a label or else as an annotation."""
        return self.labels.get(key, "") or self.annotations.get(key, "")


class Call(_Sent):
    """The body of a call."""

    version: Literal["4", "1"]
    receiver: str = ""
    truncated_alerts: int = Field(default=0, ge=0)
    """How many alerts of the group Alertmanager has left out (`max_alerts`)."""
    alerts: tuple[Alert, ...]


@dataclass(frozen=True)
class Naming:
    """What labels stand for."""

    kinds: Mapping[str, GroupKind] = field(default_factory=lambda: dict(KINDS))
    """Labels whose value is the name of an object of a kind."""
    clusters: tuple[str, ...] = CLUSTERS
    """Labels whose value is the name of a cluster, after `failover_cluster`."""


@dataclass(frozen=True)
class Target:
    """An application that somebody has to look at, and the first alert that said so."""

    application: ApplicationRef
    cluster: str
    """Where it is said to be; empty: wherever it lives."""
    alert: Alert

    @property
    def firing(self) -> bool:
        """Whether a failover may begin; else one that is under way looks again."""
        return self.alert.status == "firing"


@dataclass(frozen=True)
class Unmatched:
    """An alert that nothing follows from, and why."""

    alert: Alert
    reason: str
    message: str


@dataclass(frozen=True)
class Meant:
    """All that follows from a call."""

    targets: tuple[Target, ...]
    unmatched: tuple[Unmatched, ...]


def naming_of(kinds: Iterable[str], clusters: Iterable[str]) -> Naming:
    """The usual names with those that a person adds as `LABEL=KIND`. Raises `InvalidInput`."""
    added: dict[str, GroupKind] = {}
    for each in kinds:
        label, _, word = each.partition("=")
        kind, _, group = word.partition(".")
        if not label or not kind:
            message = (
                f"--label {each}: write LABEL=KIND.GROUP, as app=FlinkDeployment.flink.apache.org"
            )
            raise InvalidInput(message)
        added[label] = GroupKind(group, kind)
    return Naming({**KINDS, **added}, tuple(clusters) or CLUSTERS)


def read_call(body: bytes) -> Call:
    """The call. Raises `MalformedCall`, which says what is wrong and repeats nothing of the body."""
    try:
        return Call.model_validate_json(body)
    except ValidationError as error:
        raise MalformedCall(_told(error)) from error


def meant_by(
    call: Call, policies: PolicySet, naming: Naming, *, applications_max: int = APPLICATIONS_MAX
) -> Meant:
    """Which applications the call means. Raises `TooManyApplications`."""
    targets: dict[tuple[ApplicationRef, str], Target] = {}
    unmatched: list[Unmatched] = []
    known: set[str] = set()
    # Firing first: where one alert of an application fires, another one's end changes nothing.
    for alert in sorted(call.alerts, key=lambda each: each.status):
        named = _applications(alert, policies, naming)
        if isinstance(named, Unmatched):
            unmatched.append(named)
            continue
        cluster = _cluster(alert, naming) if alert.status == "firing" else ""
        for each in named:
            if alert.status == "firing" or each.key not in known:
                targets.setdefault((each, cluster), Target(each, cluster, alert))
                known.add(each.key)
    _check_number(len(known), applications_max)
    return Meant(tuple(targets.values()), tuple(unmatched))


def _check_number(number: int, applications_max: int) -> None:
    if number > applications_max:
        message = (
            f"the call means {number} applications, more than the {applications_max} that one call may: nothing was "
            "started; group alerts more finely (group_by), or allow more with --max-applications"
        )
        raise TooManyApplications(message)


def _applications(
    alert: Alert, policies: PolicySet, naming: Naming
) -> tuple[ApplicationRef, ...] | Unmatched:
    named = _named(alert, policies, naming)
    if isinstance(named, Unmatched):
        return named
    for each in named:
        if not _NAME.fullmatch(each.name) or not _NAMESPACE.fullmatch(each.namespace or "x"):
            shown = f"{each.namespace}/{each.name}"[:_SHOWN_LENGTH_MAX]
            return Unmatched(alert, "InvalidName", f"{shown!r} is no name of an object")
    covered = tuple(each for each in named if policies.may_be_about(each))
    return covered or Unmatched(alert, NoPolicy.reason, NoPolicy(named[0]).message)


def _named(
    alert: Alert, policies: PolicySet, naming: Naming
) -> tuple[ApplicationRef, ...] | Unmatched:
    """The applications that it names, one at least."""
    namespace = alert.said("failover_namespace") or alert.labels.get("namespace", "")
    word, name = alert.said("failover_kind"), alert.said("failover_name")
    if word and name:
        kind = _kind(alert, word, policies)
        return kind if isinstance(kind, Unmatched) else (_application(kind, namespace, name),)
    if word or name:
        message = "failover_kind and failover_name name an application together; one is missing"
        return Unmatched(alert, "NamesNoApplication", message)
    found = tuple(
        _application(kind, namespace, alert.labels[label])
        for label, kind in naming.kinds.items()
        if alert.labels.get(label)
    )
    if not found:
        known = ", ".join(naming.kinds)
        message = f"it has neither failover_kind with failover_name nor one of the labels {known}"
        return Unmatched(alert, "NamesNoApplication", message)
    if not namespace:
        return Unmatched(alert, "NamesNoApplication", "it has no label namespace")
    return found


def _kind(alert: Alert, word: str, policies: PolicySet) -> GroupKind | Unmatched:
    """The kind that a word means, among those that policies are about."""
    lower = word.lower()
    found = sorted(
        each for each in policies.kinds if lower in {each.kind.lower(), str(each).lower()}
    )
    if len(found) == 1:
        return found[0]
    shown = word[:_SHOWN_LENGTH_MAX]
    if not found:
        return Unmatched(alert, NoPolicy.reason, f"no policy is about the kind {shown!r}")
    names = " or ".join(map(str, found))
    return Unmatched(alert, "AmbiguousKind", f"{shown!r} is not one kind; write {names}")


def _application(kind: GroupKind, namespace: str, name: str) -> ApplicationRef:
    return ApplicationRef(group=kind.group, kind=kind.kind, namespace=namespace, name=name)


def _cluster(alert: Alert, naming: Naming) -> str:
    labels = (alert.labels.get(each, "") for each in naming.clusters)
    return alert.said("failover_cluster") or next(filter(None, labels), "")


def _told(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    told = "; ".join(
        f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}"
        for each in problems[:_PROBLEMS_SHOWN_MAX]
    )
    return f"this is no call of Alertmanager's webhook (version 4) or of Grafana's: {told}"
