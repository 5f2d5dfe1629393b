"""Who is called, with what, how often; and what never gets out."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from temporalio.testing import ActivityEnvironment

from activities.calling import Calling
from cli.main import run_command
from failover.domain.calling.call import (
    INTERVAL_MAX,
    Called,
    CallRequest,
    repeat_after,
    retry_after,
)
from failover.domain.calling.receivers import Http, Receivers
from failover.domain.calling.wording import BODY_LENGTH_MAX, body_of, facts
from failover.domain.errors import InvalidInput
from failover.receivers.reading import EXAMPLE, ReceiverFile, check_receivers, read_receivers
from failover.telemetry import Metrics
from tests.support.phone import Phone, ringing

SHIPPED = sorted((Path(__file__).parents[2] / "deploy/receivers").glob("*.yaml"))
SECRET = "s3cret-routing-key"
RESOLVED = CallRequest(call=EXAMPLE, only=("phone",), resolved=True)


@pytest_asyncio.fixture
async def phone() -> AsyncIterator[Phone]:
    """A receiver."""
    async with ringing() as found:
        yield found


def document(*receivers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A file of receivers."""
    return {
        "apiVersion": "stateful-failover.dev/v1alpha1",
        "kind": "Receivers",
        "spec": {"receivers": list(receivers), **spec},
    }


def alertmanager(url: str, name: str = "phone", **more: Any) -> dict[str, Any]:
    """An Alertmanager."""
    return {"name": name, "alertmanager": {"url": url, **more}}


def http(url: str, body: str, name: str = "phone", **more: Any) -> dict[str, Any]:
    """An endpoint with a template."""
    return {"name": name, "http": {"url": url, "body": body, **more}}


async def called_by(calling: Calling, request: CallRequest, waited: timedelta) -> Called:
    """What comes of a call, this long after the wait has begun."""
    environment = ActivityEnvironment()
    at = request.call.since + waited
    environment.info = replace(environment.info, current_attempt_scheduled_time=at)
    called: Called = await environment.run(calling.call_person, request)
    return called


class Desk:
    """The activity with a file of receivers."""

    def __init__(self, path: Path, *receivers: dict[str, Any], **spec: Any) -> None:
        """With these receivers in the file."""
        self.path, self.metrics = path / "receivers.yaml", Metrics()
        self.write(*receivers, **spec)
        file = ReceiverFile(self.path)
        self.calling = Calling(file, self.metrics, "http://ui:8080", "https://book")

    def write(self, *receivers: dict[str, Any], **spec: Any) -> None:
        """Other receivers."""
        self.path.write_text(yaml.safe_dump(document(*receivers, **spec)))

    async def call(
        self, request: CallRequest | None = None, *, waited: timedelta = timedelta(0)
    ) -> Called:
        """Make a call, this long after the wait has begun."""
        asked = request or CallRequest(call=EXAMPLE)
        return await called_by(self.calling, asked, waited)

    def counted(self, outcome: str, receiver: str = "phone") -> float | None:
        """The metric."""
        labels = {"receiver": receiver, "outcome": outcome}
        return self.metrics.registry.get_sample_value("failover_calls_total", labels)


async def test_alertmanager_is_told_what_since_when_and_what_to_type(
    tmp_path: Path, phone: Phone
) -> None:
    """The alert ends by itself some time after the next renewal would have come."""
    desk = Desk(tmp_path, alertmanager(phone.url, labels={"severity": "page"}), repeatSeconds=600)
    called = await desk.call()
    assert called == Called(reached=("phone",), again_in_seconds=600)
    (alert,) = phone.alerts
    assert phone.paths == ["/api/v2/alerts"]
    assert alert["labels"] == {
        "alertname": "FailoverWaiting",
        "severity": "page",
        "application": "orders",
        "namespace": "shop",
        "kind": "FlinkDeployment",
        "waiting": "Blocked",
        "reason": "NotGone",
        "source": "east",
        "target": "west",
    }
    notes = alert["annotations"]
    assert notes["command"] == "failover retry flinkdeployment/orders -n shop"
    assert notes["copies"] == "the original is untouched on east"
    assert notes["runbook"] == "https://book#notgone"
    assert alert["startsAt"] == "2026-11-01T10:41:00Z"
    assert alert["endsAt"] == "2026-11-01T11:16:00Z"  # by the clock of Temporal's server
    assert alert["generatorURL"].startswith("http://ui:8080/namespaces/default/workflows/")
    assert desk.counted("Called") == 1


async def test_the_end_is_told_with_the_same_labels(tmp_path: Path, phone: Phone) -> None:
    """Else Alertmanager would not know which alert has ended."""
    desk = Desk(tmp_path, alertmanager(phone.url))
    await desk.call()
    await desk.call(RESOLVED)
    begun, ended = phone.alerts
    assert ended["labels"] == begun["labels"]
    assert ended["endsAt"] < begun["endsAt"]
    assert desk.counted("Resolved") == 1


@pytest.mark.parametrize(
    ("waited", "seconds"),
    [
        pytest.param(timedelta(seconds=1), 60, id="begun"),
        pytest.param(timedelta(hours=8), 3600, id="hours"),
        pytest.param(timedelta(days=90), 24 * 3600, id="months"),
    ],
)
async def test_where_nobody_is_to_be_called_somebody_is_looked_for_again(
    tmp_path: Path, waited: timedelta, seconds: float
) -> None:
    """Soon at first, once a day in the end; so it is without a file of receivers. After the end it is over."""
    looked = Called(again_in_seconds=seconds)
    desk = Desk(tmp_path)
    assert await desk.call(waited=waited) == looked
    without = Calling(None, Metrics())
    assert await called_by(without, CallRequest(call=EXAMPLE), waited) == looked
    assert await called_by(without, RESOLVED, waited) == await desk.call(RESOLVED) == Called()


async def test_who_is_not_meant_is_not_called(tmp_path: Path, phone: Phone) -> None:
    """A receiver may be there for some waits only."""
    desk = Desk(tmp_path, {**alertmanager(phone.url), "waiting": ["Held"]})
    assert not (await desk.call()).reached
    assert not phone.bodies


async def test_a_receiver_that_comes_later_is_called(tmp_path: Path, phone: Phone) -> None:
    """As the first call of the wait, whether its worker had a file before or not."""
    desk = Desk(tmp_path)
    before = await desk.call()
    desk.write(alertmanager(phone.url))
    assert before.again_in_seconds is not None
    assert (await desk.call(waited=timedelta(seconds=before.again_in_seconds))).reached == (
        "phone",
    )


async def test_a_short_failure_is_tried_again_at_once(tmp_path: Path, phone: Phone) -> None:
    """A 503 passes."""
    phone.statuses = [503, 429]
    desk = Desk(tmp_path, alertmanager(phone.url))
    assert (await desk.call()).reached == ("phone",)
    assert len(phone.bodies) == 3


async def test_who_is_not_reached_is_tried_again_soon_and_alone(
    tmp_path: Path, phone: Phone, caplog: pytest.LogCaptureFixture
) -> None:
    """With the reason told; the others are not called twice."""
    caplog.set_level(logging.WARNING)
    dead = alertmanager("http://127.0.0.1:1", "dead")
    desk = Desk(tmp_path, alertmanager(phone.url), dead)
    called = await desk.call()
    assert called.reached == ("phone",)
    assert called.problems == ("dead (cannot be reached (Connection refused))",)
    assert (called.again_only, called.again_in_seconds) == (("dead",), 60)
    assert "dead was not reached" in caplog.text
    again = await desk.call(CallRequest(call=EXAMPLE, number=1, only=called.again_only))
    assert (again.reached, again.again_in_seconds) == ((), 120)
    assert len(phone.bodies) == 1
    assert desk.counted("Failed", "dead") == 2


@pytest.mark.parametrize("status", [302, 401, 404])
async def test_a_definite_refusal_is_not_repeated(
    tmp_path: Path, phone: Phone, status: int
) -> None:
    """Nor is a redirection followed: a token goes to one address only."""
    phone.always = status
    desk = Desk(tmp_path, alertmanager(phone.url))
    assert (await desk.call()).problems == (f"phone (HTTP {status})",)
    assert len(phone.bodies) == 1


async def test_secrets_are_read_for_each_call_and_get_nowhere_else(
    tmp_path: Path, phone: Phone, caplog: pytest.LogCaptureFixture
) -> None:
    """Not into the answer, which is in the history, nor into a log."""
    caplog.set_level(logging.DEBUG)
    (tmp_path / "key").write_text(f"{SECRET}\n")
    phone.always = 400
    receiver = http(
        phone.url,
        '{"key": {{ secrets.key | tojson }}}',
        secrets={"key": {"file": str(tmp_path / "key")}},
        bearerToken={"file": str(tmp_path / "key")},
    )
    desk = Desk(tmp_path, receiver)
    called = await desk.call()
    assert phone.bodies == [{"key": SECRET}]
    assert phone.headers[0]["Authorization"] == f"Bearer {SECRET}"
    assert SECRET not in called.model_dump_json() + caplog.text
    (tmp_path / "key").unlink()
    assert "cannot be read" in (await desk.call()).problems[0]


async def test_an_address_may_be_a_secret(
    tmp_path: Path, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Slack's is; and what is wrong with it does not show it."""
    monkeypatch.setenv("HOOK", f"{phone.url}/services/{SECRET}")
    desk = Desk(tmp_path, http("", "{}") | {"http": {"url": {"env": "HOOK"}, "body": "{}"}})
    assert (await desk.call()).reached == ("phone",)
    assert phone.paths == [f"/services/{SECRET}"]
    monkeypatch.setenv("HOOK", f"gopher://{SECRET}")
    assert SECRET not in (await desk.call()).problems[0]


async def test_a_changed_file_counts_at_the_next_call(tmp_path: Path, phone: Phone) -> None:
    """A broken one does not: what was read last stays in use."""
    desk = Desk(tmp_path)
    desk.write(alertmanager(phone.url))
    assert (await desk.call()).reached == ("phone",)
    desk.path.write_text("kind: Receivers")
    assert (await desk.call()).reached == ("phone",)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda each: each.stem)
async def test_the_shipped_examples_work(
    file: Path, tmp_path: Path, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each says what the wait is and what to type, and closes what it has opened."""
    text = await asyncio.to_thread(file.read_text)
    read_receivers(text, file.name)
    key = tmp_path / "key"
    key.write_text(SECRET)
    monkeypatch.setenv("SLACK_WEBHOOK_URL", phone.url)
    for address in ("http://alertmanager.monitoring:9093", "https://events.pagerduty.com"):
        text = text.replace(address, phone.url)
    text = text.replace("/etc/failover/pagerduty-routing-key", str(key))
    (receiver,) = yaml.safe_load(text)["spec"]["receivers"]
    desk = Desk(tmp_path, receiver)
    call = EXAMPLE.model_copy(update={"message": 'a "quoted" message'})
    called = await desk.call(CallRequest(call=call))
    assert called.problems == ()
    await desk.call(CallRequest(call=call, only=called.reached, resolved=True))
    begun, ended = phone.bodies
    shown = json.dumps(begun)
    assert "failover retry flinkdeployment/orders -n shop" in shown
    assert "NotGone" in shown
    if file.stem == "pagerduty":
        assert (begun["event_action"], ended["event_action"]) == ("trigger", "resolve")
        assert begun["dedup_key"] == ended["dedup_key"]
        assert begun["routing_key"] == SECRET
    if file.stem == "slack":
        assert "waits no more" in ended["text"]


@pytest.mark.parametrize(
    "body",
    [
        "{{ [].__class__.__base__.__subclasses__() }}",
        "{{ ''.join(['a']) }}",
        "{{ 'a' * 100000000 }}",
        "{{ '%1000000000d' % 1 }}",
        "{% for n in range(1000000000) %}a{% endfor %}",
        "{{ no_such_fact }}",
        "{{ message",
        "{% include '/etc/passwd' %}",
        '{"text": {{ message }}}',
    ],
)
def test_a_template_reaches_nothing_but_its_facts(body: str) -> None:
    """Whatever goes beyond them, or makes no JSON, is refused."""
    told = facts(EXAMPLE, EXAMPLE.since, number=0, resolved=False, link="", runbook="")
    with pytest.raises(InvalidInput, match="template"):
        body_of(Http.model_validate({"url": "http://x", "body": body}), told, {})


def test_what_a_template_makes_has_a_bound() -> None:
    """However small the template is."""
    told = {"message": "a" * BODY_LENGTH_MAX}
    with pytest.raises(InvalidInput, match="more than"):
        body_of(Http.model_validate({"url": "http://x", "body": "{{ message }}a"}), told, {})


WRONG: dict[str, dict[str, Any]] = {
    "no way": {"name": "phone"},
    "two ways": {**alertmanager("http://x"), **http("http://x", "{}")},
    "no address": {"name": "phone", "alertmanager": {}},
    "not HTTP": alertmanager("ftp://x"),
    "a secret in the file": alertmanager("http://x", bearerToken=SECRET),
    "a secret nowhere": alertmanager("http://x", bearerToken={}),
    "a misspelt field": alertmanager("http://x", lables={}),
    "a template without JSON": http("http://x", "{{ message }}"),
    "too patient": alertmanager("http://x", timeoutSeconds=600),
}


@pytest.mark.parametrize("receiver", WRONG.values(), ids=WRONG)
def test_lint_finds_what_is_wrong(
    receiver: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the place, and without showing what may be a secret."""
    file = tmp_path / "receivers.yaml"
    file.write_text(yaml.safe_dump(document(receiver)))
    assert run_command(["lint", str(file)]) == 2
    out = capsys.readouterr().out
    assert "spec.receivers[0]" in out
    assert SECRET not in out


def test_lint_passes_what_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    """Every shipped example; and a name is there once."""
    assert run_command(["lint", *map(str, SHIPPED)]) == 0
    assert "0 warnings" in capsys.readouterr().out
    twice = document(alertmanager("http://x"), alertmanager("http://y"))
    assert check_receivers(twice)[0] is None


async def test_receivers_can_be_tried(tmp_path: Path, phone: Phone) -> None:
    """`call --test` tells each of them, and shows what they answer."""
    file = tmp_path / "receivers.yaml"
    file.write_text(yaml.safe_dump(document(alertmanager(phone.url))))
    arguments = ["call", "--test", "--receivers", str(file)]
    assert await asyncio.to_thread(run_command, arguments) == 0
    assert len(phone.alerts) == 2
    phone.always = 400
    assert await asyncio.to_thread(run_command, arguments) == 1
    assert await asyncio.to_thread(run_command, ["call"]) == 2


def test_repeats_grow_slower_and_have_a_bound() -> None:
    """A failover may wait for months, and its history must not grow with every half an hour of it."""
    half = timedelta(minutes=30)
    assert {repeat_after(half, number) for number in range(11)} == {half}
    assert repeat_after(half, 12) == 2 * half
    assert repeat_after(half, 10_000) == INTERVAL_MAX
    assert retry_after(0) < retry_after(1) < retry_after(10_000) == INTERVAL_MAX


def test_defaults_call_everybody_for_everything() -> None:
    """A receiver without further words is meant."""
    found = Receivers.model_validate(document(alertmanager("http://x"))["spec"])
    for waiting in ("Blocked", "AwaitingApproval", "Held", "WaitingForCluster"):
        assert found.meant(waiting)
