"""A plan that was made while tolerating is judged again by the capture's own look."""

from __future__ import annotations

from typing import Any

import pytest

from activities.capturing import PlanOutdated, Sight, reconsidered
from failover.domain.health import HealthStatus
from failover.domain.identity import ApplicationRef
from failover.domain.manifest import Manifest
from failover.domain.plan import FailoverPlan
from failover.domain.record import Move, Record
from failover.domain.steps import CaptureRequest
from failover.records import Found
from tests.support.saga import policy_of

APP = ApplicationRef(group="apps", kind="Deployment", namespace="saga", name="web")
CLAIM = "ours.0"


def deployment(*, ready: int = 0, annotations: dict[str, str] | None = None) -> Manifest:
    """A Deployment that wants two replicas."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "web",
            "namespace": "saga",
            "uid": "u",
            "generation": 1,
            "annotations": annotations or {},
        },
        "spec": {"replicas": 2},
        "status": {
            "observedGeneration": 1,
            "replicas": 2,
            "updatedReplicas": 2,
            "readyReplicas": ready,
            "availableReplicas": ready,
            "conditions": [
                {"type": "Available", "status": "True" if ready else "False", "reason": "x"},
                {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"},
            ],
        },
    }


def sight(manifest: Manifest, **changes: Any) -> Sight:
    """What the look shows, nothing being in the way."""
    calm: dict[str, Any] = {
        "owned": None, "closure": (), "needs": {}, "on_source": None, "on_target": None,
        "occupant": None, "namespace_is_there": True,
    }  # fmt: skip
    return Sight(manifest=manifest, **(calm | changes))


def request() -> CaptureRequest:
    """A capture that has to decide."""
    plan = FailoverPlan(
        application=APP, source="east", source_uid="u", target="west", purge_mode="Directly"
    )
    return CaptureRequest(
        plan=plan, failover="failover/x", run="r", claim=CLAIM, policy=policy_of("web")
    )


def found(claim: str) -> Found:
    """An open record of the run with this claim."""
    move = Move(
        failover="failover/x", run="r", purge_mode="Directly", source="east", source_uid="u",
        source_cluster_uid="c", target="west", original={}, rendered={},
    )  # fmt: skip
    return Found(Record(application=APP, generation=1, claim=claim, move=move), {})


def test_what_is_still_unhealthy_is_moved() -> None:
    """Nothing has changed: the plan holds."""
    assert reconsidered(request(), sight(deployment())) is None


def test_what_is_well_again_stays() -> None:
    """It recovered in the last moment."""
    answer = reconsidered(request(), sight(deployment(ready=2)))
    assert answer is not None
    assert answer.health.status is HealthStatus.HEALTHY


def test_what_was_begun_by_an_earlier_attempt_goes_on() -> None:
    """Our own open record: that attempt has decided, whatever the application looks like now."""
    begun = sight(deployment(ready=2), on_target=found(CLAIM))
    assert reconsidered(request(), begun) is None


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(sight(deployment(), on_source=found("theirs.0")), id="open-record"),
        pytest.param(sight(deployment(), occupant=deployment()), id="target-occupied"),
        pytest.param(
            sight(
                deployment(
                    annotations={"argocd.argoproj.io/tracking-id": "a:apps/Deployment:saga/web"}
                )
            ),
            id="owner",
        ),
    ],
)
def test_what_has_changed_needs_another_plan(changed: Sight) -> None:
    """Whatever else a plan hangs on sends the run back to Planning."""
    with pytest.raises(PlanOutdated):
        reconsidered(request(), changed)
