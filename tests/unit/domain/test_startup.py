"""Start-up told from run time: what was never healthy here may take its initial toleration."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from failover.domain.health import Cause, Health, HealthStatus
from failover.domain.identity import ApplicationRef
from failover.domain.manifest import Manifest
from failover.domain.marks import Mark, with_mark
from failover.domain.policy import ApplicationFailover, DecisionConditions
from failover.domain.record import Record, to_secrets
from failover.domain.startup import is_starting_up

APP = ApplicationRef(group="apps", kind="Deployment", namespace="shop", name="web")
CREATED = "2026-11-27T10:00:00Z"
SOON, LATER = "2026-11-27T10:00:04Z", "2026-11-27T10:30:00Z"


def web(**status: Any) -> Manifest:
    """A workload with this status."""
    metadata = {"name": "web", "namespace": "shop", "creationTimestamp": CREATED}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "status": status}


def available(status: str, changed: str) -> dict[str, str]:
    """The condition that says whether it serves."""
    return {"type": "Available", "status": status, "lastTransitionTime": changed}


def seen(status: HealthStatus, cause: Cause | None = None) -> Health:
    """A verdict."""
    return Health(status=status, reason="Seen", message="as it was seen", cause=cause)


BROKEN = seen(HealthStatus.UNHEALTHY, Cause.FAULT)
ON_ITS_WAY = seen(HealthStatus.UNHEALTHY, Cause.PROGRESSING)


@pytest.mark.parametrize(
    ("manifest", "health", "starting"),
    [
        pytest.param(web(), ON_ITS_WAY, True, id="its verdict says that it is on its way"),
        pytest.param(web(), BROKEN, False, id="broken, and nothing tells more"),
        pytest.param(web(), seen(HealthStatus.HEALTHY), False, id="healthy now"),
        pytest.param(
            web(conditions=[available("False", SOON)]), BROKEN, True, id="never available so far"
        ),
        pytest.param(
            web(conditions=[available("False", LATER)]), ON_ITS_WAY, False, id="no longer available"
        ),
        pytest.param(web(conditions=[available("True", SOON)]), ON_ITS_WAY, False, id="serves"),
        pytest.param(
            web(
                conditions=[
                    available("False", SOON),
                    {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
                ]
            ),
            BROKEN, False, id="its rollout was completed once",
        ),
        pytest.param(
            web(reconciliationStatus={"lastStableSpec": "{}"}),
            ON_ITS_WAY, False, id="Flink keeps the spec that was stable",
        ),
        pytest.param(
            web(conditions=[available("False", "soon")]), BROKEN, False, id="no moment to go by"
        ),
    ],
)  # fmt: skip
def test_the_object_tells_whether_it_was_healthy(
    manifest: Manifest, health: Health, *, starting: bool
) -> None:
    """Its own evidence first, the verdict's cause where there is none."""
    assert is_starting_up(manifest, health, None, "west") is starting


@pytest.mark.parametrize(
    ("changes", "starting"),
    [
        pytest.param({}, False, id="brought here, and verified"),
        pytest.param({"home": "east"}, True, id="lives elsewhere"),
        pytest.param({"generation": 8}, True, id="the copy of an older move"),
    ],
)
def test_a_copy_that_a_failover_has_brought_was_healthy(
    changes: dict[str, Any], *, starting: bool
) -> None:
    """Its record is closed only after it was seen healthy."""
    known: dict[str, Any] = {"generation": 7, "home": "west", "claim": "run.1"}
    head, _ = to_secrets(Record(application=APP, **(known | changes)))
    copy = with_mark(web(), Mark(failover="failover/shop/Deployment.apps/web", generation=7))
    assert is_starting_up(copy, ON_ITS_WAY, head, "west") is starting


def test_a_start_may_take_longer_than_an_illness() -> None:
    """Left out, one toleration counts for both."""
    slow = ApplicationFailover(
        decision_conditions=DecisionConditions(
            toleration_seconds=30, initial_toleration_seconds=600
        )
    )
    assert slow.tolerated(starting_up=True) == timedelta(seconds=600)
    assert slow.tolerated(starting_up=False) == timedelta(seconds=30)
    plain = ApplicationFailover()
    assert plain.tolerated(starting_up=True) == plain.tolerated(starting_up=False)
