"""Reports: bounded, patient, and never about what was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from failover.domain.errors import Forbidden
from failover.domain.identity import ApplicationRef
from failover.domain.policy import Policy, PolicySpec
from failover.domain.request import FailoverRequest
from failover.domain.sighting import Answer
from failover.telemetry import Metrics
from failover.temporal import TemporalUnreachable
from triggers import reporting
from triggers.reporting import IN_FLIGHT_MAX, Reporter, Subject
from triggers.requesting import NotStarted
from triggers.starting import Start, Started


class Desk:
    """Says what there is to report, and keeps the answers."""

    def __init__(self, start: Callable[[FailoverRequest], Awaitable[Start]]) -> None:
        """Nothing is answered yet."""
        self.metrics = Metrics()
        self.answers: asyncio.Queue[tuple[Subject, Answer]] = asyncio.Queue()
        self.gone: set[str] = set()
        self.reporter = Reporter(
            start, self._request, self._answered, self.metrics.temporal_unreachable
        )

    @property
    def unreachable(self) -> float | None:
        """The metric."""
        return self.metrics.registry.get_sample_value("failover_temporal_unreachable")

    def _request(self, subject: Subject) -> FailoverRequest | None:
        if subject[1].name in self.gone:
            return None
        return FailoverRequest(
            application=subject[1],
            source=subject[0],
            policy=Policy(name="p", namespace="shop", spec=PolicySpec()),
        )

    def _answered(
        self, subject: Subject, _request: FailoverRequest, answer: Answer, _told: str
    ) -> None:
        self.answers.put_nowait((subject, answer))


@asynccontextmanager
async def at_work(desk: Desk) -> AsyncGenerator[Desk, None]:
    """The desk, with its reporter running."""
    task = asyncio.create_task(desk.reporter.run())
    try:
        yield desk
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def subject(name: str) -> Subject:
    """An application on a cluster."""
    return "east", ApplicationRef(group="apps", kind="Deployment", namespace="shop", name=name)


async def test_no_more_than_so_many_at_once() -> None:
    """A cluster full of ill applications is not a storm on Temporal."""
    now = most = 0
    door = asyncio.Event()

    async def start(_request: FailoverRequest) -> Start:
        nonlocal now, most
        now += 1
        most = max(most, now)
        if now == IN_FLIGHT_MAX:
            door.set()
        await door.wait()
        now -= 1
        return Started("id", "run")

    async with at_work(Desk(start)) as desk, asyncio.timeout(5):
        for number in range(200):
            desk.reporter.report(subject(f"app-{number}"))
        for _ in range(200):
            await desk.answers.get()
    assert most == IN_FLIGHT_MAX


async def test_temporal_away_is_waited_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A report is repeated until it is answered; the log complains once, the metric meanwhile."""
    monkeypatch.setattr(reporting, "BACK_OFF_SECONDS", 0.001)
    calls = 0
    seen: list[float | None] = []

    async def start(_request: FailoverRequest) -> Start:
        nonlocal calls
        calls += 1
        seen.append(desk.unreachable)
        if calls < 6:
            raise TemporalUnreachable("nobody answers at localhost")
        return Started("id", "run")

    desk = Desk(start)
    async with at_work(desk), asyncio.timeout(5):
        desk.reporter.report(subject("orders"))
        assert await desk.answers.get() == (subject("orders"), Answer.STARTED)
    assert seen == [0, 1, 1, 1, 1, 1]
    assert desk.unreachable == 0
    assert caplog.text.count("nobody answers") == 1


async def test_what_has_recovered_meanwhile_is_not_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After each vain attempt it is looked again whether there is anything to say."""
    monkeypatch.setattr(reporting, "BACK_OFF_SECONDS", 0.001)
    calls: list[str] = []

    async def start(request: FailoverRequest) -> Start:
        calls.append(request.application.name)
        if request.application.name == "recovers":
            desk.gone.add("recovers")
            raise TemporalUnreachable("nobody answers")
        return Started("id", "run")

    desk = Desk(start)
    async with at_work(desk), asyncio.timeout(5):
        desk.reporter.report(subject("recovers"))
        desk.reporter.report(subject("orders"))
        await desk.answers.get()
    assert calls == ["recovers", "orders"]
    assert desk.answers.empty()


async def test_a_definite_no_is_an_answer() -> None:
    """What Temporal forbids is not asked over and over."""

    async def start(_request: FailoverRequest) -> Start:
        raise Forbidden("no")

    async with at_work(Desk(start)) as desk, asyncio.timeout(5):
        desk.reporter.report(subject("orders"))
        assert await desk.answers.get() == (subject("orders"), Answer.REFUSED)


async def test_what_may_not_be_started_is_no_error() -> None:
    """The protection is suspended, say: it is asked again in a while, and nobody is called."""

    async def suspended(_request: FailoverRequest) -> Start:
        raise NotStarted("orders is suspended by ada: a rebuild", reason="Suspended")

    async with at_work(Desk(suspended)) as desk:
        subject = ("east", ApplicationRef(group="", kind="Pod", namespace="shop", name="orders"))
        desk.reporter.report(subject)
        async with asyncio.timeout(5):
            assert await desk.answers.get() == (subject, Answer.NOT_STARTED)
