"""A plan that was made while tolerating is judged again by the capture's own look."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.capturing import PlanOutdated, Sight, counted_before, not_admitted, reconsidered
from failover.domain.budget import CountedMove
from failover.domain.health import Cause, HealthStatus
from failover.domain.identity import ApplicationRef
from failover.domain.manifest import Manifest
from failover.domain.plan import FailoverPlan
from failover.domain.record import Move, Record
from failover.domain.steps import CaptureRequest
from failover.records import Found
from tests.support.health.cases import KILLED, NO_IMAGE, replica_set
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
        "owned": None, "deeper": [], "closure": (), "needs": {}, "on_source": None, "on_target": None,
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


def test_what_has_only_itself_to_blame_stays() -> None:
    """Its pods say so, which the same look has seen for the closure."""
    answer = reconsidered(
        request(), sight(deployment(), deeper=[*replica_set(1, NO_IMAGE, owner="u")])
    )
    assert answer is not None
    assert answer.health.cause is Cause.USER_ERROR
    killed = sight(deployment(), deeper=[*replica_set(1, KILLED, owner="u")])
    assert reconsidered(request(), killed) is None


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


NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
THREE = tuple(
    CountedMove(at=NOW - timedelta(minutes=each), claim=f"run{each}.0") for each in (50, 40, 30)
)


def closed(*counted: CountedMove) -> Found:
    """The record of an application that lives here, and was moved so often."""
    record = Record(application=APP, generation=3, claim="run30.0", home="east", counted=counted)
    return Found(record, {})


@pytest.mark.parametrize(
    ("seen", "planned"),
    [
        pytest.param({"on_source": closed(*THREE)}, (), id="source"),
        pytest.param({"on_target": closed(*THREE)}, (), id="target"),
        pytest.param(
            {"on_source": closed(THREE[0]), "on_target": closed(*THREE[1:])}, (), id="both"
        ),
        pytest.param({}, THREE, id="another-cluster-when-planned"),
    ],
)
def test_a_move_beyond_the_budget_is_held(
    seen: dict[str, Found], planned: tuple[CountedMove, ...]
) -> None:
    """Wherever the moves were counted; it says how to go on."""
    asked = request()
    asked = asked.model_copy(update={"plan": asked.plan.model_copy(update={"counted": planned})})
    held = not_admitted(asked, sight(deployment(), **seen), NOW)
    assert held is not None
    assert held.reason == "BudgetExhausted"
    assert held.until == THREE[0].at + request().policy.active.budget.window
    assert "failover skip deployment/web -n saga --reason" in held.message


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"admitted": True}, id="a-person-wants-it"),
        pytest.param({"check_pauses": False}, id="past-the-point-of-no-return"),
        pytest.param({"claim": "run30.0"}, id="counted-already"),
    ],
)
def test_what_was_admitted_goes_on(changes: dict[str, Any]) -> None:
    """It is never stopped half way."""
    asked = request().model_copy(update=changes)
    assert not_admitted(asked, sight(deployment(), on_source=closed(*THREE)), NOW) is None


def test_an_interrupted_move_is_not_counted_twice() -> None:
    """Its record is open, and nothing had happened to the application."""
    begun = found("theirs.0")
    record = begun.record.model_copy(
        update={"counted": (CountedMove(at=NOW, claim="theirs.0"), *THREE[:1])}
    )
    seen = sight(deployment(), on_source=Found(record, {}))
    assert counted_before(request(), seen) == THREE[:1]
    assert not_admitted(request(), seen, NOW) is None
