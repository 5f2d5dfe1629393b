"""How long a failure that may pass is borne: three minutes and ten attempts, as in production.

The failover begins where this file stands in the order of tests, and is looked at again at the very
end, so that its minutes pass beside the other tests; whatever these do to the servers, nothing may
block it sooner.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
import pytest_asyncio

from failover.domain.phases import Action
from failover.domain.request import Limits
from tests.support.admission import FLINKS, Refusing, fail
from tests.support.chronicle import Chronicle
from tests.support.saga import Application, Saga

BLOCKED_AFTER = timedelta(minutes=3)
ATTEMPTS_MIN = 10
LATE_MAX = timedelta(minutes=1)  # the last wait, and workers and servers that others have killed


@dataclass(frozen=True)
class Stuck:
    """A failover that cannot go on, and why."""

    app: Application
    failing: Refusing


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stuck(saga: Saga) -> AsyncIterator[Stuck]:
    """In Purging: whenever east is to delete the object, it fails; the limits are the usual ones."""
    app = await saga.ill_application("stuck")
    failing = await fail(saga.world.api("east"), FLINKS, app.name, "DELETE")
    await app.start(limits=Limits())
    yield Stuck(app, failing)
    await failing.lift()


async def test_a_failure_that_may_pass_is_tried_again(stuck: Stuck) -> None:
    """It shows that it is being tried again, and asks nobody for help."""
    assert Limits().blocked_after_seconds == BLOCKED_AFTER.total_seconds()
    await stuck.app.shows("Retrying", "ClusterBusy")
    status = await stuck.app.status()
    assert status.phase == "Purging"
    assert status.block is None


@pytest.mark.last
@pytest.mark.timeout(400)
async def test_it_blocks_after_three_minutes_and_not_before(stuck: Stuck) -> None:
    """By the server's clock, with ten attempts at least; a Retry then goes on."""
    app = stuck.app
    block = (await app.blocks(seconds=(BLOCKED_AFTER + LATE_MAX).total_seconds())).block
    assert block is not None
    chronicle = await Chronicle.of(app.run)
    failed = chronicle.failed("purge_source")
    assert len(failed) == block.attempts >= ATTEMPTS_MIN
    borne = block.since - chronicle.given_out("purge_source")[0]
    assert BLOCKED_AFTER <= borne < BLOCKED_AFTER + LATE_MAX, borne
    await stuck.failing.lift()
    await app.resolve(Action.RETRY)
    await app.moved("west")
