"""The watcher on real clusters: what falls ill is moved, whatever happens to the watcher meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError, WorkflowHandle

from devstack.api import Api
from devstack.errors import ApiError
from devstack.flink import ALIAS_LABEL, APPS
from failover.domain.errors import NotFound
from failover.domain.identity import ApplicationRef, GroupKind, failover_id, record_name
from failover.domain.manifest import Manifest
from failover.domain.phases import Outcome
from failover.domain.policy.reading import read_policies
from failover.domain.record import NAMESPACE
from failover.domain.request import FailoverRequest, FailoverResult, Limits
from failover.kube.fleet import KubeFleet, open_fleet
from failover.kube.fleetfile import load_fleet
from failover.telemetry import Metrics
from tests.e2e.test_protecting import shows, view
from tests.integration.kube.connecting import edited, server_of
from tests.support import skewed_clock
from tests.support.chronicle import Chronicle
from tests.support.definitions import changed, definitions, policies_of, policy
from tests.support.engine import Engine
from tests.support.protections import out_of_reach
from tests.support.relay import Relay, relay_to
from tests.support.scraping import sample, scrape
from tests.support.waiting import eventually
from triggers import keeping
from triggers import policies as policies_module
from triggers import watcher as watcher_module
from triggers.conditions import Conditions
from triggers.keeping import Keeper
from triggers.objects import PolicyObjects
from triggers.policies import PolicyDirectory, PolicySource
from triggers.requesting import Manner
from triggers.sources import called
from triggers.starting import DifferentIncident, Merged, Start, Started, start_failover
from triggers.watcher import Watcher

DEADLINE = 30
TOLERATED = timedelta(seconds=2)
BEHIND_SECONDS = -300
CUTS = 6
CUT_EVERY_SECONDS = 0.5
FLINK = GroupKind("flink.apache.org", "FlinkDeployment")
FLINK_PATH = "/apis/flink.apache.org/v1beta1"
SECRET = GroupKind("", "Secret")

POLICY = """
apiVersion: stateful-failover.dev/v1alpha1
kind: FailoverPolicy
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  resourceSelectors:
  - {{apiVersion: {api_version}, kind: {kind}, namespace: {namespace}}}
  placement: {{clusterAffinity: {{clusterNames: [east, west]}}}}
  failover:
    application:
      purgeMode: {purge_mode}
      decisionConditions: {{tolerationSeconds: {seconds}}}
"""


async def outcome(engine: Engine, application: ApplicationRef) -> FailoverResult:
    """How the application's failover ends."""
    async with asyncio.timeout(DEADLINE):
        return await failover(engine, application).result()


def failover(engine: Engine, application: ApplicationRef) -> WorkflowHandle[Any, FailoverResult]:
    """The application's failovers."""
    return engine.client.get_workflow_handle(failover_id(application), result_type=FailoverResult)


async def break_down(engine: Engine, application: ApplicationRef, cluster: str = "east") -> None:
    """The application falls ill, and its status does not say so."""
    await engine.operator.kill_job_manager(cluster, application.namespace, application.name)


@dataclass
class Watched:
    """A watcher at work, what it has told Temporal, and what it says of itself."""

    metrics: Metrics = field(default_factory=Metrics)
    starts: asyncio.Queue[tuple[FailoverRequest, Start]] = field(
        default_factory=asyncio.Queue[tuple[FailoverRequest, Start]]
    )

    async def next(self, *, within_seconds: float = DEADLINE) -> Start:
        """The answer to its next report."""
        return (await self.next_report(within_seconds=within_seconds))[1]

    async def next_report(
        self, *, within_seconds: float = DEADLINE
    ) -> tuple[FailoverRequest, Start]:
        """Its next report, with the answer."""
        async with asyncio.timeout(within_seconds):
            return await self.starts.get()

    def sample(self, name: str, **labels: str) -> float | None:
        """One of its metrics."""
        return self.metrics.registry.get_sample_value(name, labels)

    async def seeing(self, kind: GroupKind = FLINK, cluster: str = "east") -> None:
        """Wait until it sees all objects of a kind."""
        await eventually(
            lambda: self.sample("failover_watch_stale", cluster=cluster, kind=str(kind)) == 0,
            "the metric says so",
        )


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """A directory for policies."""
    directory = tmp_path / "policies"
    directory.mkdir()
    return directory


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at files, at protections and at what is ill often, as a test has no time."""
    monkeypatch.setattr(policies_module, "READ_EVERY", timedelta(seconds=0.1))
    monkeypatch.setattr(keeping, "REFRESH_EVERY", timedelta(seconds=0.2))
    monkeypatch.setattr(watcher_module, "SWEEP_EVERY", timedelta(seconds=0.2))


@asynccontextmanager
async def watching(
    engine: Engine,
    policies: Path | PolicySource,
    *,
    fleet: KubeFleet | None = None,
    observe: bool = False,
    keeper: Keeper | None = None,
) -> AsyncGenerator[Watched, None]:
    """A watcher, until the end of the block; it keeps protections where it is given who does."""
    watched = Watched()

    async def start(request: FailoverRequest) -> Start:
        answer = await start_failover(engine.client, request)
        watched.starts.put_nowait((request, answer))
        return answer

    watcher = Watcher(
        fleet or engine.fleet,
        PolicyDirectory(policies) if isinstance(policies, Path) else policies,
        start,
        watched.metrics,
        Manner(Limits(blocked_after_seconds=3), observe),
        keeper or Keeper(out_of_reach, "tests"),
    )
    task = asyncio.create_task(watcher.run())
    try:
        yield watched
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def write(policies: Path, namespace: str, **changes: str) -> Path:
    """Write the policy of a namespace: all its FlinkDeployments may move from east to west."""
    file = policies / f"{namespace}.yaml"
    values = {
        "name": "all",
        "api_version": "flink.apache.org/v1beta1",
        "kind": "FlinkDeployment",
        "purge_mode": "Directly",
        "seconds": "1",
        **changes,
    }
    text = POLICY.format(namespace=namespace, **values)
    assert not read_policies(text, "policy").errors
    file.write_text(text)
    return file


async def test_what_falls_ill_is_moved(engine: Engine, namespace: str, policies: Path) -> None:
    """A failover begins within a second of the illness, says why, and completes."""
    write(policies, namespace)
    application = await engine.apply_flink("orders", namespace)
    async with watching(engine, policies) as watched:
        await watched.seeing()
        await watched.seeing(GroupKind("apps", "Deployment"))
        assert watched.starts.empty()
        await break_down(engine, application)
        request, start = await watched.next_report(within_seconds=1)
        assert isinstance(start, Started)
        assert request.trigger.kind == "Watch"
        assert request.trigger.reason == "StatusContradictsPods"
        assert not request.observe_only
        result = await outcome(engine, application)
    assert (result.outcome, result.target) == (Outcome.COMPLETED, "west")


@dataclass(frozen=True)
class Protected:
    """What the protection of an application shows, as levels to wait for."""

    engine: Engine
    application: ApplicationRef

    async def tolerates(self, seconds: int) -> bool:
        """Whether it is declared to tolerate illness for so long."""
        found = await view(self.engine, self.application)
        if found is None:
            return False
        return found.declaration.policy.active.decision_conditions.toleration_seconds == seconds

    async def has_second(self, job: str) -> bool:
        """Whether the newest state that it knows is its second one, of this job."""
        found = await view(self.engine, self.application)
        states = found.known.states if found is not None else ()
        return [(each.number, each.labels[ALIAS_LABEL]) for each in states][-1:] == [(2, job)]

    async def is_over(self) -> bool:
        """Whether there is none any more."""
        return await view(self.engine, self.application) is None


async def test_policies_that_are_objects_of_a_cluster(engine: Engine, namespace: str) -> None:
    """An edit is taken up; a wrong one says so on the object, and the last good one moves.

    Its protection goes with it: declared with the object, told of the edit and of another job, and
    ended once the object is gone.
    """
    await engine.world.install("east", definitions())
    api, path = engine.world.api("east"), f"{policies_of(namespace)}/orders"
    application = await engine.apply_flink("orders", namespace)
    by_id = {"rules": [{"aliasLabelName": ALIAS_LABEL, "jsonPath": "{ .jobStatus.jobId }"}]}
    slow = changed(
        policy(namespace, statePreservation={**by_id, "goodAfterSeconds": 600}),
        "spec.placement.clusterAffinity",
        {"clusterNames": ["east", "west"]},
    )
    brisk = {"tolerationSeconds": 1}
    unparsable = {"rules": [{"aliasLabelName": "example.com/job", "jsonPath": "{ .jobStatus"}]}
    await api.create(policies_of(namespace), slow)
    where = ("flinkdeployment/orders", "-n", namespace)
    planned = await engine.cli("plan", *where, "-f", "cluster:east", "-o", "name")
    assert planned.out.split() == ["west"], planned.err
    objects = PolicyObjects(engine.fleet.cluster("east"), Conditions())

    async def told(kind: str, generation: int) -> str:
        """The reason of a condition, once it is about this generation."""
        async with asyncio.timeout(DEADLINE):
            while True:
                for each in (await api.get(path)).get("status", {}).get("conditions", []):
                    if each["type"] == kind and each["observedGeneration"] == generation:
                        return str(each["reason"])
                await asyncio.sleep(0.05)

    keeper = Keeper(engine.connected, called("cluster:east"))
    protected = Protected(engine, application)
    async with watching(engine, objects, keeper=keeper) as watched:
        assert await told("Ready", 1) == "InForce"
        found = await shows(engine, application, home="east")
        assert found.view.declaration.source == "cluster east"
        assert len(found.view.known.states) == 1
        job = {"status": {"jobStatus": {"jobId": "another"}}}
        await api.merge(f"{FLINK_PATH}/namespaces/{namespace}/flinkdeployments/orders/status", job)
        await engine.wait_for(lambda: protected.has_second("another"), "another job is told of")
        spec = "spec.failover.application."
        await api.merge(path, changed({}, f"{spec}decisionConditions", brisk))
        assert await told("Ready", 2) == "InForce"
        await engine.wait_for(lambda: protected.tolerates(1), "the edit is told of")
        await api.merge(path, changed({}, f"{spec}statePreservation", unparsable))
        assert await told("Accepted", 3) == "NotAccepted"
        assert await told("Ready", 3) == "LastGoodInForce"
        await watched.seeing()
        await break_down(engine, application)
        request, start = await watched.next_report()
        assert isinstance(start, Started)
        assert request.policy.active.decision_conditions.toleration_seconds == 1
        result = await outcome(engine, application)
        assert await protected.tolerates(1), "what is wrong changes nothing, and ends nothing"
        await api.delete(path)
        await engine.wait_for(protected.is_over, "the protection ends with the object")
    assert (result.outcome, result.target) == (Outcome.COMPLETED, "west")


async def test_two_watchers_make_one_move(engine: Engine, namespace: str, policies: Path) -> None:
    """Whoever comes second finds the failover under way."""
    write(policies, namespace)
    application = await engine.apply_flink("orders", namespace)
    async with watching(engine, policies) as one, watching(engine, policies) as other:
        await one.seeing()
        await other.seeing()
        await break_down(engine, application)
        answers = await asyncio.gather(one.next(), other.next())
        assert {type(each) for each in answers} == {Started, Merged}
        assert len({each.run_id for each in answers}) == 1
        result = await outcome(engine, application)
        assert result.generation == 1
        assert (await failover(engine, application).describe()).run_id == answers[0].run_id


async def test_restarting_the_watcher_changes_nothing(
    engine: Engine, namespace: str, policies: Path
) -> None:
    """A new watcher finds what the old one has begun, and adds nothing to it."""
    write(policies, namespace, seconds="2")
    application = await engine.apply_flink("orders", namespace)
    async with watching(engine, policies) as before:
        await break_down(engine, application)
        first = await before.next()
    async with watching(engine, policies) as after:
        second = await after.next()
        assert isinstance(first, Started)
        assert isinstance(second, Merged)
        assert second.run_id == first.run_id
        assert (await outcome(engine, application)).outcome is Outcome.COMPLETED
    async with watching(engine, policies) as at_rest:
        await at_rest.seeing(cluster="west")
        assert at_rest.starts.empty()


async def test_a_refused_failover_waits_for_another_policy(
    engine: Engine, namespace: str, policies: Path
) -> None:
    """It does not begin over and over, and begins at once when the policy is mended."""
    write(policies, namespace, purge_mode="Gracefully", seconds="0")
    application = await engine.apply_flink("orders", namespace)
    async with watching(engine, policies) as watched:
        await break_down(engine, application)
        first = await watched.next()
        with pytest.raises(WorkflowFailureError) as refused:
            await outcome(engine, application)
        assert "TwoCopiesOfExclusiveState" in str(refused.value.cause)
        write(policies, namespace, seconds="0")
        second = await watched.next()
        assert isinstance(first, Started)
        assert isinstance(second, Started)
        assert (await outcome(engine, application)).outcome is Outcome.COMPLETED


async def test_policies_come_break_and_go_while_it_runs(
    engine: Engine, namespace: str, policies: Path
) -> None:
    """What is broken leaves in force what it said before, until it is mended; what is removed does no more."""
    application, other = (
        await engine.apply_flink("orders", namespace),
        await engine.apply_flink("clicks", namespace),
    )
    await break_down(engine, application)
    async with watching(engine, policies) as watched:
        file = write(policies, namespace)
        whole = file.read_text()
        assert isinstance(await watched.next(), Started)
        file.write_text(whole.replace("purgeMode", "purgeMod"))
        await eventually(
            lambda: watched.sample("failover_policy_errors") == 1, "the metric says so"
        )
        assert watched.sample("failover_policies") == 1
        assert (await outcome(engine, application)).outcome is Outcome.COMPLETED
        await break_down(engine, other)
        request, start = await watched.next_report()
        assert isinstance(start, Started)
        assert request.application == other
        file.write_text(whole)
        await eventually(
            lambda: watched.sample("failover_policy_errors") == 0, "the metric says so"
        )
        file.unlink()
        await eventually(lambda: watched.sample("failover_policies") == 0, "the metric says so")
        kind = str(FLINK)
        assert watched.sample("failover_watch_stale", cluster="east", kind=kind) is None
        assert (await outcome(engine, other)).outcome is Outcome.COMPLETED


async def test_observing_writes_nothing(engine: Engine, namespace: str, policies: Path) -> None:
    """It tolerates and plans, says what it would have done, and leaves every cluster as it was."""
    write(policies, namespace)
    application = await engine.apply_flink("orders", namespace)
    async with watching(engine, policies, observe=True) as watched:
        await break_down(engine, application)
        before = await stored(engine, namespace)
        request, _ = await watched.next_report()
        assert request.observe_only
        result = await outcome(engine, application)
    assert result.outcome is Outcome.WOULD_HAVE_MOVED
    assert result.plan is not None
    assert result.plan.target == "west"
    for name in engine.world.clusters:
        with pytest.raises(NotFound):
            await engine.fleet.cluster(name).get(SECRET, NAMESPACE, record_name(application))
    assert await stored(engine, namespace) == before


async def stored(engine: Engine, namespace: str) -> dict[tuple[str, str], str]:
    """Everything of the namespace on every cluster, by version."""
    found: dict[tuple[str, str], str] = {}
    for cluster in engine.world.clusters:
        for collection in (
            f"{FLINK_PATH}/namespaces/{namespace}/flinkdeployments",
            f"/apis/apps/v1/namespaces/{namespace}/deployments",
            f"/api/v1/namespaces/{namespace}/secrets",
        ):
            for each in await engine.world.api(cluster).list(collection):
                metadata = each["metadata"]
                found[cluster, metadata["uid"]] = metadata["resourceVersion"]
    return found


async def test_a_cluster_that_was_away_is_caught_up_with(
    engine: Engine, namespace: str, policies: Path, tmp_path: Path
) -> None:
    """While it is away a metric says so; what fell ill meanwhile is found when it is back."""
    write(policies, namespace)
    application = await engine.apply_flink("orders", namespace)
    async with (
        through_relay(engine, tmp_path) as (relay, fleet),
        watching(engine, policies, fleet=fleet) as watched,
    ):
        await watched.seeing()
        await relay.stop()
        kind = str(FLINK)
        await eventually(
            lambda: watched.sample("failover_watch_stale", cluster="east", kind=kind) == 1,
            "the metric says so",
        )
        assert watched.sample("failover_watch_stale", cluster="west", kind=kind) == 0
        await break_down(engine, application)
        assert watched.starts.empty()
        await relay.start()
        assert isinstance(await watched.next(), Started)
        assert watched.sample("failover_watch_stale", cluster="east", kind=kind) == 0
    assert (await outcome(engine, application)).outcome is Outcome.COMPLETED


@asynccontextmanager
async def through_relay(
    engine: Engine, tmp_path: Path
) -> AsyncGenerator[tuple[Relay, KubeFleet], None]:
    """The fleet, with east behind a relay."""
    async with relay_to(server_of(engine.world.kubeconfig, "east")) as relay:
        kubeconfig = edited(
            engine.world.kubeconfig,
            tmp_path / "kubeconfig",
            cluster={"server": relay.address},
            only="east",
        )
        async with open_fleet(load_fleet(engine.world.fleet_file, kubeconfig)) as fleet:
            yield relay, fleet


async def test_streams_that_are_cut_move_nothing_without_need(
    engine: Engine, namespace: str, policies: Path, tmp_path: Path
) -> None:
    """What is well stays where it is, whatever of it is seen between two cuts; what falls ill is moved once."""
    write(policies, namespace, seconds="0")
    application = await engine.apply_flink("orders", namespace)
    async with (
        through_relay(engine, tmp_path) as (relay, fleet),
        watching(engine, policies, fleet=fleet) as watched,
    ):
        await watched.seeing()
        await watched.seeing(GroupKind("apps", "Deployment"))
        async with cutting(relay) as cut:
            for number in range(CUTS):
                await cut()
                await change_nothing(engine, application, str(number))
                assert watched.starts.empty()
            await break_down(engine, application)
            request, start = await watched.next_report()
            assert request.trigger.reason == "StatusContradictsPods"
            assert isinstance(start, Started)
            result = await outcome(engine, application)
            await cut()
            await cut()
    later = [watched.starts.get_nowait()[1] for _ in range(watched.starts.qsize())]
    assert {type(each) for each in later} <= {Merged}
    assert (result.outcome, result.target, result.generation) == (Outcome.COMPLETED, "west", 1)


@asynccontextmanager
async def cutting(relay: Relay) -> AsyncGenerator[Callable[[], Awaitable[None]], None]:
    """All connections are cut, again and again, until the end of the block; it gives what waits for the next cut."""
    is_cut = asyncio.Condition()

    async def cut() -> None:
        while True:
            opened = relay.accepted
            relay.cut()
            async with is_cut:
                is_cut.notify_all()
            await eventually(lambda: relay.accepted > opened, "somebody is back")  # noqa: B023
            await asyncio.sleep(CUT_EVERY_SECONDS)

    async def next_cut() -> None:
        async with asyncio.timeout(DEADLINE), is_cut:
            await is_cut.wait()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(cut())
        yield next_cut
        task.cancel()


async def change_nothing(engine: Engine, application: ApplicationRef, value: str) -> None:
    """The application and what it owns change in a way that says nothing of how it is."""
    name, patch = application.name, {"metadata": {"annotations": {"example.com/seen": value}}}
    await engine.edit("east", application, patch)
    path = f"{APPS}/namespaces/{application.namespace}/deployments/{name}"
    await engine.world.api("east").merge(path, patch)


async def test_a_kind_may_come_later(engine: Engine, namespace: str, policies: Path) -> None:
    """A kind that a cluster does not serve is no error there, and is found once it is served."""
    group = f"{namespace}.example.org"
    write(policies, namespace, api_version=f"{group}/v1", kind="Widget")
    api = engine.world.api("east")
    kind = GroupKind(group, "Widget")
    async with watching(engine, policies, observe=True) as watched:
        for cluster in ("east", "west"):
            await watched.seeing(kind, cluster)
        definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        await api.create(definitions, definition(group))
        collection = f"/apis/{group}/v1/namespaces/{namespace}/widgets"
        try:
            await created(api, collection, widget(group, namespace))
            request, start = await watched.next_report()
            assert isinstance(start, Started)
            assert request.application.group_kind == kind
        finally:
            await api.delete(f"{definitions}/widgets.{group}")
    await failover(engine, request.application).terminate("the test is over")


async def created(api: Api, path: str, manifest: Manifest) -> None:
    """Create an object as soon as its kind is served."""
    async with asyncio.timeout(DEADLINE):
        while True:
            try:
                await api.create(path, manifest)
            except ApiError as error:
                if error.status != 404:
                    raise
                await asyncio.sleep(0.05)
            else:
                return


def definition(group: str) -> Manifest:
    """A kind that nobody has heard of."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [version],
        },
    }


def widget(group: str, namespace: str) -> Manifest:
    """One that is not ready."""
    return {
        "apiVersion": f"{group}/v1",
        "kind": "Widget",
        "metadata": {"name": "w", "namespace": namespace},
        "status": {"conditions": [{"type": "Ready", "status": "False", "reason": "Broken"}]},
    }


async def test_a_copy_elsewhere_is_another_incident(
    engine: Engine, namespace: str, policies: Path
) -> None:
    """Ill on two clusters, it is moved off one; the other is told, and nothing is done there."""
    write(policies, namespace, seconds="300")
    application = await engine.apply_flink("orders", namespace)
    async with watching(engine, policies) as watched:
        await break_down(engine, application)
        assert isinstance(await watched.next(), Started)
        await engine.in_phase(application, "Tolerating")
        twin = await engine.apply_flink("orders", namespace, "west")
        assert watched.starts.empty()
        await break_down(engine, twin, "west")
        request, start = await watched.next_report()
        assert request.source == "west"
        assert isinstance(start, DifferentIncident)
    await failover(engine, application).terminate("the test is over")


async def test_the_process_starts_failovers_and_ends_when_asked(
    engine: Engine, namespace: str, policies: Path
) -> None:
    """As a process with its settings from the environment: it works, counts, and SIGTERM ends it with 0.

    Its clock is five minutes behind, which neither shortens nor prolongs what is tolerated.
    """
    write(policies, namespace, seconds=str(TOLERATED.seconds))
    application = await engine.apply_flink("orders", namespace)
    program = (
        "import asyncio, sys\n"
        "from failover.settings import Settings; from failover.telemetry import set_up_logs\n"
        "from tests.support import skewed_clock\n"
        "from triggers.watching import run_watcher\n"
        f"skewed_clock.skew({BEHIND_SECONDS if skewed_clock.SUPPORTED else 0})\n"
        "set_up_logs(as_json=False)\n"
        "asyncio.run(run_watcher(Settings(), sys.argv[1]))\n"
    )
    environment = {
        **os.environ,
        "FAILOVER_FLEET": str(engine.world.fleet_file),
        "FAILOVER_KUBECONFIG": str(engine.world.kubeconfig),
        "FAILOVER_METRICS_PORT": "0",
        "TEMPORAL_ADDRESS": engine.world.temporal_address,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        str(policies),
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        await break_down(engine, application)
        said = ""
        async with asyncio.timeout(DEADLINE):
            while "Started" not in said:
                line = await process.stderr.readline()
                assert line, "the watcher has ended"
                said += line.decode()
        samples = await scrape(said)
        assert sample(samples, "failover_triggers_total", answer="Started") == 1
        assert sample(samples, "failover_policies") == 1
        assert (await outcome(engine, application)).outcome is Outcome.COMPLETED
        chronicle = await Chronicle.of(failover(engine, application))
        tolerated = chronicle.tolerated_until - chronicle.began
        assert TOLERATED <= tolerated < TOLERATED + timedelta(seconds=DEADLINE), tolerated
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(DEADLINE):
            told = await process.stderr.read()
            assert await process.wait() == 0
        assert b"Traceback" not in told
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
