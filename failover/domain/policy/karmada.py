"""Where our fields end and Karmada's begin, and what of Karmada's is not used here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

import yaml

from failover.domain.policy.fields import look_up
from failover.domain.policy.model import API_VERSION
from failover.domain.policy.problems import Finding, error, warning

_APPLICATION = "spec.failover.application"
_RULE = f"{_APPLICATION}.statePreservation.rules[]"

BEYOND_KARMADA = (
    "spec.placement.capacity",
    f"{_APPLICATION}.decisionConditions.onUnknown",
    f"{_APPLICATION}.decisionConditions.initialTolerationSeconds",
    f"{_APPLICATION}.mode",
    f"{_APPLICATION}.fencing",
    f"{_APPLICATION}.settleSeconds",
    f"{_APPLICATION}.verification",
    f"{_APPLICATION}.budget",
    f"{_APPLICATION}.allowManagers",
    f"{_APPLICATION}.allowTwoCopies",
    f"{_APPLICATION}.allowEmptyVolumes",
    f"{_APPLICATION}.template",
    f"{_APPLICATION}.approval",
    f"{_APPLICATION}.failback",
    f"{_APPLICATION}.priority",
    f"{_APPLICATION}.labelLifetime",
    f"{_APPLICATION}.statePreservation.goodAfterSeconds",
    f"{_RULE}.from",
    f"{_RULE}.onMissing",
    f"{_RULE}.as",
)
"""Fields that `FailoverPolicy` has and Karmada's documents have not."""

NOT_YET = {
    f"{_APPLICATION}.failback": "going back is a failover that a person starts",
    f"{_APPLICATION}.priority": "failovers start in the order in which they are found",
}
"""Fields that a later release will have, and what holds until then."""

_SUPPORTED_VALUES = {
    f"{_APPLICATION}.template.from": "Live",
    f"{_APPLICATION}.labelLifetime": "UntilHealthy",
    f"{_APPLICATION}.fencing.require": "ConfirmedGone",
    f"{_RULE}.from": "Status",
    f"{_RULE}.as": "Label",
}
"""Fields of which only one value is supported so far."""

_HARMLESS: dict[str, tuple[object, ...]] = {
    "spec.association": (False,),
    "spec.preemption": ("Never",),
    "spec.schedulerName": ("", "default-scheduler"),
    "spec.activationPreference": ("",),
    "spec.dependentOverrides": ([],),
    "spec.schedulePriority": (),
    "spec.suspension": ({},),
    "spec.preserveResourcesOnDeletion": (False,),
    "spec.failover.cluster": (),
    "spec.placement.workloadAffinity": ({},),
    "spec.placement.clusterAffinities[].overflowAffinities": ([],),
    "spec.placement.replicaScheduling.weightPreference": (),
}
_EFFECTS = {
    "spec.association": "is Karmada's old name; write propagateDeps instead.",
    "spec.preemption": "is not used: which policy means an application is looked up each time.",
    "spec.schedulerName": "is not used: the engine chooses the target itself.",
    "spec.activationPreference": "is not used: a changed policy counts from the next failover on.",
    "spec.dependentOverrides": "is not used: give the override documents together with the policy.",
    "spec.suspension": "does not suspend failover; `failover pause` does.",
    "spec.preserveResourcesOnDeletion": (
        "is not used: purgeMode alone says what becomes of the old copy, and Directly deletes it."
    ),
    "spec.failover.cluster": "is not used: an application is moved when it is unhealthy itself.",
    "spec.placement.workloadAffinity": "is not used to choose a target.",
    "spec.placement.clusterAffinities[].overflowAffinities": (
        "is not used; write the overflow clusters as a further group of clusterAffinities."
    ),
}
UNUSED = frozenset(_HARMLESS)
"""Karmada's fields that are read and not used."""

_CURED_BY_CONFIRM = f"{_APPLICATION}.approval"


def general(path: str) -> str:
    """A path with its list indexes left out."""
    return re.sub(r"\[\d+\]", "[]", path)


def special_findings(content: object, *, karmada: bool) -> Iterator[Finding]:
    """What a document says that is not supported yet, not used, or not Karmada's."""
    present = list(_paths(content, ""))
    beyond = (path for path, _ in present if is_beyond_karmada(path))
    foreign = [path for path in beyond if general(path) not in NOT_YET]
    if karmada and foreign:
        yield _not_karmadas(foreign, content)
    for path, value in present:
        place = general(path)
        if place in NOT_YET:
            message = f"is not yet supported by this release: {NOT_YET[place]}. Take it out."
            yield error(path, "NotYet", message)
        elif place == _CURED_BY_CONFIRM:
            yield error(
                path, "UnknownField", "is not a field; to be asked first, write mode: Confirm."
            )
        elif (
            place in _SUPPORTED_VALUES
            and isinstance(value, str)
            and value != _SUPPORTED_VALUES[place]
        ):
            message = (
                f"{value!r} is not yet supported by this release; write {_SUPPORTED_VALUES[place]}."
            )
            yield error(path, "NotYet", message)
        elif place in _EFFECTS and value is not None and value not in _HARMLESS[place]:
            yield warning(path, "NotUsed", _EFFECTS[place])


def is_beyond_karmada(path: str) -> bool:
    """Whether only our own documents have this field."""
    return general(path) in BEYOND_KARMADA


def is_handled(path: str) -> bool:
    """Whether an unknown field is spoken of by `special_findings`, or is known to be harmless."""
    place = general(path)
    return place in UNUSED or place in NOT_YET or place == _CURED_BY_CONFIRM


def equivalent(content: object) -> str:
    """The FailoverPolicy that says what this document says."""
    metadata = look_up(content, "metadata")
    kept = {"name", "namespace"}
    names = {
        key: value for key, value in cast("dict[str, Any]", metadata or {}).items() if key in kept
    }
    spec = look_up(content, "spec")
    document = {
        "apiVersion": API_VERSION,
        "kind": "FailoverPolicy",
        "metadata": names,
        "spec": spec,
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def _not_karmadas(paths: list[str], content: object) -> Finding:
    names = ", ".join(dict.fromkeys(general(path).rpartition(".")[2] for path in paths))
    kind = look_up(content, "kind")
    message = (
        f"{names}: not of Karmada's {kind}. Write a FailoverPolicy instead:\n{equivalent(content)}"
    )
    return error(paths[0], "BeyondKarmada", message)


def _paths(content: object, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(content, dict):
        for name, value in cast("dict[str, object]", content).items():
            here = f"{path}.{name}" if path else name
            yield here, value
            yield from _paths(value, here)
    elif isinstance(content, list):
        for index, each in enumerate(cast("list[object]", content)):
            yield from _paths(each, f"{path}[{index}]")
