"""The command line from start to end: what a person types, reads and gets as an exit code."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest

from devstack.flink import ALIAS_LABEL
from devstack.ports import LOOPBACK
from failover.domain.identity import ApplicationRef, failover_id
from failover.domain.manifest import uid_of
from tests.support.engine import (
    Answered,
    Engine,
    failover_policy,
    write_policy,
)
from tests.support.waiting import eventually
from worker import count_failovers

UI = "http://temporal.example"


class Orders:
    """One application `orders`, and the commands about it."""

    def __init__(self, engine: Engine, namespace: str, directory: Path) -> None:
        self.engine = engine
        self.namespace = namespace
        self.directory = directory
        self.application: ApplicationRef = engine.flink("orders", namespace)

    def policy(self, **wishes: object) -> str:
        """A policy file about it."""
        return write_policy(self.directory, failover_policy("orders", self.namespace, **wishes))  # type: ignore[arg-type]

    async def do(self, verb: str, *flags: str) -> Answered:
        """`failover VERB flinkdeployment/orders -n … FLAGS`."""
        return await self.engine.cli(verb, "flinkdeployment/orders", "-n", self.namespace, *flags)

    async def start(self, policy: str, *flags: str) -> Answered:
        """Start a failover without being asked."""
        return await self.do("start", "-f", policy, "-y", *flags)

    async def sick(self) -> None:
        """Let it run on east, with a dead JobManager."""
        await self.engine.apply_sick_flink("orders", self.namespace)


@pytest.fixture
def orders(engine: Engine, namespace: str, tmp_path: Path) -> Orders:
    """An application of the test's own; it is nowhere yet."""
    return Orders(engine, namespace, tmp_path)


async def test_a_sick_application_is_moved_by_one_command(
    orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`start --wait` shows topology, plan and link, moves it, and ends with 0; the views then tell."""
    monkeypatch.setenv("FAILOVER_UI", f"{UI}/")
    await orders.sick()
    counted = _counted(orders.engine)
    started = await orders.start(orders.policy(), "--wait", "--timeout", "60")
    assert started.code == 0, started.err
    assert "lives here" in started.out
    assert "Chosen" in started.out
    assert f"{failover_id(orders.application)} started" in started.out
    link = f"{UI}/namespaces/default/workflows/failover%2F{orders.namespace}"
    assert link in started.out
    moved = await orders.engine.healthy_on("west", orders.application)
    assert ALIAS_LABEL not in moved["metadata"].get("labels", {})
    assert await orders.engine.find("east", orders.application) is None
    assert _counted(orders.engine) == [each + 1 for each in counted]
    await _status_tells(orders)
    await _timeline_tells(orders)
    await _list_tells(orders)


def _counted(engine: Engine) -> list[float]:
    """How many have completed, and been in some of the phases, as the worker's metrics have it."""
    phases = ("Purging", "Starting", "Verifying")
    seconds = "failover_phase_duration_seconds_count"
    return [
        engine.sample("failover_total", outcome="Completed"),
        *(engine.sample(seconds, phase=each) for each in phases),
    ]


async def _status_tells(orders: Orders) -> None:
    shown = await orders.do("status")
    assert shown.code == 0
    assert shown.out.startswith(f"FlinkDeployment/orders in {orders.namespace}: Completed")
    waited = await orders.do("status", "--wait", "-o", "json")
    assert waited.code == 0
    assert waited.json["outcome"] == "Completed"
    assert waited.json["result"]["target"] == "west"
    assert waited.json["exitCode"] == 0


async def _timeline_tells(orders: Orders) -> None:
    shown = await orders.do("timeline")
    phases = [row[0] for row in shown.rows if row]
    assert phases[0] == "PHASE"
    for phase in ("Planning", "Capturing", "Purging", "Starting", "Verifying", "Finishing"):
        assert phase in phases, shown.out
    assert phases[-1].startswith("Completed after")
    data = (await orders.do("timeline", "-o", "json")).json
    assert [step["phase"] for step in data["steps"]] == phases[1:-1]
    assert all(step["endedAt"] for step in data["steps"])
    earlier = await orders.do("timeline", "--run", data["runId"])
    assert earlier.out == shown.out


async def _list_tells(orders: Orders) -> None:
    engine = orders.engine

    async def ended() -> Answered | None:
        answered = await engine.cli("list", "-n", orders.namespace, "--all")
        return answered if "Completed" in answered.out else None

    listed = await engine.wait_for(ended, "the list shows the end")
    assert listed.rows[0] == ["NAME", "PHASE", "FROM", "TO", "REASON", "AGE"]
    assert listed.rows[1][:4] == ["flinkdeployment/orders", "Completed", "east", "west"]
    named = await engine.cli("list", "-n", orders.namespace, "--all", "-o", "name")
    assert named.out == "flinkdeployment.flink.apache.org/orders\n"
    wide = await engine.cli("list", "-A", "--all", "-o", "wide")
    assert wide.rows[0][0] == "NAMESPACE"
    assert wide.rows[0][-1] == "RUN"
    empty = await engine.cli("list", "-n", orders.namespace)
    assert (empty.code, empty.out) == (0, "")
    assert "No failovers under way" in empty.err


async def test_a_healthy_application_is_refused(orders: Orders) -> None:
    """Nothing is started, the exit code is 5, and the message says what would force it."""
    await orders.engine.apply_flink("orders", orders.namespace)
    refused = await orders.start(orders.policy())
    assert refused.code == 5
    assert "is healthy on east" in refused.err
    assert "--force --reason" in refused.err
    assert (await orders.do("status")).code == 1
    forced = await orders.start(orders.policy(), "--force")
    assert forced.code == 2
    assert "--reason" in forced.err


async def test_a_healthy_application_is_moved_where_a_person_insists(orders: Orders) -> None:
    """`--force --reason` moves it, to the cluster asked for; the reason stands in the status."""
    await orders.engine.apply_flink("orders", orders.namespace)
    policy = orders.policy(clusters=("east", "west", "north"))
    wishes = (
        "--to",
        "north",
        "--force",
        "--reason",
        "east is drained",
        "--wait",
        "--timeout",
        "60",
    )
    moved = await orders.start(policy, *wishes)
    assert moved.code == 0, moved.err
    await orders.engine.healthy_on("north", orders.application)


async def test_without_a_terminal_somebody_has_to_say_yes(orders: Orders) -> None:
    """Without -y and without a terminal nothing is started; the error names -y."""
    await orders.sick()
    answered = await orders.do("start", "-f", orders.policy())
    assert answered.code == 2
    assert "-y" in answered.err
    assert (await orders.do("status")).code == 1


async def test_plan_shows_the_very_object_and_does_nothing(orders: Orders) -> None:
    """The plan has the manifest with the captured state and a diff; the clusters are as before."""
    await orders.sick()
    before = await orders.engine.find("east", orders.application)
    assert before is not None
    job = before["status"]["jobStatus"]["jobId"]
    shown = await orders.do("plan", "-f", orders.policy())
    assert shown.code == 0, shown.err
    assert f"+    {ALIAS_LABEL}: {job}" in shown.out
    assert "--- east/flinkdeployment/orders" in shown.out
    data = (await orders.do("plan", "-f", orders.policy(), "-o", "json")).json
    assert data["manifest"]["metadata"]["labels"] == {ALIAS_LABEL: job}
    assert "status" not in data["manifest"]
    assert data["answer"]["target"] == "west"
    assert data["answer"]["purgeMode"] == "Directly"
    assert await orders.engine.find("west", orders.application) is None
    assert await orders.engine.find("east", orders.application) == before
    assert (await orders.do("status")).code == 1


async def test_a_plan_that_a_rule_refuses_exits_with_5(orders: Orders) -> None:
    """Two copies of exclusive state are refused by `plan` and by `start`, with the remedy."""
    await orders.sick()
    policy = orders.policy(purgeMode="Gracefully")
    for answered in (await orders.do("plan", "-f", policy), await orders.start(policy)):
        assert answered.code == 5
        assert "purgeMode: Directly" in answered.err


async def test_state_that_is_not_there_is_refused_before_anything_starts(orders: Orders) -> None:
    """A rule that finds no state: exit code 5, naming the path, unless it is forced."""
    await orders.sick()
    refused = await orders.start(orders.policy(json_path="{ .jobStatus.savepoint }"))
    assert refused.code == 5
    assert "savepoint" in refused.err
    assert "--force --reason" in refused.err


async def test_a_blocked_failover_is_retried_skipped_and_aborted(orders: Orders) -> None:
    """Blocked is exit code 3 with the commands; what makes no sense is refused; abort ends it."""
    await orders.sick()
    policy = orders.policy(json_path="{ .jobStatus.savepoint }")
    forced = await orders.start(
        policy, "--force", "--reason", "the checkpoint is gone", "--wait", "--timeout", "60"
    )
    assert forced.code == 3, forced.err
    shown = await orders.do("status")
    assert "Blocked (Planning)" in shown.out
    assert f"failover retry flinkdeployment/orders -n {orders.namespace}" in shown.out
    assert (await orders.do("status", "--wait")).code == 3
    await _is_counted_as_blocked(orders.engine)
    senseless = await orders.do("skip")
    assert senseless.code == 2
    assert "name the one rule" in senseless.err
    retried = await orders.do("retry", "--reason", "once more", "-o", "json")
    assert retried.code == 0, retried.err
    await orders.engine.in_phase(orders.application, "Blocked")
    aborted = await orders.do("abort", "--actor", "ada", "--reason", "enough")
    assert aborted.code == 0, aborted.err
    ended = await orders.do("status", "--wait", "--timeout", "30", "-o", "json")
    assert ended.code == 1
    assert ended.json["outcome"] == "Aborted"
    assert any("ada" in each for each in ended.json["result"]["decisions"])
    again = await orders.do("abort")
    assert again.code == 1
    assert "no failover" in again.err


async def _is_counted_as_blocked(engine: Engine) -> None:
    """The metric that the alert rules look at; lists lag, so it is counted until it is there."""

    async def counted() -> bool:
        await count_failovers(engine.client, engine.metrics)
        waiting = engine.sample("failover_waiting", reason="Blocked")
        return 1 <= waiting <= engine.sample("failover_open")

    await engine.wait_for(counted, "a worker counts it as Blocked")


async def test_a_skipped_rule_starts_the_copy_cold(orders: Orders) -> None:
    """`skip --rule … --cold-start` leaves the state behind, and the failover completes."""
    await orders.sick()
    policy = orders.policy(json_path="{ .jobStatus.savepoint }")
    wishes = ("--force", "--reason", "r", "--wait", "--timeout", "60")
    assert (await orders.start(policy, *wishes)).code == 3
    skipped = await orders.do("skip", "--rule", ALIAS_LABEL, "--cold-start")
    assert skipped.code == 0, skipped.err
    ended = await orders.do("status", "--wait", "--timeout", "60")
    assert ended.code == 0, ended.err
    await orders.engine.healthy_on("west", orders.application)


async def test_replan_takes_a_new_policy(orders: Orders) -> None:
    """`replan -f` goes on under the policy of the file."""
    await orders.sick()
    wishes = ("--force", "--reason", "r", "--wait", "--timeout", "60")
    bad = orders.policy(json_path="{ .jobStatus.savepoint }")
    assert (await orders.start(bad, *wishes)).code == 3
    replanned = await orders.do("replan", "-f", orders.policy())
    assert replanned.code == 0, replanned.err
    assert "statePreservation.rules" in replanned.out, "the answer says what is different"
    assert (await orders.do("status", "--wait", "--timeout", "60")).code == 0


async def test_replan_takes_override_policies_alone(orders: Orders) -> None:
    """A file with an override policy only leaves the policy as it is, and shapes the copy."""
    await orders.sick()
    started = await orders.start(orders.policy(mode="Confirm"), "--wait", "--timeout", "60")
    assert started.code == 3, started.err
    file = write_policy(orders.directory, image_override(orders.namespace))
    replanned = await orders.do("replan", "-f", file)
    assert replanned.code == 0, replanned.err
    assert "added OverridePolicy/orders" in replanned.out

    async def approved() -> bool:
        return (await orders.do("approve", "-y")).code == 0  # 2 while it is planned anew

    await eventually(approved, "the new plan is approved")
    assert (await orders.do("status", "--wait", "--timeout", "60")).code == 0
    copy = await orders.engine.find("west", orders.application)
    assert copy is not None
    assert copy["spec"]["image"] == "west.example/flink:1.20"
    status = (await orders.do("status", "-o", "json")).json
    assert any("added OverridePolicy/orders" in each for each in status["result"]["decisions"])


def image_override(namespace: str) -> dict[str, Any]:
    """An override policy for the image of everything in the namespace."""
    plain = {"path": "/spec/image", "operator": "replace", "value": "west.example/flink:1.20"}
    return {
        "apiVersion": "policy.karmada.io/v1alpha1",
        "kind": "OverridePolicy",
        "metadata": {"name": "orders-image", "namespace": namespace},
        "spec": {"overrideRules": [{"overriders": {"plaintext": [plain]}}]},
    }


async def test_an_approval_is_for_the_plan_that_was_shown(orders: Orders) -> None:
    """A Confirm policy waits (3); approve needs somebody to say yes, and shows the plan first."""
    await orders.sick()
    started = await orders.start(orders.policy(mode="Confirm"), "--wait", "--timeout", "60")
    assert started.code == 3, started.err
    unasked = await orders.do("approve")
    assert unasked.code == 2
    assert "create flinkdeployment/orders on west" in unasked.out
    other = await orders.do("approve", "--digest", "0123456789abcdef")
    assert other.code == 2
    assert "the plan has changed" in other.err
    approved = await orders.do("approve", "-y")
    assert approved.code == 0, approved.err
    assert (await orders.do("status", "--wait", "--timeout", "60")).code == 0


async def test_a_denied_plan_ends_the_failover(orders: Orders) -> None:
    """`deny` ends it as Aborted, and the application stays where it is."""
    await orders.sick()
    assert (await orders.start(orders.policy(mode="Confirm"), "--wait")).code == 3
    denied = await orders.do("deny", "--reason", "not tonight")
    assert denied.code == 0, denied.err
    assert (await orders.do("status", "--wait", "--timeout", "30")).code == 1
    assert await orders.engine.find("east", orders.application) is not None


async def test_a_pause_holds_and_resume_releases(orders: Orders) -> None:
    """While its pause is open a failover is Held (3), and every view says so on top."""
    await orders.sick()
    paused = await orders.do("pause", "--reason", "maintenance", "--actor", "ada")
    assert paused.code == 0, paused.err
    again = await orders.do("pause", "--reason", "other")
    assert "already" in again.out
    told = f"application {failover_id(orders.application).removeprefix('failover/')} is paused by ada: maintenance"
    held = await orders.start(orders.policy(), "--wait", "--timeout", "60")
    assert held.code == 3, held.err
    assert told in held.err
    assert told in (await orders.do("status")).err, "on top of it, whoever reads the rest"
    assert told in (await orders.engine.cli("list", "-n", orders.namespace)).err
    listed = await orders.engine.cli("list", "-n", orders.namespace, "-o", "json")
    assert "maintenance" in [each["reason"] for each in listed.json["pauses"]]
    assert listed.json["items"][0]["phase"] == "Held"
    assert await orders.engine.find("east", orders.application) is not None
    resumed = await orders.do("resume")
    assert resumed.code == 0, resumed.err
    await orders.engine.in_phase(orders.application, "Completed")
    assert (await orders.do("resume")).code == 1


async def test_a_cluster_and_everything_are_paused_and_resumed(orders: Orders) -> None:
    """What has passed the check goes on and is listed; what comes later is held until both pauses are over."""
    engine, late = orders.engine, orders.engine.flink("late", orders.namespace)
    await asyncio.gather(orders.sick(), engine.apply_sick_flink("late", orders.namespace))
    await passed_the_check(orders)
    policy = write_policy(orders.directory, failover_policy("late", orders.namespace))
    about_late = ("flinkdeployment/late", "-n", orders.namespace)
    scopes = {
        ("--all",): "everything is paused by ada: power",
        ("--cluster", "east"): "cluster east is paused by ada: power",
    }
    try:
        for scope in scopes:
            paused = await engine.cli("pause", *scope, "--reason", "power", "--actor", "ada")
            assert paused.code == 0, paused.err
            assert "go on" in paused.err
            assert "flinkdeployment/orders" in paused.out
        assert (await engine.cli("start", *about_late, "-f", policy, "-y")).code == 0
        await engine.in_phase(late, "Held")
        for view in (("status", *about_late), ("list", "-n", orders.namespace)):
            shown = (await engine.cli(*view)).err
            assert [each for each in shown.splitlines() if "power" in each] == [*scopes.values()]
        assert "everything is paused" in await first_line_of(engine, "list", "-A", "-w")
    finally:
        ended = [await engine.cli("resume", *scope) for scope in scopes]
    assert [each.code for each in ended] == [0, 0], ended
    await engine.in_phase(late, "Completed")
    assert "power" not in (await engine.cli("list", "-A")).err
    assert (await orders.do("abort")).code == 0


async def passed_the_check(orders: Orders) -> None:
    """Its new copy does not get healthy: it stays in Verifying, past the check for pauses."""
    orders.engine.operator.healthy_after = timedelta(seconds=600)
    try:
        assert (await orders.start(orders.policy())).code == 0
        await orders.engine.in_phase(orders.application, "Verifying")
    finally:
        orders.engine.operator.healthy_after = timedelta(0)


async def first_line_of(engine: Engine, *arguments: str) -> str:
    """What a command that goes on and on tells first."""
    process = await asyncio.create_subprocess_exec(
        *engine.program(), *arguments, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )  # fmt: skip
    try:
        assert process.stderr is not None
        return (await process.stderr.readline()).decode()
    finally:
        process.terminate()
        await process.communicate()


async def test_retarget_sends_it_elsewhere(orders: Orders) -> None:
    """Before a copy has started, `retarget` chooses another cluster; an unknown one is named."""
    await orders.sick()
    policy = orders.policy(mode="Confirm", clusters=("east", "west", "north"))
    assert (await orders.start(policy, "--wait")).code == 3
    unknown = await orders.do("retarget", "--cluster", "nowhere")
    assert unknown.code == 2
    assert "east, west, north" in unknown.err
    retargeted = await orders.do("retarget", "--cluster", "north")
    assert retargeted.code == 0, retargeted.err

    async def planned() -> bool | None:
        status = (await orders.do("status", "-o", "json")).json["status"]
        waits = status["displayPhase"] == "AwaitingApproval"
        return True if waits and status["plan"]["target"] == "north" else None

    await orders.engine.wait_for(planned, "a plan for north waits")
    assert (await orders.do("approve", "-y")).code == 0
    assert (await orders.do("status", "--wait", "--timeout", "60")).code == 0
    await orders.engine.healthy_on("north", orders.application)


async def test_starting_twice_is_one_failover(orders: Orders) -> None:
    """The second start joins the first; the run id is the same."""
    await orders.sick()
    policy = orders.policy(toleration_seconds=600)
    first = await orders.start(policy, "-o", "json")
    await orders.engine.in_phase(orders.application, "Tolerating")
    second = await orders.start(policy, "-o", "json")
    assert second.code == 0, second.err
    assert (first.json["merged"], second.json["merged"]) == (False, True)
    assert first.json["runId"] == second.json["runId"]
    assert (await orders.do("abort")).code == 0


async def test_another_incident_is_not_mixed_in(orders: Orders) -> None:
    """While a failover is about an earlier object, another is refused, naming retarget and abort."""
    engine, application = orders.engine, orders.application
    await orders.sick()
    policy = orders.policy(mode="Confirm")
    assert (await orders.start(policy, "--wait")).code == 3
    before = await engine.find("east", application)
    assert before is not None
    await engine.fleet.cluster("east").delete(
        application.group_kind, application.namespace, application.name, uid=uid_of(before)
    )

    async def gone() -> bool:
        return await engine.find("east", application) is None

    await engine.wait_for(gone, "the first object is gone")
    await engine.apply_sick_flink("orders", orders.namespace, "west")
    refused = await orders.start(policy)
    assert refused.code == 5, refused.err
    assert "failover retarget flinkdeployment/orders" in refused.err
    assert "failover abort flinkdeployment/orders" in refused.err
    assert (await orders.do("abort")).code == 0


async def test_an_application_on_two_clusters_is_refused(orders: Orders) -> None:
    """Both clusters are named, and nothing starts."""
    await orders.sick()
    await orders.engine.apply_flink("orders", orders.namespace, "west")
    refused = await orders.start(orders.policy())
    assert refused.code == 5
    assert "east and west" in refused.err
    assert (await orders.do("status")).code == 1


async def test_an_application_that_is_nowhere_is_named_with_the_clusters(orders: Orders) -> None:
    """Not there: the clusters that were looked at are listed."""
    missing = await orders.start(orders.policy())
    assert missing.code == 1
    assert "looked on: east, west, north" in missing.err


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        pytest.param("flinkdeploymnet/orders", "serves a kind 'flinkdeploymnet'", id="misspelt"),
        pytest.param("orders", "KIND/NAME", id="no kind"),
        pytest.param("flinkdeployment/", "KIND/NAME", id="no name"),
    ],
)
async def test_a_word_that_names_nothing_is_bad_input(
    orders: Orders, typed: str, told: str
) -> None:
    """The exit code is 2, and the message says what to write instead."""
    answered = await orders.engine.cli("start", typed, "-f", orders.policy(), "-y")
    assert answered.code == 2
    assert told in answered.err


async def test_a_policy_about_something_else_is_bad_input(orders: Orders) -> None:
    """No policy of the files is about it: exit code 2, naming the selector to write."""
    await orders.sick()
    other = write_policy(orders.directory, failover_policy("payments", orders.namespace))
    answered = await orders.start(other)
    assert answered.code == 2
    assert "no policy is about FlinkDeployment/orders" in answered.err


async def test_temporal_that_does_not_answer_is_said_in_one_sentence(
    orders: Orders, unused_tcp_port: int
) -> None:
    """Every verb that needs Temporal ends with 1, naming the address; no traceback."""
    address = f"{LOOPBACK}:{unused_tcp_port}"
    for verb in (
        ("list",),
        ("status", "flinkdeployment/orders"),
        ("retry", "flinkdeployment/orders"),
    ):
        answered = await orders.engine.cli(*verb, temporal_address=address)
        assert answered.code == 1
        assert answered.err.startswith(f"error: no Temporal server answers at {address}")
        assert answered.err.count("\n") == 1


async def test_a_wait_that_is_too_long_ends_with_4(orders: Orders) -> None:
    """`status --wait --timeout` gives up, and the failover goes on."""
    await orders.sick()
    await orders.start(orders.policy(toleration_seconds=600))
    waited = await orders.do("status", "--wait", "--timeout", "1")
    assert waited.code == 4
    assert "still under way" in waited.err
    assert (await orders.do("abort")).code == 0


async def test_two_commands_at_once_do_not_disturb_each_other(orders: Orders) -> None:
    """Aborting while somebody waits ends the wait with the outcome's exit code."""
    await orders.sick()
    await orders.start(orders.policy(toleration_seconds=600))
    await orders.engine.in_phase(orders.application, "Tolerating")
    program = await asyncio.create_subprocess_exec(
        *orders.engine.program(), "status", "flinkdeployment/orders", "-n", orders.namespace,
        "--wait", "--timeout", "60",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert program.stderr is not None
    first = await program.stderr.readline()
    assert b"Tolerating" in first
    assert (await orders.do("abort")).code == 0
    out, _ = await program.communicate()
    assert program.returncode == 1
    assert b"Aborted" in out


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def idle(engine: Engine) -> str:
    """A namespace of Temporal for which no worker is up, and which has no search attributes."""
    name = f"idle-{uuid.uuid4().hex[:8]}"
    service = engine.client.workflow_service
    await service.register_namespace(
        RegisterNamespaceRequest(
            namespace=name, workflow_execution_retention_period=Duration(seconds=86_400)
        )
    )

    async def served() -> bool:
        listed = await engine.cli("list", "-A", "--temporal-namespace", name)
        return listed.code == 0

    await engine.wait_for(served, f"Temporal serves the namespace {name}")
    return name


async def test_without_a_worker_it_starts_and_says_what_is_stored(
    orders: Orders, idle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No worker is needed to start; the views say that none answers, and an update says so in time."""
    monkeypatch.setattr("triggers.reading.QUERY_TIMEOUT", timedelta(seconds=1))
    monkeypatch.setattr("triggers.steering.ANSWER_WITHIN", timedelta(seconds=1))
    there = ("--temporal-namespace", idle)
    await orders.sick()
    started = await orders.start(orders.policy(), *there)
    assert started.code == 0, started.err
    shown = await orders.do("status", *there)
    assert shown.code == 0, shown.err
    assert "Pending" in shown.out
    assert "no worker answers, shown is what Temporal has stored" in shown.out
    assert (await orders.do("status", "-o", "json", *there)).json["answeredBy"] == "Temporal"
    assert (await orders.do("timeline", *there)).code == 0
    unheard = await orders.do("abort", *there)
    assert unheard.code == 4
    assert "no worker has answered" in unheard.err
    unshown = await orders.do("approve", *there)
    assert unshown.code == 4
    assert "failover worker" in unshown.err


async def test_a_terminated_run_is_told_from_its_history(orders: Orders) -> None:
    """A run that Temporal was made to end has no result; its phases are read from the events."""
    await orders.sick()
    assert (await orders.start(orders.policy(mode="Confirm"), "--wait")).code == 3
    handle = orders.engine.client.get_workflow_handle(failover_id(orders.application))
    await handle.terminate(reason="by hand")
    ended = await orders.do("status", "--wait")
    assert ended.code == 1
    assert "Terminated" in ended.out
    assert "by hand" in ended.out
    phases = [row[0] for row in (await orders.do("timeline")).rows[1:-1]]
    assert phases == ["Tolerating", "Planning", "AwaitingApproval"]


async def test_an_interrupted_failover_is_taken_over(orders: Orders) -> None:
    """A run is terminated after the purge; `start` adopts it although the application is nowhere."""
    engine, application = orders.engine, orders.application
    await orders.sick()
    engine.operator.healthy_after = timedelta(seconds=600)
    try:
        await orders.start(orders.policy())
        await engine.in_phase(application, "Verifying")
        await engine.client.get_workflow_handle(failover_id(application)).terminate()
    finally:
        engine.operator.healthy_after = timedelta(0)
    app = await engine.find("west", application)
    assert app is not None
    adopted = await orders.start(orders.policy())
    assert adopted.code == 0, adopted.err
    assert "takes it over" in adopted.err
    await engine.operator.hold("west", orders.namespace, "orders")
    await engine.operator.release("west", orders.namespace, "orders")
    waited = await orders.do("status", "--wait", "--timeout", "60")
    assert waited.code == 0, waited.err
    assert await engine.find("east", application) is None


async def test_where_an_application_lives_and_how_it_came_there(orders: Orders) -> None:
    """Before a failover, after it, and where it is nowhere."""
    nowhere = await orders.do("where")
    assert nowhere.code == 1
    assert "is on no cluster of the fleet" in nowhere.err
    await orders.sick()
    assert (await orders.do("where", "-o", "name")).out.strip() == "east"
    assert (await orders.start(orders.policy())).code == 0
    assert (await orders.do("status", "--wait")).code == 0
    assert (await orders.do("where", "-o", "json")).json["home"] == "west"
    rows = (await orders.do("where")).rows
    assert ["west", "lives here", "Healthy"] in [row[:3] for row in rows]
    history = await orders.do("history", "-o", "json")
    assert [each["target"] for each in history.json["items"]] == ["west"]
    assert "Completed" in (await orders.do("history")).out
