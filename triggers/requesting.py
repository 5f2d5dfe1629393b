"""What a failover is asked for with, whoever noticed that one is needed."""

from __future__ import annotations

from dataclasses import dataclass

from failover.domain.application import ApplicationView
from failover.domain.errors import DefiniteError
from failover.domain.identity import ApplicationRef
from failover.domain.manifest import Manifest, labels_of, uid_of
from failover.domain.policy import Policy
from failover.domain.request import FailoverRequest, Limits, Trigger
from triggers.policies import PolicySet


class NotStarted(DefiniteError):
    """The protection of the application says that nothing is started by itself."""


@dataclass(frozen=True)
class Manner:
    """How a trigger has failovers done."""

    limits: Limits
    observe: bool = False
    """Tolerate and plan only, whatever the policies say."""


@dataclass(frozen=True)
class Found:
    """An application where it was seen."""

    application: ApplicationRef
    cluster: str
    manifest: Manifest


def request_about(
    found: Found, policy: Policy, policies: PolicySet, trigger: Trigger, manner: Manner
) -> FailoverRequest:
    """The request to move what was found as its policy says."""
    application = found.application
    rule = policies.rule_of(application.group_kind)
    mode = policy.mode_of(application.group_kind, own_rule=rule is not None)
    return FailoverRequest(
        application=application,
        source=found.cluster,
        source_uid=uid_of(found.manifest),
        policy=policy,
        overrides=policies.overrides_of(application, labels_of(found.manifest)),
        health_rule=rule,
        trigger=trigger,
        observe_only=manner.observe or mode == "Observe",
        limits=manner.limits,
    )


def on_terms(request: FailoverRequest, view: ApplicationView) -> FailoverRequest:
    """The request as the protection of the application has it. Raises `NotStarted` where it may not be."""
    if not view.starts:
        raise NotStarted(f"{view.application}: {view.message}", reason=view.phase.value)
    declaration = view.declaration
    return request.model_copy(
        update={
            "policy": declaration.policy,
            "overrides": declaration.overrides,
            "health_rule": declaration.health_rule,
            "observe_only": request.observe_only or declaration.mode == "Observe",
        }
    )
