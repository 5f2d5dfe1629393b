"""The watcher's own decisions, on scripted clusters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from failover.domain.application import ApplicationRequest, Declaration, Known
from failover.domain.health import Health, HealthStatus
from failover.domain.health.flink import DEPLOYMENT, FLINK_DEPLOYMENT
from failover.domain.identity import ApplicationRef, GroupKind
from failover.domain.manifest import Manifest
from failover.domain.marks import SUPERSEDED_BY
from failover.domain.policy.model import Failover, StatePreservation
from failover.domain.policy.reading import read_policies
from failover.domain.preservation import PreservationRule
from failover.domain.protecting import view_of
from failover.domain.request import FailoverRequest, Limits
from failover.domain.states import StateGeneration
from failover.fleet import Change
from failover.telemetry import Metrics
from tests.support.health.cases import KILLED, NO_IMAGE, replica_set
from tests.support.objects import flink, job_manager
from tests.support.protections import out_of_reach
from tests.support.rules import WIDGETS, clause, rule, widget
from tests.support.waiting import eventually
from tests.unit.triggers.clusters import ScriptedCluster, as_fleet
from triggers import policies as policies_module
from triggers import watcher as watcher_module
from triggers.keeping import Keeper, Standing
from triggers.policies import PolicyDirectory
from triggers.protecting import Protection
from triggers.requesting import Manner
from triggers.starting import DifferentIncident, Merged, Start, Started
from triggers.watcher import Watcher

POLICY = """
apiVersion: stateful-failover.dev/v1alpha1
kind: FailoverPolicy
metadata: {{name: {name}, namespace: shop}}
spec:
  resourceSelectors: [{{apiVersion: flink.apache.org/v1beta1, kind: FlinkDeployment}}]
  failover: {{application: {{purgeMode: Directly, mode: {mode}}}}}
"""
OVERRIDE = """
apiVersion: policy.karmada.io/v1alpha1
kind: OverridePolicy
metadata: {{name: {name}, namespace: shop}}
spec:
  resourceSelectors: [{{apiVersion: flink.apache.org/v1beta1, kind: FlinkDeployment, name: {app}}}]
  overrideRules:
  - overriders: {{plaintext: [{{path: /spec/image, operator: replace, value: other}}]}}
"""


class Stage:
    """A watcher of one scripted cluster, with one policy, and what it reports."""

    def __init__(self, directory: Path, *, observe: bool = False) -> None:
        """The watcher does not run yet."""
        self.directory = directory
        self.cluster = ScriptedCluster("east")
        self.requests: asyncio.Queue[FailoverRequest] = asyncio.Queue()
        self.metrics = Metrics()
        self.answer: Callable[[FailoverRequest], Awaitable[Start]] = started
        self.sweeps = 0
        self.watcher = Watcher(
            as_fleet(self.cluster),
            PolicyDirectory(directory),
            self._start,
            self.metrics,
            Manner(Limits(blocked_after_seconds=7), observe),
            Keeper(out_of_reach, "tests"),
        )
        forget = self.watcher._forget_the_gone

        def counted() -> None:
            forget()
            self.sweeps += 1

        self.watcher._forget_the_gone = counted  # type: ignore[method-assign]  # the end of a sweep

    async def _start(self, request: FailoverRequest) -> Start:
        self.requests.put_nowait(request)
        return await self.answer(request)

    def show(self, *workloads: Manifest, ready: int = 1) -> None:
        """These are there, all with a JobManager."""
        managers = [job_manager(ready, owner_uid=each["metadata"]["uid"]) for each in workloads]
        for each, workload in zip(managers, workloads, strict=True):
            each["metadata"]["uid"] = f"manager-{workload['metadata']['uid']}"
        self.cluster.give(DEPLOYMENT, *managers)
        self.cluster.give(FLINK_DEPLOYMENT, *workloads)

    async def reported(self) -> FailoverRequest:
        """The next report."""
        async with asyncio.timeout(5):
            return await self.requests.get()

    async def until_ill(self) -> None:
        """Wait until something is known to be ill."""
        await eventually(lambda: bool(self.watcher._ill), "something is ill")

    async def until_well(self) -> None:
        """Wait until nothing is."""
        await eventually(lambda: not self.watcher._ill, "nothing is ill")

    async def until_own_fault(self) -> None:
        """Wait until an illness is known to be its own fault."""
        attention = self.watcher._attention
        await eventually(
            lambda: any(each.own_fault_until for each in attention.values()), "whose fault it is"
        )

    async def until_asked_again(self) -> None:
        """Wait until what lies deeper was asked from the beginning, and that was taken up."""
        before = self.cluster.lists
        await eventually(lambda: self.cluster.lists >= before + 5, "it is asked twice more")

    async def until_swept(self) -> None:
        """Wait until another sweep has come to its end."""
        before = self.sweeps
        await eventually(lambda: self.sweeps >= before + 2, "another sweep")

    def answered(self, answer: str) -> float | None:
        """How often Temporal has answered so."""
        return self.metrics.registry.get_sample_value("failover_triggers_total", {"answer": answer})


async def started(_request: FailoverRequest) -> Start:
    """Every report begins a failover."""
    return Started("id", "run")


@asynccontextmanager
async def staged(directory: Path, *, observe: bool = False) -> AsyncGenerator[Stage, None]:
    """A stage whose watcher runs."""
    stage = Stage(directory, observe=observe)
    task = asyncio.create_task(stage.watcher.run())
    try:
        yield stage
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweep and read often."""
    monkeypatch.setattr(watcher_module, "SWEEP_EVERY", timedelta(milliseconds=10))
    monkeypatch.setattr(policies_module, "READ_EVERY", timedelta(milliseconds=10))


def write(directory: Path, *, name: str = "flink", mode: str = "Automatic") -> None:
    """A policy about all FlinkDeployments of the namespace."""
    (directory / f"{name}.yaml").write_text(POLICY.format(name=name, mode=mode))


def named(name: str, **metadata: object) -> Manifest:
    """A FlinkDeployment of its own name and uid."""
    manifest = flink()
    manifest["metadata"] = {**manifest["metadata"], "name": name, "uid": f"uid-{name}", **metadata}
    return manifest


async def test_a_report_says_all_that_a_failover_needs(tmp_path: Path) -> None:
    """Source and uid, the policy and the overrides that match, limits, why and by whom."""
    write(tmp_path)
    for name, app in (("ours", "orders"), ("theirs", "clicks")):
        (tmp_path / f"{name}.yaml").write_text(OVERRIDE.format(name=name, app=app))
    async with staged(tmp_path) as stage:
        stage.show(named("orders"), ready=0)
        request = await stage.reported()
    assert (request.source, request.source_uid) == ("east", "uid-orders")
    assert (request.policy.name, [each.name for each in request.overrides]) == ("flink", ["ours"])
    assert request.limits.blocked_after_seconds == 7
    assert request.trigger.kind == "Watch"
    assert request.trigger.actor.startswith("failover-watcher@")
    assert request.trigger.reason == "StatusContradictsPods"
    assert not request.observe_only


async def test_other_values_of_a_state_are_told_to_its_protection(tmp_path: Path) -> None:
    """By the rules of what is declared; an event in which they stay the same is no news."""
    write(tmp_path)
    async with staged(tmp_path) as stage:
        keeper, orders = stage.watcher._keeper, ApplicationRef.from_key(ORDERS_KEY)
        rules = (PreservationRule(alias_label_name="job", json_path="{ .jobStatus.jobId }"),)
        keeper.register[orders] = protected_with(orders, rules, {"job": "a"})
        keeper.saw(("east", orders), {}, Standing("Healthy", 0, {"job": "b"}))
        for job, told in (("a", set[str]()), ("c", {"c"}), ("a", set[str]())):
            manifest = named("orders")
            manifest["status"]["jobStatus"]["jobId"] = job
            stage.show(manifest)

            def is_told(wanted: set[str] = told) -> bool:
                values = [each.values or {} for each in keeper._to_tell.values()]
                return {each["job"] for each in values} == wanted

            await eventually(is_told, f"job {job} is told, or is no news")


ORDERS_KEY = "shop/FlinkDeployment.flink.apache.org/orders"


def protected_with(
    application: ApplicationRef, rules: tuple[PreservationRule, ...], values: dict[str, str]
) -> Protection:
    """It is well on east, and has shown these values."""
    (policy,) = read_policies(POLICY.format(name="flink", mode="Automatic"), "p").policies
    assert policy.spec.failover is not None
    preserving = policy.active.model_copy(
        update={"state_preservation": StatePreservation(rules=rules)}
    )
    spec = policy.spec.model_copy(update={"failover": Failover(application=preserving)})
    now = datetime(2026, 11, 27, tzinfo=UTC)
    states = (StateGeneration(number=1, labels=values, since=now, cluster="east"),)
    well = Health(status=HealthStatus.HEALTHY, reason="Running", message="it runs")
    request = ApplicationRequest(
        application=application,
        declaration=Declaration(policy=policy.model_copy(update={"spec": spec})),
        known=Known(home="east", health=well, states=states),
    )
    return Protection("id", "run", view_of(request), now)


@pytest.mark.parametrize(("mode", "observe"), [("Observe", False), ("Automatic", True)])
async def test_observing_is_the_policys_wish_or_the_watchers(
    tmp_path: Path,
    mode: str,
    observe: bool,  # noqa: FBT001 - a table's column
) -> None:
    """Either is enough to have it tolerated and planned only."""
    write(tmp_path, mode=mode)
    async with staged(tmp_path, observe=observe) as stage:
        stage.show(named("orders"), ready=0)
        assert (await stage.reported()).observe_only


async def test_what_is_left_alone_is_never_reported(tmp_path: Path) -> None:
    """What is going, superseded, well or without a policy is passed over; its neighbour is not."""
    write(tmp_path)
    async with staged(tmp_path) as stage:
        stage.show(
            named("going", deletionTimestamp="2026-01-01T00:00:00Z"),
            named("left", annotations={SUPERSEDED_BY: "west"}),
            named("stranger", namespace="bank"),
            named("orders"),
            ready=0,
        )
        assert (await stage.reported()).application.name == "orders"
        await eventually(lambda: stage.answered("Started") == 1, "the report is answered")
        assert stage.requests.empty()


async def test_ill_again_after_being_well_is_reported_at_once(tmp_path: Path) -> None:
    """Health clears what was remembered: the next illness does not wait."""
    write(tmp_path)
    async with staged(tmp_path) as stage:
        for _ in range(3):
            stage.show(named("orders"), ready=0)
            await stage.reported()
            stage.show(named("orders"), ready=1)
            await stage.until_well()


async def test_ill_again_while_the_report_was_on_its_way(tmp_path: Path) -> None:
    """An answer to an earlier illness does not silence the present one."""
    write(tmp_path)
    door = asyncio.Event()

    async def slowly(_request: FailoverRequest) -> Start:
        await door.wait()
        return Merged("id", "run")

    async with staged(tmp_path) as stage, asyncio.timeout(5):
        stage.answer = slowly
        stage.show(named("orders"), ready=0)
        await stage.reported()
        stage.show(named("orders"), ready=1)
        await stage.until_well()
        stage.show(named("orders"), ready=0)
        await stage.until_ill()
        door.set()
        await stage.reported()


async def test_an_object_made_again_and_again_earns_no_clean_slate(tmp_path: Path) -> None:
    """Its failovers begin ever more seldom, though each object is a new one."""
    write(tmp_path)
    async with staged(tmp_path) as stage:
        for number in range(5):
            again = named("orders", uid=f"uid-{number}")
            stage.show(again, ready=0)
            if number == 0:
                await stage.reported()
            await stage.until_ill()
            stage.cluster.tell(FLINK_DEPLOYMENT, Change("Deleted", again))
            await stage.until_well()
        assert stage.requests.empty()
        assert stage.answered("Started") == 1


async def test_what_only_its_author_can_mend_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failover that is under way is not woken for it, and none begins after a healthy moment."""
    monkeypatch.setattr("failover.domain.sighting.START_AGAIN_AFTER", timedelta(0))
    write(tmp_path)
    async with staged(tmp_path) as stage:
        stage.cluster.listed = replica_set(1, NO_IMAGE, owner="manager-uid-orders")
        stage.show(named("orders"), ready=0)
        await stage.reported()
        await stage.until_own_fault()
        while not stage.requests.empty():
            stage.requests.get_nowait()
        for _ in range(3):
            stage.show(named("orders"), ready=1)
            await stage.until_well()
            stage.show(named("orders"), ready=0)
            await stage.until_ill()
            await stage.until_asked_again()
        assert stage.requests.empty()
        stage.cluster.listed = replica_set(1, KILLED, owner="manager-uid-orders")
        assert (await stage.reported()).trigger.reason == "StatusContradictsPods"


async def test_nothing_deeper_is_listed_where_nobody_is_ill(tmp_path: Path) -> None:
    """The lists of a namespace's pods are for the ill alone."""
    write(tmp_path)
    async with staged(tmp_path) as stage:
        stage.show(named("orders"), ready=0)
        await stage.reported()
        await stage.until_asked_again()
        stage.show(named("orders"), ready=1)
        await stage.until_well()
        await stage.until_swept()  # one that was asking when it fell well
        before = stage.cluster.lists
        await stage.until_swept()
        assert stage.cluster.lists == before


async def test_another_incident_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked about again and again, and logged the first time only."""
    monkeypatch.setattr("failover.domain.sighting.TELL_AGAIN_AFTER", timedelta(0))
    write(tmp_path)

    async def different(request: FailoverRequest) -> Start:
        return DifferentIncident("id", "run", request.application, "east/a", "west/b")

    with caplog.at_level("INFO"):
        async with staged(tmp_path) as stage:
            stage.answer = different
            stage.show(named("orders"), ready=0)
            for _ in range(5):
                await stage.reported()
    assert caplog.text.count("another failover") == 1


async def test_ambiguous_policies_are_a_warning_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is done until one of them is gone; then it is done at once."""
    write(tmp_path, name="one")
    write(tmp_path, name="two")
    async with staged(tmp_path) as stage:
        stage.show(named("orders"), ready=0)
        await eventually(lambda: "equally about" in caplog.text, "a warning")
        stage.show(named("orders"), ready=0)
        (tmp_path / "two.yaml").unlink()
        assert (await stage.reported()).policy.name == "one"
    assert caplog.text.count("equally about") == 1


async def test_a_whole_fleet_that_falls_ill_is_reported(tmp_path: Path) -> None:
    """Where a whole fleet falls ill at once, each is reported, and once."""
    write(tmp_path)
    count = 2000
    async with staged(tmp_path) as stage, asyncio.timeout(30):
        stage.show(*(named(f"app-{number}") for number in range(count)), ready=0)
        seen = [(await stage.requests.get()).application.name for _ in range(count)]
    assert len(set(seen)) == count


def applications(stage: Stage) -> list[ApplicationRef]:
    """All that is seen."""
    return [each for view, _ in stage.watcher._views.values() for each in view.applications]


WIDGET_POLICY = """
apiVersion: stateful-failover.dev/v1alpha1
kind: FailoverPolicy
metadata: {name: widgets, namespace: shop}
spec:
  resourceSelectors: [{apiVersion: example.org/v1, kind: Widget}]
  failover: {application: {purgeMode: Directly}}
"""


async def test_a_rule_beside_the_policies_judges_and_travels_along(tmp_path: Path) -> None:
    """The request carries it by value; without a mode in the policy its kind is only observed."""
    (tmp_path / "policy.yaml").write_text(WIDGET_POLICY)
    (tmp_path / "rule.yaml").write_text(yaml.safe_dump(WIDGETS))
    async with staged(tmp_path) as stage:
        stage.cluster.give(GroupKind("example.org", "Widget"), widget(phase="Broken", attempts=3))
        request = await stage.reported()
    assert request.trigger.reason == "Broken"
    assert request.health_rule is not None
    assert request.health_rule.name == "widgets"
    assert request.observe_only


async def test_a_rule_that_changes_judges_anew(tmp_path: Path) -> None:
    """What was well by the old one is ill by the new one, without any change of the object."""
    kind = GroupKind("example.org", "Widget")
    (tmp_path / "policy.yaml").write_text(WIDGET_POLICY)
    (tmp_path / "rule.yaml").write_text(yaml.safe_dump(WIDGETS))
    async with staged(tmp_path) as stage:
        stage.cluster.give(kind, widget(phase="Running"))
        await eventually(lambda: bool(applications(stage)), "the widget is seen")
        ill = rule(clause("object.status.phase == 'Running'", "Unhealthy", "TooFast"))
        (tmp_path / "rule.yaml").write_text(yaml.safe_dump(ill))
        await eventually(lambda: not applications(stage), "it is followed anew")
        stage.cluster.give(kind, widget(phase="Running"))
        assert (await stage.reported()).trigger.reason == "TooFast"
