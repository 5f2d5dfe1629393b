"""The stage of the failover sagas: a world, workers that can be killed, a witness, applications.

Each case has an application of its own, so that many run side by side in the one world. Everything
is waited for by looking, with a deadline; the phase of a failover is read from its search
attributes, which need no worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio
import yaml
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.service import RPCError, RPCStatusCode

from devstack.errors import ApiError
from devstack.flink import ALIAS_LABEL, HOLD, FlinkOperator
from devstack.processes import Command, Part
from devstack.world import World
from failover.domain.identity import ApplicationRef, failover_id, record_name
from failover.domain.overrides import Override
from failover.domain.phases import Action, Outcome
from failover.domain.policy import Policy
from failover.domain.policy.reading import read_policies
from failover.domain.request import (
    Approval,
    FailoverRequest,
    FailoverResult,
    Limits,
    Reply,
    Resolution,
    Retarget,
    Status,
    Trigger,
)
from failover.temporal import SEARCH, connect, ensure_search_attributes
from tests.support.admission import FLINKS, Refusing, refuse
from tests.support.admission import RECORDS as RECORD_PLACE
from tests.support.faults import VARIABLE, Fault, Faults
from tests.support.recorder import Recorder, recording
from tests.support.relay import Relay, relay_to
from tests.support.rights import least_rights
from tests.support.waiting import eventually
from tests.support.world import temporary
from triggers.starting import start_failover

ROOT = Path(__file__).parents[2]
NAMESPACE = "saga"
GROUP = "flink.apache.org"
KIND = "FlinkDeployment"
FLINK = f"/apis/{GROUP}/v1beta1/namespaces/{NAMESPACE}/flinkdeployments"
RECORDS = "/api/v1/namespaces/failover-system/secrets"
CLUSTERS = ("east", "west", "north")
BLOCKED_AFTER_SECONDS = 3
CALL = timedelta(seconds=5)
DEADLINE_SECONDS = 60.0
SIDE_BY_SIDE_MAX = 12

Manifest = dict[str, Any]


def namespace_manifest(name: str) -> Manifest:
    """A Namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def policy_of(
    name: str,
    *,
    purge_mode: str = "Directly",
    toleration: int = 0,
    clusters: Iterable[str] = CLUSTERS,
    path: str = "{ .jobStatus.jobId }",
    spec: Mapping[str, Any] | None = None,
    **application: Any,
) -> Policy:
    """A policy for one application; what else it says comes as `spec` and keywords."""
    document = {
        "apiVersion": "stateful-failover.dev/v1alpha1",
        "kind": "FailoverPolicy",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "resourceSelectors": [
                {
                    "apiVersion": f"{GROUP}/v1beta1",
                    "kind": KIND,
                    "namespace": NAMESPACE,
                    "name": name,
                }
            ],
            "placement": {"clusterAffinity": {"clusterNames": list(clusters)}},
            "failover": {
                "application": {
                    "purgeMode": purge_mode,
                    "allowTwoCopies": purge_mode != "Directly",
                    "decisionConditions": {"tolerationSeconds": toleration},
                    "statePreservation": {
                        "rules": [{"aliasLabelName": ALIAS_LABEL, "jsonPath": path}]
                    },
                    **application,
                }
            },
            **(spec or {}),
        },
    }
    reading = read_policies(json.dumps(document), "policy.json")
    assert reading.policies, reading.problems
    return reading.policies[0]


def override_of(
    name: str, cluster: str, path: str, value: object, *, operator: str = "add"
) -> Override:
    """An override of one field of one application on one cluster."""
    selector = {"apiVersion": f"{GROUP}/v1beta1", "kind": KIND, "name": name}
    plain = {"path": path, "operator": operator, "value": value}
    document = {
        "apiVersion": "policy.karmada.io/v1alpha1",
        "kind": "OverridePolicy",
        "metadata": {"name": f"{name}-{cluster}", "namespace": NAMESPACE},
        "spec": {
            "resourceSelectors": [selector],
            "overrideRules": [
                {
                    "targetCluster": {"clusterNames": [cluster]},
                    "overriders": {"plaintext": [plain]},
                }
            ],
        },
    }
    reading = read_policies(json.dumps(document), "override.json")
    assert reading.overrides, reading.problems
    return reading.overrides[0]


def never_healthy_on(name: str, *clusters: str) -> tuple[Override, ...]:
    """Overrides by which the operator leaves the copies on these clusters alone."""
    return tuple(
        override_of(name, each, "/metadata/annotations", {HOLD: "true"}) for each in clusters
    )


@dataclass(frozen=True)
class Ending:
    """How a failover ended, for Temporal and for us."""

    outcome: Outcome
    reason: str
    message: str
    result: FailoverResult | None = None
    cancelled: bool = False


class Crew:
    """Worker processes, of which as many are kept alive as the test wants."""

    def __init__(self, world: World, faults: Faults, kubeconfig: Path) -> None:
        """Nobody works yet."""
        self._world, self._faults, self._kubeconfig = world, faults, kubeconfig
        self._keepers: list[asyncio.Task[None]] = []
        self._hired = 0
        self._hiring = asyncio.Lock()
        self.parts: list[Part] = []

    async def hire(self) -> Part:
        """One more worker, started again whenever it dies."""
        self._hired += 1
        name = f"worker-{self._hired}"
        part = await self._world.run(name, self._command())
        self.parts.append(part)
        self._keepers.append(asyncio.create_task(self._keep(part)))
        return part

    async def keep_at_work(self, count: int) -> None:
        """Hire until so many workers are neither dead nor frozen."""
        async with self._hiring:
            for _ in range(count - sum(1 for part in self.parts if _works(part))):
                await self.hire()

    async def renew(self) -> None:
        """End all workers, frozen ones too, and begin with a fresh one."""
        await self.close()
        self.parts, self._keepers = [], []
        await self.hire()

    async def close(self) -> None:
        """End all of them."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        for part in self.parts:
            await part.kill()

    def logs(self) -> str:
        """All that workers have ever logged."""
        logs = [part.log for name, part in self._world.parts.items() if name.startswith("worker-")]
        return "\n".join(log.read_text(errors="replace") for log in logs)

    async def _keep(self, part: Part) -> None:
        while True:
            await part.wait_died_alone()
            await part.start()

    def _command(self) -> Command:
        environment = {
            "TEMPORAL_ADDRESS": self._world.temporal_address,
            "FAILOVER_FLEET": str(self._world.fleet_file),
            "FAILOVER_KUBECONFIG": str(self._kubeconfig),
            "PYTHONPATH": str(ROOT),
            VARIABLE: str(self._faults.directory),
        }
        arguments = (sys.executable, "-m", "tests.support.faulty_worker")
        return Command(arguments, environment, stops_gently=False)


def _works(part: Part) -> bool:
    """Whether the process is there and not stopped."""
    if part.pid is None:
        return False
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(part.pid).status() != psutil.STATUS_STOPPED
    return False


@dataclass
class Saga:
    """Everything that a case needs."""

    world: World
    client: Client
    operator: FlinkOperator
    recorder: Recorder
    crew: Crew
    faults: Faults
    relays: Mapping[str, Relay]
    """The workers' way to each cluster."""
    _numbers: dict[str, int] = field(default_factory=dict[str, int])

    async def application(
        self, name: str, *, on: str = "east", metadata: Mapping[str, Any] | None = None,
        spec: Mapping[str, Any] | None = None,
    ) -> Application:  # fmt: skip
        """A healthy application of this name, made unique."""
        number = self._numbers[name] = self._numbers.get(name, 0) + 1
        app = Application(self, f"{name}-{number}", on)
        await app.create(metadata or {}, spec or {})
        return app

    async def ill_application(self, name: str, **options: Any) -> Application:
        """An application whose JobManager is dead."""
        app = await self.application(name, **options)
        await app.fall_ill()
        return app


@dataclass
class Application:
    """One application, its failover, and what is to be seen of both."""

    saga: Saga
    name: str
    home: str
    uid: str = ""
    job_id: str = ""
    policy: Policy | None = None
    handle: WorkflowHandle[Any, Any] | None = None

    @property
    def ref(self) -> ApplicationRef:
        """Its identity."""
        return ApplicationRef(group=GROUP, kind=KIND, namespace=NAMESPACE, name=self.name)

    @property
    def path(self) -> str:
        """Its path on every API server."""
        return f"{FLINK}/{self.name}"

    @property
    def state(self) -> dict[str, str]:
        """The labels that a new copy has to start with."""
        return {ALIAS_LABEL: self.job_id}

    # The application itself

    async def create(self, metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
        """Create it and wait until its job runs."""
        manifest = {
            "apiVersion": f"{GROUP}/v1beta1",
            "kind": KIND,
            "metadata": {"name": self.name, "namespace": NAMESPACE, **metadata},
            "spec": {
                "image": "flink:1.20",
                "flinkVersion": "v1_20",
                "job": {"jarURI": "local:///x.jar", "parallelism": 1},
                **spec,
            },
        }
        await self.saga.world.api(self.home).create(FLINK, manifest)
        there = await self.running(self.home)
        self.uid = there["metadata"]["uid"]
        self.job_id = there["status"]["jobStatus"]["jobId"]

    async def running(self, cluster: str) -> Manifest:
        """The copy there, once its job runs."""

        async def look() -> Manifest | None:
            there = await self.copy(cluster)
            job = (there or {}).get("status", {}).get("jobStatus", {})
            return there if job.get("jobId") else None

        return await eventually(look, f"{self.name} runs on {cluster}") or {}

    async def fall_ill(self) -> None:
        """The JobManager dies."""
        await self.saga.operator.kill_job_manager(self.home, NAMESPACE, self.name)

    async def recover(self) -> None:
        """The JobManager is back."""
        await self.saga.operator.recover(self.home, NAMESPACE, self.name)

    async def hold_everywhere(self) -> None:
        """Copies of it that are created from now on never get healthy."""
        await self.saga.operator.hold(self.home, NAMESPACE, self.name)

    async def copy(self, cluster: str) -> Manifest | None:
        """The object there."""
        return await self.saga.world.api(cluster).find(self.path)

    async def copies(self) -> dict[str, Manifest]:
        """The object on each cluster that has it."""
        found = {name: await self.copy(name) for name in self.saga.world.clusters}
        return {name: there for name, there in found.items() if there is not None}

    async def record(self, cluster: str) -> Manifest | None:
        """The engine's record there."""
        return await self.saga.world.api(cluster).find(f"{RECORDS}/{record_name(self.ref)}")

    async def annotate(self, cluster: str, annotations: Mapping[str, str | None]) -> None:
        """Write annotations on the copy there."""
        patch = {"metadata": {"annotations": dict(annotations)}}
        await self.saga.world.api(cluster).merge(self.path, patch)

    async def set_finalizers(self, cluster: str, *finalizers: str) -> None:
        """Hold its deletion there, or let it go."""
        with contextlib.suppress(ApiError):  # gone already, which is what no finalizers are for
            await self.saga.world.api(cluster).merge(
                self.path, {"metadata": {"finalizers": list(finalizers)}}
            )

    async def events(self, cluster: str) -> list[Manifest]:
        """The Kubernetes Events about it there."""
        path = f"/api/v1/namespaces/{NAMESPACE}/events"
        selector = f"involvedObject.name={self.name}"
        return await self.saga.world.api(cluster).list(path, fieldSelector=selector)

    # Its failover

    def plant(self, step: str, what: str) -> Fault:
        """Let this happen at its next step of this kind."""
        return self.saga.faults.plant(step, self.name, what)

    def request(self, policy: Policy, **changes: Any) -> FailoverRequest:
        """The request for a failover under this policy."""
        return FailoverRequest(
            application=self.ref,
            source=self.home,
            source_uid=self.uid,
            policy=policy,
            trigger=Trigger(kind="Manual", actor="tests", reason="JobManagerMissing"),
            limits=Limits(blocked_after_seconds=BLOCKED_AFTER_SECONDS),
        ).model_copy(update=changes)

    async def start(self, policy: Policy | None = None, **changes: Any) -> Application:
        """Start its failover, as any trigger would."""
        self.policy = policy or policy_of(self.name)
        request = self.request(self.policy, **changes)
        started = await start_failover(self.saga.client, request)
        self.handle = self.saga.client.get_workflow_handle(
            failover_id(self.ref), run_id=getattr(started, "run_id", None)
        )
        return self

    @property
    def run(self) -> WorkflowHandle[Any, Any]:
        """Its latest run, by run id."""
        assert self.handle is not None, f"{self.name} was not started"
        return self.handle

    async def ends(self, *, seconds: float = DEADLINE_SECONDS) -> Ending:
        """How its failover ends."""
        try:
            async with asyncio.timeout(seconds):
                return await self._ending()
        except TimeoutError:
            shown = await self._shown()
            raise AssertionError(f"{self.name} is not over after {seconds:g} s: {shown}") from None

    async def suffers(self, fault: Fault, *, seconds: float = DEADLINE_SECONDS) -> int:
        """Wait until the fault has struck; the process id of the worker."""
        try:
            return await fault.strikes(seconds=seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}: {await self._shown()}") from None

    async def _shown(self) -> str:
        """Where it stands, for the person who has to find out why."""
        try:
            status = await self.status()
        except (RPCError, AssertionError) as error:
            return f"no status: {error}"
        lines = [
            f"{step.started_at:%H:%M:%S.%f} {step.phase} {step.cluster} {step.attempts} {step.note}"
            for step in status.steps
        ]
        return "\n".join([f"{status.display_phase} {status.reason} {status.message}", *lines])

    async def _ending(self) -> Ending:
        while True:
            try:
                return _ended(await self.run.result(rpc_timeout=CALL))
            except WorkflowFailureError as error:
                return _failed(error)
            except RPCError as error:
                if error.status not in {RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED}:
                    raise

    async def status(self) -> Status:
        """What the query says; a worker that was killed is waited for."""

        async def ask() -> Status | None:
            try:
                told: Status = await self.run.query("status", result_type=Status, rpc_timeout=CALL)
            except RPCError as error:
                if error.status in {
                    RPCStatusCode.DEADLINE_EXCEEDED,
                    RPCStatusCode.UNAVAILABLE,
                    RPCStatusCode.CANCELLED,
                }:
                    return None
                raise
            return told

        found = await eventually(ask, f"{self.name} tells its status", seconds=30)
        assert found is not None
        return found

    async def attribute(self, key: SearchAttributeKey[str]) -> str:
        """One search attribute, which no worker is needed for."""
        described = await self.run.describe(rpc_timeout=CALL)
        return described.typed_search_attributes.get(key) or ""

    async def shows(
        self, phase: str, reason: str = "", *, seconds: float = DEADLINE_SECONDS
    ) -> None:
        """Wait until this phase, and reason, are displayed."""
        seen: list[str] = []

        async def look() -> bool:
            try:
                described = await self.run.describe(rpc_timeout=CALL)
            except RPCError:
                return False
            attributes = described.typed_search_attributes
            now = (attributes.get(SEARCH.phase) or "", attributes.get(SEARCH.reason) or "")
            seen[:] = now
            return now[0] == phase and reason in {"", now[1]}

        try:
            await eventually(look, "", seconds=seconds)
        except AssertionError:
            raise AssertionError(
                f"{self.name} shows {' '.join(seen)}, not {phase} {reason}"
            ) from None

    async def blocks(self, reason: str = "", *, seconds: float = DEADLINE_SECONDS) -> Status:
        """Wait until it is Blocked for this reason; its status then."""
        await self.shows("Blocked", reason, seconds=seconds)
        return await self.status()

    async def resolve(self, action: Action, **details: Any) -> Reply:
        """A person's decision."""
        resolution = Resolution(action=action, actor="tests", **details)
        return await self._update("resolve", resolution)

    async def approve(self, digest: str) -> Reply:
        """A person's approval."""
        return await self._update("approve", Approval(digest=digest, actor="tests"))

    async def deny(self, digest: str) -> Reply:
        """A person's denial."""
        return await self._update("deny", Approval(digest=digest, actor="tests", note="not today"))

    async def retarget(self, cluster: str) -> Reply:
        """A person wants it elsewhere."""
        return await self._update("retarget", Retarget(cluster=cluster, actor="tests"))

    async def _update(self, name: str, argument: Any) -> Reply:
        # the SDK's own overloads leave a type parameter out
        reply: Reply = await self.run.execute_update(  # pyright: ignore[reportUnknownMemberType]
            name, argument, result_type=Reply
        )
        return reply

    async def history(self) -> str:
        """The whole history of its latest run as JSON."""
        return (await self.run.fetch_history()).to_json()

    # What is true at its end

    async def lives_on(self, cluster: str, *, also: Iterable[str] = ()) -> Manifest:
        """Assert that it runs there, healthy, its labels released, and nowhere else but where `also` says."""
        copies = await self.copies()
        assert set(copies) == {cluster, *also}, f"{self.name} is on {sorted(copies)}"
        there = await self.running(cluster)
        assert ALIAS_LABEL not in (there["metadata"].get("labels") or {}), "labels are released"
        return there

    async def is_tidy(self, *clusters: str, home: str) -> None:
        """Assert that the record is closed wherever there is one, and says where home is.

        Where clusters are named, they have one, and others may remember an earlier home.
        """
        found = {name: await self.record(name) for name in self.saga.world.clusters}
        written = {name: record for name, record in found.items() if record is not None}
        assert set(clusters) <= set(written), f"records of {self.name}: {sorted(written)}"
        for name, record in written.items():
            assert not record.get("data"), f"the record of {self.name} on {name} is open"
            says = record["metadata"]["annotations"]["stateful-failover.dev/home"]
            assert says == home or (clusters and name not in clusters), f"{name} says {says}"

    async def kept_its_promises(self, *, two_copies: bool = False, to_the_end: bool = True) -> None:
        """Assert promises 2, 3 and 4 from what the recorder saw."""
        recorder = self.saga.recorder
        if two_copies:
            await recorder.never_zero(NAMESPACE, self.name)
        else:
            await recorder.never_two(NAMESPACE, self.name)
        await recorder.state_kept(NAMESPACE, self.name, ALIAS_LABEL, self.job_id)
        if to_the_end:
            assert await self.copies(), f"{self.name} is nowhere"

    async def moved(self, target: str = "west", *, seconds: float = DEADLINE_SECONDS) -> Ending:
        """Assert that the failover ends well on this target, with all promises kept."""
        ending = await self.ends(seconds=seconds)
        assert ending.outcome is Outcome.COMPLETED, ending
        await self.lives_on(target)
        await self.is_tidy(self.home, target, home=target)
        await self.kept_its_promises()
        return ending

    async def was_never_written(self) -> None:
        """Assert that nothing of ours was ever on its object, and that there is no record."""
        for copy in await self.saga.recorder.copies(NAMESPACE, self.name):
            for _, manifest in copy.versions:
                managers = {each.get("manager") for each in manifest["metadata"]["managedFields"]}
                assert "stateful-failover" not in managers, f"{self.name} was written: {managers}"
        for cluster in self.saga.world.clusters:
            assert await self.record(cluster) is None, f"a record of {self.name} is on {cluster}"

    async def refuse(
        self, cluster: str, operation: str, *, record: bool = False, when: str = "true"
    ) -> Refusing:
        """Have the cluster refuse this operation on its object, or on its record."""
        place, name = (RECORD_PLACE, record_name(self.ref)) if record else (FLINKS, self.name)
        return await refuse(self.saga.world.api(cluster), place, name, operation, when=when)

    async def restored(self, *, seconds: float = DEADLINE_SECONDS) -> Ending:
        """Assert that the original was put back with its state, and nothing else is left."""
        ending = await self.ends(seconds=seconds)
        assert ending.outcome is Outcome.ROLLED_BACK, ending
        there = (await self.copies()).get(self.home)
        assert there is not None, f"{self.name} is not on {self.home}"
        assert set(await self.copies()) == {self.home}
        await self.is_tidy(self.home, home=self.home)
        await self.kept_its_promises()
        return ending

    async def untouched(self, outcome: Outcome = Outcome.ABORTED) -> Ending:
        """Assert that the failover ends with the original never touched, and nothing left."""
        ending = await self.ends()
        assert ending.outcome is outcome, ending
        copies = await self.copies()
        assert set(copies) == {self.home}, sorted(copies)
        assert copies[self.home]["metadata"]["uid"] == self.uid
        await self.is_tidy(home=self.home)
        return ending


def _ended(raw: object) -> Ending:
    result = FailoverResult.model_validate(raw)
    return Ending(result.outcome, result.reason, result.message, result)


def _failed(error: WorkflowFailureError) -> Ending:
    cause = error.cause
    if isinstance(cause, CancelledError):
        return Ending(Outcome.ABORTED, "Cancelled", str(cause), cancelled=True)
    if isinstance(cause, ApplicationError) and cause.details:
        result = FailoverResult.model_validate(cause.details[0])
        return Ending(result.outcome, result.reason, result.message, result)
    raise AssertionError(f"the run failed in an unexpected way: {cause!r}") from error


Case = Callable[[Saga], Awaitable[None]]


async def play(saga: Saga, cases: Mapping[str, Case]) -> dict[str, BaseException | None]:
    """Play cases side by side, a bounded number at a time; what each of them raised."""
    bound = asyncio.Semaphore(SIDE_BY_SIDE_MAX)

    async def one(case: Case) -> BaseException | None:
        async with bound:
            try:
                await case(saga)
            except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - its own test reports it
                return error
            return None

    raised = await asyncio.gather(*(one(case) for case in cases.values()))
    return dict(zip(cases, raised, strict=True))


def report(played: Mapping[str, BaseException | None], name: str) -> None:
    """Raise what this case raised."""
    if (error := played[name]) is not None:
        raise error


def through(relays: Mapping[str, Relay], kubeconfig: Path, copy: Path) -> Path:
    """A copy of the kubeconfig that leads through the relays."""
    document = yaml.safe_load(kubeconfig.read_text())
    for entry in document["clusters"]:
        entry["cluster"]["server"] = relays[entry["name"]].address
    copy.write_text(yaml.safe_dump(document))
    return copy


@asynccontextmanager
async def staged(directory: Path, *, workers: int = 1) -> AsyncGenerator[Saga, None]:
    """A world with everything that a saga needs."""
    async with AsyncExitStack() as stack:
        world = World(directory / "world", clusters=CLUSTERS, ui=False, durable=False)
        await stack.enter_async_context(temporary(world))
        namespaces = [namespace_manifest(name) for name in (NAMESPACE, "failover-system")]
        await world.install_everywhere(namespaces)
        recorder = await stack.enter_async_context(recording(world))
        operator = await stack.enter_async_context(
            FlinkOperator({name: world.api(name) for name in world.clusters})
        )
        client = await connect(address=world.temporal_address)
        await ensure_search_attributes(client)
        faults = Faults(directory / "faults")
        relays = {
            name: await stack.enter_async_context(relay_to(world.api(name).server))
            for name in world.clusters
        }
        least = await least_rights(world, directory / "mover", namespaces=(NAMESPACE,))
        crew = Crew(world, faults, through(relays, least, directory / "kubeconfig"))
        stack.push_async_callback(crew.close)
        for _ in range(workers):
            await crew.hire()
        yield Saga(world, client, operator, recorder, crew, faults, relays)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def saga(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Saga]:
    """The stage that all scenarios share; whoever stops a part of it starts it again."""
    async with staged(tmp_path_factory.mktemp("saga")) as saga:
        yield saga


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal to one process."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
