"""A view of one kind on one cluster: it never guesses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import pytest

from failover.domain.health.flink import DEPLOYMENT, FLINK_DEPLOYMENT
from failover.domain.identity import ApplicationRef
from failover.domain.manifest import Manifest
from failover.domain.policy.scopes import Scope
from failover.fleet import Change
from failover.telemetry import Metrics
from tests.support.objects import flink, job_manager
from tests.unit.triggers.clusters import ScriptedCluster, as_cluster
from triggers.views import Staleness, View

SCOPE = Scope(FLINK_DEPLOYMENT, "shop")
ORDERS = ApplicationRef(
    group=FLINK_DEPLOYMENT.group, kind=FLINK_DEPLOYMENT.kind, namespace="shop", name="orders"
)
DARK = Change("Stale", {}, "ClusterUnreachable", "no answer")


class Stage:
    """A view of a scripted cluster, and what it says."""

    def __init__(self) -> None:
        """The view is not running yet."""
        self.cluster = ScriptedCluster("east")
        self.metrics = Metrics()
        self.changed: asyncio.Queue[ApplicationRef] = asyncio.Queue()
        self.view = View(
            as_cluster(self.cluster),
            SCOPE,
            Staleness(self.metrics.watch_stale),
            lambda _view, application: self.changed.put_nowait(application),
        )

    async def verdict(self) -> str:
        """Status and reason once the view has said that something changed."""
        async with asyncio.timeout(5):
            await self.changed.get()
        sight = self.view.sight(ORDERS)
        return f"{sight.health.status}/{sight.health.reason}" if sight else "gone"

    def stale(self, kind: str) -> float | None:
        """The metric."""
        labels = {"cluster": "east", "kind": kind}
        return self.metrics.registry.get_sample_value("failover_watch_stale", labels)


@asynccontextmanager
async def staged() -> AsyncGenerator[Stage, None]:
    """A stage whose view runs."""
    stage = Stage()
    task = asyncio.create_task(stage.view.run())
    try:
        yield stage
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_nothing_is_said_before_all_is_seen() -> None:
    """A workload whose owned objects have not been listed yet is not ill for the lack of them."""
    async with staged() as stage:
        stage.cluster.give(FLINK_DEPLOYMENT, flink())
        assert await stage.verdict() == "Unknown/NotSeenYet"
        stage.cluster.give(DEPLOYMENT, job_manager())
        assert await stage.verdict() == "Healthy/Running"


@pytest.mark.parametrize(
    ("owned", "verdict"),
    [
        pytest.param([job_manager(1)], "Healthy/Running", id="ready"),
        pytest.param([job_manager(0)], "Unhealthy/StatusContradictsPods", id="not ready"),
        pytest.param([], "Unhealthy/StatusContradictsPods", id="gone"),
        pytest.param(
            [job_manager(1, owner_uid="other")], "Unhealthy/StatusContradictsPods", id="another's"
        ),
    ],
)
async def test_what_is_owned_counts(owned: list[Manifest], verdict: str) -> None:
    """The word of the status is compared with what the workload owns, and nobody else does."""
    async with staged() as stage:
        stage.cluster.give(DEPLOYMENT, *owned)
        stage.cluster.give(FLINK_DEPLOYMENT, flink())
        assert await stage.verdict() == verdict


async def test_an_owned_object_that_changes_or_goes_is_a_change_of_its_owner() -> None:
    """The owner is looked at again, though nothing was written to it."""
    async with staged() as stage:
        stage.cluster.give(FLINK_DEPLOYMENT, flink())
        stage.cluster.give(DEPLOYMENT, job_manager())
        assert await stage.verdict() == "Healthy/Running"
        stage.cluster.tell(DEPLOYMENT, Change("Present", job_manager(0)))
        assert await stage.verdict() == "Unhealthy/StatusContradictsPods"
        stage.cluster.tell(DEPLOYMENT, Change("Present", job_manager(1)))
        assert await stage.verdict() == "Healthy/Running"
        stage.cluster.tell(DEPLOYMENT, Change("Deleted", job_manager(1)))
        assert await stage.verdict() == "Unhealthy/StatusContradictsPods"


@pytest.mark.parametrize("kind", [FLINK_DEPLOYMENT, DEPLOYMENT], ids=str)
async def test_a_cluster_in_the_dark_makes_nobody_ill(kind: object) -> None:
    """While the workloads, or what they own, cannot be seen, health is unknown; a metric says so."""
    dark = FLINK_DEPLOYMENT if kind == FLINK_DEPLOYMENT else DEPLOYMENT
    async with staged() as stage:
        stage.cluster.give(FLINK_DEPLOYMENT, flink())
        stage.cluster.give(DEPLOYMENT, job_manager(0))
        assert await stage.verdict() == "Unhealthy/StatusContradictsPods"
        stage.cluster.tell(dark, DARK)
        assert await stage.verdict() == "Unknown/ClusterUnreachable"
        assert stage.stale(str(dark)) == 1
        stage.cluster.tell(dark, Change("Synced", {}))
        assert await stage.verdict() == "Unhealthy/StatusContradictsPods"
        assert stage.stale(str(dark)) == 0
    assert stage.stale(str(dark)) is None


@pytest.mark.parametrize(("reason", "stale"), [("Forbidden", 1), ("UnknownKind", 0)])
async def test_where_nobody_may_look_the_status_decides(reason: str, stale: float) -> None:
    """No right to read what is owned, or no such kind there, is not held against the workload."""
    async with staged() as stage:
        stage.cluster.tell(DEPLOYMENT, Change("Stale", {}, reason, "no"))
        stage.cluster.give(FLINK_DEPLOYMENT, flink())
        assert await stage.verdict() == "Healthy/Running"
        assert stage.stale(str(DEPLOYMENT)) == stale


@pytest.mark.parametrize("reason", ["Forbidden", "UnknownKind", "ClusterUnreachable"])
async def test_workloads_that_cannot_be_seen_are_not_judged_by_memory(reason: str) -> None:
    """Whatever keeps them from being seen, what was last known of them makes nobody ill."""
    async with staged() as stage:
        stage.cluster.give(DEPLOYMENT)
        stage.cluster.give(FLINK_DEPLOYMENT, flink("FAILED"))
        assert await stage.verdict() == "Unhealthy/JobFailed"
        stage.cluster.tell(FLINK_DEPLOYMENT, Change("Stale", {}, reason, "no"))
        assert await stage.verdict() == f"Unknown/{reason}"


async def test_a_late_farewell_of_an_older_object_takes_nothing_away() -> None:
    """Of two objects of one name, the newer one stays."""
    older, newer = flink(), flink("FAILED")
    newer["metadata"] = {**newer["metadata"], "uid": "uid-newer"}
    async with staged() as stage:
        stage.cluster.give(DEPLOYMENT)
        stage.cluster.give(FLINK_DEPLOYMENT, older, newer)
        stage.cluster.tell(FLINK_DEPLOYMENT, Change("Deleted", older))
        assert await stage.verdict() == "Unhealthy/JobFailed"
        stage.cluster.tell(FLINK_DEPLOYMENT, Change("Deleted", newer))
        assert await stage.verdict() == "gone"
