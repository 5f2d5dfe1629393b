"""Progress of a copy that is not healthy yet: what is counted, and what is headway."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from failover.domain.headway import Headway, told_after
from failover.domain.health import Health, HealthStatus, judge
from failover.domain.steps import Observation

BEGAN = datetime(2026, 11, 27, 5, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """A moment after the copy was created."""
    return BEGAN + timedelta(seconds=seconds)


def seen(progress: int | None, reason: str = "ReplicasUnavailable") -> Observation:
    """An unhealthy copy that is so far."""
    status = HealthStatus.UNHEALTHY
    health = Health(status=status, reason=reason, message="so far", progress=progress)
    return Observation(found=True, uid="u", health=health)


def stateful_set(ready: int, wanted: int = 10) -> dict[str, Any]:
    """A StatefulSet that comes up replica by replica."""
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "db", "uid": "u"},
        "spec": {"replicas": wanted},
        "status": {"readyReplicas": ready, "availableReplicas": ready, "updatedReplicas": ready},
    }


def of(kind: str, status: dict[str, Any]) -> dict[str, Any]:
    """An object of some kind with this status and no health that could be told from it."""
    return {
        "apiVersion": "example.org/v1",
        "kind": kind,
        "metadata": {"name": "x"},
        "status": status,
    }


def test_more_ready_replicas_are_more_progress_and_the_same_reason() -> None:
    """3 of 10, then 4 of 10: for the reason nothing has changed, for the count it has."""
    three, four = judge(stateful_set(3), None), judge(stateful_set(4), None)
    assert (three.status, three.reason) == (four.status, four.reason)
    assert three.progress is not None
    assert four.progress is not None
    assert four.progress > three.progress
    assert judge(stateful_set(10), None).progress is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({"readyInstances": 1}, {"readyInstances": 2}, id="CloudNativePG"),
        pytest.param(
            {"cluster": {"onlineInstances": 1}}, {"cluster": {"onlineInstances": 2}}, id="MySQL"
        ),
        pytest.param({"progress": "3/7"}, {"progress": "4/7"}, id="Argo"),
        pytest.param({"progress": "42.5%"}, {"progress": "42.6%"}, id="an import in percent"),
        pytest.param({"restoredBytes": 2**33}, {"restoredBytes": 2**34}, id="restored bytes"),
        pytest.param(
            {"executorState": {"a": "PENDING", "b": "RUNNING"}},
            {"executorState": {"a": "RUNNING", "b": "RUNNING"}},
            id="Spark",
        ),
    ],
)
def test_what_a_status_counts_is_progress(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Each in its own unit."""
    first, second = (judge(of("Thing", each), None).progress for each in (before, after))
    assert first is not None
    assert second is not None
    assert second > first


@pytest.mark.parametrize(
    "status",
    [{}, {"ready": True}, {"progress": "soon"}, {"readyReplicas": None}, {"progress": ["1/2"]}],
)
def test_where_nobody_counts_there_is_none(status: dict[str, Any]) -> None:
    """What is no count is not taken for one."""
    assert judge(of("Thing", status), None).progress is None


def test_what_is_owned_counts_too() -> None:
    """The pods of a copy: scheduled, then ready."""

    def pod(*types: str) -> dict[str, Any]:
        conditions = [{"type": each, "status": "True"} for each in types]
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {},
            "status": {"conditions": conditions},
        }

    workload = of("Thing", {})
    counts = [
        judge(workload, [pod(), pod(*each)]).progress
        for each in ((), ("PodScheduled",), ("PodScheduled", "Ready"))
    ]
    assert counts == [0, 1, 2]


def test_progress_is_no_news_while_it_is_tolerated() -> None:
    """Runs are woken by a change of what it is, not by how far it has come."""
    assert not seen(4).differs(seen(3))
    assert seen(4).advances(3)


def test_a_copy_that_comes_up_slowly_is_not_given_up() -> None:
    """Its time begins anew with each replica; from the last one on it runs out."""
    headway = Headway(since=BEGAN)
    for replicas in range(10):
        headway = headway.saw(seen(replicas), at(600 * replicas))
        assert headway.since == at(600 * replicas)
    stalled = headway.saw(seen(9), at(6000))
    assert stalled.since == at(5400)


def test_falling_back_and_coming_as_far_again_is_no_headway() -> None:
    """Otherwise a copy whose pods crash in turn would never be given up."""
    headway = Headway(since=BEGAN).saw(seen(3), at(1))
    for second in range(2, 50):
        headway = headway.saw(seen(2 if second % 2 else 3), at(second))
    assert (headway.since, headway.reached) == (at(1), 3)
    assert headway.saw(seen(None), at(60)).reached == 3
    assert headway.saw(seen(4), at(61)).since == at(61)


def test_a_change_of_reason_is_headway_as_ever() -> None:
    """Where nobody counts, it is all that can be seen."""
    headway = Headway(since=BEGAN).saw(seen(None, "JobCreated"), at(1))
    assert headway.saw(seen(None, "JobCreated"), at(9)).since == at(1)
    assert headway.saw(seen(None, "JobInitializing"), at(9)).since == at(9)


def test_counting_up_is_told_a_bounded_number_of_times() -> None:
    """A quarter of the limit: it always comes in time."""
    assert told_after(timedelta(seconds=900)) == timedelta(seconds=225)


def test_a_count_that_rises_outlives_every_limit() -> None:
    """A restore of many hours is not thrown away; one that has stopped rising is, and one that only flickers."""
    end, patience = at(3600), timedelta(seconds=900)
    headway = Headway(since=BEGAN)
    assert headway.not_before(end, patience) == end
    for hour in range(5):
        headway = headway.saw(seen(hour), at(hour * 3600.0))
    assert headway.not_before(end, patience) == at(4 * 3600) + patience
    for second in range(60):
        reason = "Restoring" if second % 2 else "ReplicasUnavailable"
        headway = headway.saw(seen(4, reason), at(5 * 3600.0 + second))
    assert headway.not_before(end, patience) == at(4 * 3600) + patience
