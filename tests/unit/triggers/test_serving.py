"""The webhook's answers: what is started, what is refused, and what is to be tried again."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import ClientSession

from failover.domain.errors import ClusterUnreachable, FailoverError, InvalidInput, UnknownKind
from failover.domain.identity import ApplicationRef, GroupKind, failover_id
from failover.domain.manifest import Manifest
from failover.domain.marks import SUPERSEDED_BY
from failover.domain.rbac import POLICY_KINDS
from failover.domain.record import Record, to_secrets
from failover.domain.request import FailoverRequest, Limits
from failover.domain.topology import ClusterFacts
from failover.fleet import Change, Cluster
from failover.telemetry import Metrics
from failover.temporal import TemporalUnreachable
from tests.support.alerts import alert, call, grafana_call
from tests.support.definitions import policy
from tests.support.objects import flink
from tests.support.waiting import eventually
from tests.unit.triggers.clusters import ScriptedCluster, as_cluster
from triggers import homes, in_force, serving
from triggers import policies as policies_module
from triggers.admitting import Address, Door
from triggers.connection import Starting
from triggers.generating import Generator
from triggers.homes import Homes
from triggers.in_force import InForce
from triggers.objects import PolicyObjects
from triggers.policies import PolicyDirectory, PolicySource
from triggers.receiving import Reading, Receiver
from triggers.requesting import Manner
from triggers.serving import Server, listening
from triggers.starting import DifferentIncident, Merged, Start, Started, incident

TOKEN = "a-token-of-some-length"
POLICY = """
apiVersion: stateful-failover.dev/v1alpha1
kind: FailoverPolicy
metadata: {name: flink, namespace: shop}
spec:
  resourceSelectors: [{apiVersion: flink.apache.org/v1beta1, kind: FlinkDeployment}]
  failover: {application: {purgeMode: Directly}}
"""


class SeenCluster:
    """A cluster on which some objects are seen, or an error."""

    def __init__(self, name: str) -> None:
        """Nothing is there."""
        self.name = name
        self.objects: dict[str, Manifest] = {}
        self.records: list[Manifest] = []
        self.error: FailoverError | None = None

    async def find(self, _kind: GroupKind, _namespace: str, name: str) -> Manifest | None:
        """What is there under the name."""
        if self.error is not None:
            raise self.error
        return self.objects.get(name)

    async def list(self, *_: Any, **__: Any) -> list[Manifest]:
        """The records."""
        return self.records


class SeenFleet:
    """East and west."""

    name = "seen"

    def __init__(self) -> None:
        """Nothing is on either."""
        self.east, self.west = SeenCluster("east"), SeenCluster("west")
        self.facts = (ClusterFacts(name="east"), ClusterFacts(name="west"))

    def cluster(self, name: str) -> Cluster:
        """One by name."""
        return cast("Cluster", {"east": self.east, "west": self.west}[name])


class ToldTemporal(Starting):
    """Temporal, as far as a trigger sees it: one run per application, or no answer."""

    def __init__(self) -> None:
        """Nothing runs."""
        self.requests: list[FailoverRequest] = []
        self.running: dict[str, str] = {}
        self.woken: list[str] = []
        self.silent = False

    async def __call__(self, request: FailoverRequest) -> Start:
        """Start, join or leave be."""
        await self.check()
        self.requests.append(request)
        name = failover_id(request.application)
        ours = incident(request.source, request.source_uid)
        theirs = self.running.setdefault(name, ours)
        if theirs != ours:
            return DifferentIncident(name, "run", request.application, ours, theirs)
        known = sum(failover_id(each.application) == name for each in self.requests) > 1
        return Merged(name, "run") if known else Started(name, "run")

    async def wake(self, application: ApplicationRef) -> bool:
        """Wake what runs."""
        await self.check()
        self.woken.append(application.name)
        return failover_id(application) in self.running

    async def check(self) -> None:
        """Answer, or not."""
        if self.silent:
            raise TemporalUnreachable("Temporal does not answer")


class Stage:
    """A server with a policy for the FlinkDeployments of a namespace."""

    def __init__(
        self, source: PolicySource, session: ClientSession, door: Door | None = None
    ) -> None:
        """It does not listen yet."""
        self.fleet, self.temporal, self.metrics = SeenFleet(), ToldTemporal(), Metrics()
        self.in_force = InForce(source, self.metrics)
        receiver = Receiver(
            self.fleet,
            self.in_force,
            self.temporal,
            self.metrics,
            Manner(Limits()),
            Reading(),
        )
        self.door = door or Door(Address("127.0.0.1", 0))
        generator = Generator(Homes(self.fleet), {})
        self.server = Server(receiver, generator, self.metrics, self.door)
        self.session = session
        self.url = ""

    def show(self, *names: str, cluster: str = "east", **annotations: str) -> None:
        """These are on the cluster."""
        seen = self.fleet.east if cluster == "east" else self.fleet.west
        for each in names:
            manifest = flink()
            manifest["metadata"] |= {"name": each, "uid": f"{each}-{cluster}"}
            manifest["metadata"]["annotations"] = annotations
            seen.objects[each] = manifest

    async def post(
        self, body: bytes, path: str = "/alertmanager", **headers: str
    ) -> tuple[int, dict[str, Any]]:
        """Make a call; the status code and the answer."""
        async with self.session.post(
            self.url + path, data=io.BytesIO(body), headers=headers
        ) as answer:
            if answer.status == 503:
                assert int(answer.headers["Retry-After"]) > 0
            return answer.status, await answer.json()

    async def get(self, path: str) -> tuple[int, str]:
        """Look at something."""
        async with self.session.get(self.url + path) as answer:
            return answer.status, await answer.text()

    def sample(self, name: str, **labels: str) -> float | None:
        """One of its metrics."""
        return self.metrics.registry.get_sample_value(name, labels)


@asynccontextmanager
async def staged(source: PolicySource, door: Door | None = None) -> AsyncGenerator[Stage, None]:
    """A stage that listens."""
    async with ClientSession() as session:
        stage = Stage(source, session, door)
        following = asyncio.create_task(stage.in_force.follow())
        try:
            async with listening(stage.server, stage.door) as port:
                stage.url = f"http://127.0.0.1:{port}"
                yield stage
        finally:
            following.cancel()
            await asyncio.wait({following})


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at files often, and wait for no policies that do not come."""
    monkeypatch.setattr(policies_module, "READ_EVERY", timedelta(seconds=0.02))
    monkeypatch.setattr(in_force, "FIRST_SECONDS_MAX", 0.5)


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """A directory with the policy."""
    directory = tmp_path / "policies"
    directory.mkdir()
    (directory / "policy.yaml").write_text(POLICY)
    return directory


@pytest.fixture
async def stage(policies: Path) -> AsyncIterator[Stage]:
    """A stage whose door is open to this machine."""
    async with staged(PolicyDirectory(policies)) as stage:
        yield stage


def about(name: str, status: str = "firing", **labels: str) -> dict[str, Any]:
    """An alert that names a FlinkDeployment."""
    return alert(
        status=status,
        namespace="shop",
        failover_kind="FlinkDeployment",
        failover_name=name,
        **labels,
    )


def outcomes(answer: dict[str, Any]) -> list[str]:
    """What became of each."""
    return [each["outcome"] for each in answer["results"]]


def reasons(answer: dict[str, Any]) -> list[str]:
    """Why nothing became of each."""
    return [each.get("reason", "") for each in answer["results"]]


@pytest.mark.parametrize("path", ["/alertmanager", "/grafana"])
async def test_an_alert_that_fires_starts_a_failover(stage: Stage, path: str) -> None:
    """Where the application lives, as its policy says, in the name of the alert."""
    stage.show("orders")
    said = {**about("orders"), "annotations": {"summary": "no checkpoint for 10 minutes"}}
    body = grafana_call(said) if path == "/grafana" else call(said)
    status, answer = await stage.post(body, path)
    assert status == 200
    assert answer["results"] == [
        {
            "outcome": "Started",
            "alert": "FlinkJobDown",
            "message": "failover/shop/FlinkDeployment.flink.apache.org/orders has begun",
            "application": "FlinkDeployment/orders in shop",
            "cluster": "east",
            "failover": "failover/shop/FlinkDeployment.flink.apache.org/orders",
            "runId": "run",
        }
    ]
    (request,) = stage.temporal.requests
    assert (request.source, request.source_uid) == ("east", "orders-east")
    assert request.policy.name == "flink"
    assert (request.trigger.kind, request.trigger.reason) == ("Alert", "FlinkJobDown")
    assert request.trigger.message == "no checkpoint for 10 minutes"
    assert stage.sample("failover_alerts_total", outcome="Started") == 1
    assert stage.sample("failover_webhook_calls_total", code="200") == 1


async def test_a_call_may_be_repeated(stage: Stage) -> None:
    """The second one wakes what the first one began."""
    stage.show("orders")
    body = call(about("orders"))
    assert outcomes((await stage.post(body))[1]) == ["Started"]
    assert outcomes((await stage.post(body))[1]) == ["Merged"]


async def test_what_is_resolved_wakes_and_starts_nothing(stage: Stage) -> None:
    """Also where no cluster answers: what runs looks for itself."""
    stage.fleet.east.error = stage.fleet.west.error = ClusterUnreachable("no answer")
    body = call(about("orders", status="resolved"))
    assert outcomes((await stage.post(body))[1]) == ["NothingRunning"]
    application = ApplicationRef(
        group="flink.apache.org", kind="FlinkDeployment", namespace="shop", name="orders"
    )
    stage.temporal.running[failover_id(application)] = "east/uid"
    assert outcomes((await stage.post(body))[1]) == ["Woken"]
    assert stage.temporal.requests == []


async def test_an_application_is_found_where_it_lives(stage: Stage) -> None:
    """A copy that a failover left behind does not count, nor does a cluster without the kind."""
    stage.show("orders", **{SUPERSEDED_BY: "west"})
    stage.show("orders", cluster="west")
    await stage.post(call(about("orders")))
    stage.fleet.east.error = UnknownKind("no such kind")
    stage.show("bills", cluster="west")
    await stage.post(call(about("bills")))
    assert [each.source for each in stage.temporal.requests] == ["west", "west"]


async def test_where_it_is_not_nothing_begins(stage: Stage) -> None:
    """The answer says why: gone, elsewhere, on two clusters, or on one that nobody knows."""
    stage.show("twice")
    stage.show("twice", "moved", cluster="west")
    status, answer = await stage.post(
        call(
            about("gone"),
            about("moved", cluster="east"),
            about("twice"),
            about("moved", cluster="prod"),
        )
    )
    assert status == 200
    assert outcomes(answer) == ["Unmatched"] * 4
    assert reasons(answer) == ["NotFound", "NotFound", "LivesOnTwoClusters", "UnknownCluster"]
    assert stage.temporal.requests == []
    assert stage.sample("failover_alerts_total", outcome="Unmatched") == 4


async def test_two_policies_are_none(stage: Stage, policies: Path) -> None:
    """Which one counts is nobody's guess; a policy that is written or removed later is taken up."""
    stage.show("orders")
    await stage.in_force.now()
    other = POLICY.replace("name: flink,", "name: other,")
    (policies / "other.yaml").write_text(other)
    await eventually(lambda: stage.sample("failover_policies") == 2, "both are read")
    _, answer = await stage.post(call(about("orders")))
    assert reasons(answer) == ["AmbiguousPolicy"]
    (policies / "other.yaml").unlink()
    await eventually(lambda: stage.sample("failover_policies") == 1, "one is left")
    assert outcomes((await stage.post(call(about("orders"))))[1]) == ["Started"]


async def test_alerts_that_were_left_out_are_warned_about(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """In the answer, in the log, and as a metric."""
    status, answer = await stage.post(call(truncatedAlerts=3))
    assert (status, answer["truncatedAlerts"]) == (200, 3)
    assert "left out 3 alerts" in answer["warnings"][0]
    assert "left out 3 alerts" in caplog.text
    assert stage.sample("failover_truncated_alerts_total") == 3


async def test_a_call_that_means_too_much_starts_nothing(stage: Stage) -> None:
    """422: the same call would be refused again."""
    names = [f"orders-{number}" for number in range(51)]
    stage.show(*names)
    status, answer = await stage.post(call(*map(about, names)))
    assert (status, answer["error"]["reason"]) == (422, "TooManyApplications")
    assert stage.temporal.requests == []


async def test_while_temporal_is_away_the_call_is_to_be_made_again(stage: Stage) -> None:
    """503, and nothing is lost: the next one starts it."""
    stage.show("orders")
    stage.temporal.silent = True
    status, answer = await stage.post(call(about("orders"), about("bills", status="resolved")))
    assert (status, outcomes(answer)) == (503, ["Unavailable", "Unavailable"])
    assert (await stage.get("/readyz"))[0] == 503
    assert (await stage.get("/healthz"))[0] == 200
    stage.temporal.silent = False
    assert (await stage.post(call(about("orders"))))[0] == 200
    assert (await stage.get("/readyz"))[0] == 200


async def test_what_could_be_done_is_done(stage: Stage) -> None:
    """A cluster that does not answer hinders only those that may live there, until it does."""
    stage.show("orders")
    stage.fleet.west.error = ClusterUnreachable("no answer")
    body = call(about("orders"), about("bills"))
    status, answer = await stage.post(body)
    assert (status, outcomes(answer)) == (503, ["Started", "Unavailable"])
    stage.fleet.west.error = None
    stage.show("bills", cluster="west")
    status, answer = await stage.post(body)
    assert (status, outcomes(answer)) == (200, ["Merged", "Started"])


async def test_without_policies_that_were_ever_read_nobody_is_told_all_is_well() -> None:
    """503 until every kind of the cluster that holds them was seen; then what is hidden stays in force."""
    home, (ours, rules, karmadas, *others) = ScriptedCluster("home"), POLICY_KINDS
    home.give(ours, policy("shop"))
    for kind in (rules, *others):
        home.give(kind)
    home.tell(karmadas, Change("Stale", {}, "Forbidden", "not allowed"))
    async with staged(PolicyObjects(as_cluster(home))) as stage:
        stage.show("orders")
        status, answer = await stage.post(call(about("orders")))
        assert (status, answer["error"]["reason"]) == (503, "PoliciesUnread")
        assert "PropagationPolicy.policy.karmada.io cannot be seen" in answer["error"]["message"]
        assert (await stage.get("/readyz"))[0] == 503
        home.give(karmadas)
        await eventually(lambda: stage.sample("failover_policies") == 1, "all of it is seen")
        home.tell(karmadas, Change("Stale", {}, "ClusterUnreachable", "home is silent"))
        assert outcomes((await stage.post(call(about("orders"))))[1]) == ["Started"]
        assert (await stage.get("/readyz"))[0] == 200


async def test_policies_that_were_read_stay_in_force(stage: Stage, policies: Path) -> None:
    """Also where their directory is gone by now."""
    stage.show("orders")
    await stage.in_force.now()
    await asyncio.to_thread(shutil.rmtree, policies)
    assert outcomes((await stage.post(call(about("orders"))))[1]) == ["Started"]


async def test_only_who_has_the_token_may_call(policies: Path, tmp_path: Path) -> None:
    """401 with a word on what is missing; probes and metrics are open; a vanished file is 503."""
    file = tmp_path / "tokens"
    file.write_text(TOKEN)
    door = Door(Address("127.0.0.1", 0), token_file=file)
    async with staged(PolicyDirectory(policies), door) as stage:
        stage.show("orders")
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}):
            status, answer = await stage.post(call(about("orders")), **headers)
            assert (status, answer["error"]["reason"]) == (401, "Unauthorized")
        assert stage.temporal.requests == []
        generator = "/api/v1/getparams.execute"
        assert (await stage.post(b"{}", path=generator))[0] == 401
        told = await stage.post(b"{", path=generator, Authorization=f"Bearer {TOKEN}")
        assert (told[0], told[1]["error"]["reason"]) == (400, "MalformedQuestion")
        status, _ = await stage.post(call(about("orders")), Authorization=f"Bearer {TOKEN}")
        assert status == 200
        for path in ("/healthz", "/readyz", "/metrics"):
            assert (await stage.get(path))[0] == 200
        file.unlink()
        status, answer = await stage.post(call(), Authorization=f"Bearer {TOKEN}")
        assert (status, answer["error"]["reason"]) == (503, "TokensUnreadable")


async def test_who_asks_for_too_many_homes_is_told_to_ask_for_less(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """422: an answer with a part of them would take the others' Applications away."""
    monkeypatch.setattr(homes, "RECORDS_MAX", 2)
    for namespace, name in (("shop", "orders"), ("shop", "bills"), ("bank", "orders")):
        app = ApplicationRef(group="apps", kind="Deployment", namespace=namespace, name=name)
        stage.fleet.east.records.append(
            to_secrets(Record(application=app, generation=1, home="east"))[0]
        )
    ask, question = "/api/v1/getparams.execute", {"input": {"parameters": {"kind": "Deployment"}}}
    status, answer = await stage.post(json.dumps(question).encode(), ask)
    assert (status, answer["error"]["reason"]) == (422, "TooManyHomes")
    assert answer["error"]["message"] == (
        "3 applications are meant, more than 2 at once; give a namespace or a kind in input.parameters"
    )
    question["input"]["parameters"]["namespace"] = "shop"
    status, answer = await stage.post(json.dumps(question).encode(), ask)
    assert (status, len(answer["output"]["parameters"])) == (200, 2)


async def test_what_cannot_be_read_is_refused(stage: Stage) -> None:
    """Each with its status code, as JSON."""
    status, answer = await stage.post(b"{")
    assert (status, answer["error"]["reason"]) == (400, "MalformedCall")
    status, answer = await stage.post(b" " * (serving.BODY_BYTES_MAX + 1))
    assert (status, answer["error"]["reason"]) == (413, "BodyTooLarge")
    status, answer = await stage.post(call(), path="/elsewhere")
    assert (status, answer["error"]["reason"]) == (404, "NotFound")
    status, text = await stage.get("/alertmanager")
    assert (status, json.loads(text)["error"]["reason"]) == (405, "MethodNotAllowed")
    assert stage.temporal.requests == []


async def test_a_body_that_does_not_come_is_not_waited_for(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """408 after a while, whatever its length was said to be."""
    monkeypatch.setattr(serving, "BODY_SECONDS_MAX", 0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(stage.url.rpartition(":")[2]))
    writer.write(b"POST /alertmanager HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    async with asyncio.timeout(5):
        assert b" 408 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


async def test_there_is_a_bound_to_what_is_in_hand(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One too many is told to come again."""
    monkeypatch.setattr(serving, "CALLS_MAX", 0)
    status, answer = await stage.post(call())
    assert (status, answer["error"]["reason"]) == (503, "Busy")


async def test_the_metrics_are_there_before_the_first_call(stage: Stage) -> None:
    """Counters at zero, so that their first increase shows."""
    _, text = await stage.get("/metrics")
    assert 'failover_alerts_total{outcome="Started"} 0.0' in text
    assert 'failover_webhook_calls_total{code="401"} 0.0' in text


async def test_a_port_that_is_taken_is_told(stage: Stage, policies: Path) -> None:
    """In a sentence."""
    port = int(stage.url.rpartition(":")[2])
    with pytest.raises(InvalidInput, match="--listen"):
        async with staged(PolicyDirectory(policies), Door(Address("127.0.0.1", port))):
            pass
