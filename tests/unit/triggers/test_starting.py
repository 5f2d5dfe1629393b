"""What is decided before and after Temporal is asked to start a failover."""

from __future__ import annotations

from typing import Any, cast

import pytest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from failover.domain.errors import Forbidden, InvalidInput
from failover.domain.identity import failover_id
from failover.domain.policy.reading import read_policies
from failover.domain.request import REQUEST_BYTES_MAX, FailoverRequest, Trigger
from failover.temporal import SEARCH, TemporalUnreachable
from tests.support.orders import ORDERS, POLICY
from triggers.asking import asking
from triggers.starting import (
    ATTEMPTS_MAX,
    DifferentIncident,
    KeepsEnding,
    Merged,
    RequestTooLarge,
    Started,
    check_size,
    start_failover,
)


def request(message: str = "") -> FailoverRequest:
    """A failover off east."""
    (policy,) = read_policies(POLICY, "policy.yaml").policies
    trigger = Trigger(kind="Manual", actor="ada", message=message)
    return FailoverRequest(
        application=ORDERS, source="east", source_uid="uid-1", policy=policy, trigger=trigger
    )


class Description:
    """What Temporal says of the run that is in the way."""

    run_id = "run-1"

    def __init__(self, memo: dict[str, str], *, closed: bool, phase: str = "Tolerating") -> None:
        self._memo = memo
        self.typed_search_attributes = TypedSearchAttributes(
            [SearchAttributePair(SEARCH.phase, phase)]
        )
        self.status = (
            WorkflowExecutionStatus.COMPLETED if closed else WorkflowExecutionStatus.RUNNING
        )

    async def memo(self) -> dict[str, str]:
        """What the run has written about itself."""
        return self._memo


class Temporal:
    """A client whose first starts meet a run that is described as given, one after the other."""

    def __init__(self, *runs: Description | RPCError) -> None:
        self.runs = list(runs)
        self.woken: list[str] = []
        self.starts: list[dict[str, Any]] = []

    async def start_workflow(self, name: str, _argument: object, **options: Any) -> Any:
        """A new run, unless one is in the way."""
        self.starts.append(options)
        if self.runs and isinstance(self.runs[0], RPCError):
            raise self.runs.pop(0)  # type: ignore[misc]
        if self.runs:
            raise WorkflowAlreadyStartedError(options["id"], name)
        return self.get_workflow_handle(options["id"])

    def get_workflow_handle(self, workflow_id: str, run_id: str | None = None) -> Any:
        """The run, new or in the way."""
        client = self

        class Handle:
            id = workflow_id
            first_execution_run_id = "run-new"

            async def describe(self, **_options: Any) -> Description:
                return cast("Description", client.runs.pop(0))

            async def signal(self, name: str, **_options: Any) -> None:
                client.woken.append(f"{name} {run_id}")

        return Handle()


async def start(temporal: Temporal) -> Any:
    """Ask for the failover."""
    return await start_failover(cast("Client", temporal), request())


async def test_nothing_in_the_way_starts_a_run() -> None:
    """Under the id of the application, and never in place of another."""
    temporal = Temporal()
    assert await start(temporal) == Started(failover_id(ORDERS), "run-new")
    assert temporal.starts[0]["id_conflict_policy"].name == "FAIL"


@pytest.mark.parametrize(
    "memo",
    [
        pytest.param({"incident": "east/uid-1"}, id="the same"),
        pytest.param({}, id="too young to say"),
        pytest.param({"incident": "east/"}, id="knows no uid"),
    ],
)
async def test_the_same_incident_is_woken(memo: dict[str, str]) -> None:
    """The very run that was looked at is told to look again; nothing else is said to it."""
    temporal = Temporal(Description(memo, closed=False))
    assert await start(temporal) == Merged(failover_id(ORDERS), "run-1")
    assert temporal.woken == ["wake run-1"]


async def test_one_that_waits_for_a_person_is_not_woken() -> None:
    """It would not look, and each word to it stays in a history that has a bound."""
    temporal = Temporal(Description({"incident": "east/uid-1"}, closed=False, phase="Blocked"))
    assert await start(temporal) == Merged(failover_id(ORDERS), "run-1")
    assert temporal.woken == []


@pytest.mark.parametrize("theirs", ["west/uid-1", "east/uid-2"])
async def test_another_incident_is_left_alone(theirs: str) -> None:
    """It is not woken, and the answer names what a person may do."""
    temporal = Temporal(Description({"incident": theirs}, closed=False))
    answer = await start(temporal)
    assert isinstance(answer, DifferentIncident)
    assert "failover retarget flinkdeployment/orders -n shop --cluster" in answer.message
    assert "failover abort flinkdeployment/orders -n shop" in answer.message
    assert temporal.woken == []


async def test_a_run_that_closes_meanwhile_makes_room() -> None:
    """Then it is started again."""
    temporal = Temporal(Description({}, closed=True), Description({}, closed=True))
    assert isinstance(await start(temporal), Started)
    assert len(temporal.starts) == 3


async def test_runs_that_keep_ending_are_given_up() -> None:
    """At most five times; the error may be tried again."""
    temporal = Temporal(*(Description({}, closed=True) for _ in range(ATTEMPTS_MAX + 1)))
    with pytest.raises(KeepsEnding):
        await start(temporal)
    assert len(temporal.starts) == ATTEMPTS_MAX


async def test_missing_search_attributes_do_not_hinder_a_start() -> None:
    """No worker has added them yet: it is started without, and the run writes them itself."""
    told = "Namespace default has no mapping defined for search attribute FailoverFrom"
    temporal = Temporal(RPCError(told, RPCStatusCode.INVALID_ARGUMENT, b""))
    assert isinstance(await start(temporal), Started)
    assert len(list(temporal.starts[0]["search_attributes"])) == 3
    assert len(list(temporal.starts[1]["search_attributes"])) == 0


def test_a_request_that_is_too_large_names_the_policy() -> None:
    """It is refused before Temporal is asked."""
    check_size(request())
    with pytest.raises(RequestTooLarge, match="FailoverPolicy/orders in shop"):
        check_size(request("x" * REQUEST_BYTES_MAX))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (RPCStatusCode.UNAVAILABLE, TemporalUnreachable),
        (RPCStatusCode.DEADLINE_EXCEEDED, TemporalUnreachable),
        (RPCStatusCode.PERMISSION_DENIED, Forbidden),
        (RPCStatusCode.INVALID_ARGUMENT, InvalidInput),
    ],
)
def test_temporals_answers_become_errors_of_ours(
    status: RPCStatusCode, error: type[Exception]
) -> None:
    """Whether trying again may help is known from the type."""
    with pytest.raises(error, match="cannot do it"), asking("do it"):
        raise RPCError("told", status, b"")
