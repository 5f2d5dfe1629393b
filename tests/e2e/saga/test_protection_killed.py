"""All workers of protections are killed with SIGKILL at once, in every state and every activity, twice.

One death catches each application in a state of its own, before an activity has had its effect; the next one when it
had, and was not reported. In between all are declared again, so that each continues as new in its state.
Nothing that was known is lost, what was asked for meanwhile is done, nothing is moved or written twice.
"""

from __future__ import annotations

import pytest
import pytest_asyncio

from failover.domain.application import ApplicationPhase, ApplicationView, Known
from tests.e2e.saga.protections import STATES, Standing
from tests.support.deaths import Deaths, DyingCase, play_dying
from tests.support.protected import FORGET, KEEP, LOOK, SECONDS, Protected, protected
from tests.support.saga import Saga, report
from triggers.protecting import Protection

Played = dict[str, BaseException | None]


def killed_in(name: str, standing: Standing) -> DyingCase:
    """Killed while it looks, declared again, killed when it has looked; then it goes on."""

    async def case(saga: Saga, deaths: Deaths) -> None:
        it = await standing.come(saga, name)
        records = await it.remembered()
        await deaths.gather()
        looking = it.plant(LOOK, "hold")
        await standing.begin(it)
        await it.suffers(looking)
        before = await it.there()
        assert before.view.phase is standing.phase
        unreported = it.plant(LOOK, "hold-after")
        await deaths.strike()
        await it.declare("ben")
        await it.suffers(unreported)
        await deaths.strike()
        after = await it.continued_as_new(before)
        if before.view.known == Known():
            await it.knows("is found", **standing.learns)
        else:
            assert after.view == said_by("ben", before.view)
        assert await it.remembered() == records
        await goes_on(it, standing)

    return case


async def goes_on(it: Protected, standing: Standing) -> None:
    """Its failover stands where it stood, and ends well; then the protection is ended."""
    if standing.waits_in:
        await it.app.shows(standing.waits_in, seconds=SECONDS)
    await standing.go(it)
    if standing.learns:
        await it.knows("has gone on", **standing.learns)
    await it.unprotect()
    assert (await it.ends()).phase is standing.phase
    await it.lived_on(*standing.lived_on)


def said_by(actor: str, view: ApplicationView) -> ApplicationView:
    """The same view, with another person's word for it."""
    declaration = view.declaration.model_copy(update={"actor": actor})
    return view.model_copy(update={"declaration": declaration})


async def killed_while_it_keeps(saga: Saga, deaths: Deaths) -> None:
    """Between the writes of a generation the older one stays, and each cluster is written once."""
    it = await proved_good(saga, "keeps")
    first = await it.good_on()
    await deaths.gather()
    writing = it.plant(KEEP, "hold@replace:east")
    await it.has_another_state("b")
    await it.suffers(writing)
    assert await it.good_on() == first, "the older one is good until the newer one is written"
    before = await it.there()
    between = it.plant(KEEP, "hold@replace:west")
    await deaths.strike()
    await it.declare("ben")
    await it.suffers(between)
    halfway = await it.good_on()
    assert numbers(halfway) == {"east": 2, "west": 1}
    await deaths.strike()
    await keeps_two(it, before)
    written = await it.good_on()
    assert numbers(written) == {"east": 2, "west": 2}
    assert written["east"] == halfway["east"], "written once"
    await is_forgotten(it)


async def killed_when_it_has_kept(saga: Saga, deaths: Deaths) -> None:
    """What was written and not reported is found, and not written again."""
    it = await proved_good(saga, "kept")
    await deaths.gather()
    unreported = it.plant(KEEP, "hold-after")
    await it.has_another_state("b")
    await it.suffers(unreported)
    before, written = await it.there(), await it.good_on()
    assert numbers(written) == {"east": 2, "west": 2}
    await deaths.strike()
    await it.declare("ben")
    await keeps_two(it, before)
    assert await it.good_on() == written, "written once"
    await is_forgotten(it)


async def proved_good(saga: Saga, name: str) -> Protected:
    """Its first state is good, and kept on two clusters."""
    it = await protected(saga, name, good_after=0)
    await it.reaches("is kept", lambda found: found.view.known.kept is not None)
    assert numbers(await it.good_on()) == {"east": 1, "west": 1}
    return it


async def keeps_two(it: Protected, before: Protection) -> None:
    """It has continued as new, and knows each of its two generations once."""
    after = await it.continued_as_new(before)
    known = after.view.known
    assert [(each.number, each.is_good) for each in known.states] == [(1, True), (2, True)]
    assert known.kept is not None
    assert (known.kept.number, known.kept.home, known.kept.elsewhere) == (2, "east", "west")


async def is_forgotten(it: Protected) -> None:
    """With its protection what was kept for it ends."""
    await it.unprotect()
    await it.ends()
    assert await it.good_on() == {}
    await it.lived_on("east")


def numbers(good_on: dict[str, tuple[int, str]]) -> dict[str, int]:
    """Without the versions of the records."""
    return {name: number for name, (number, _) in good_on.items()}


async def killed_while_it_forgets(saga: Saga, deaths: Deaths) -> None:
    """Unprotected: it ends all the same, and nothing of it stays in the records."""
    it = await proved_good(saga, "forgets")
    await deaths.gather()
    first = it.plant(FORGET, "hold@replace:east")
    await it.unprotect()
    await it.suffers(first)
    between = it.plant(FORGET, "hold@replace:west")
    await deaths.strike()
    await it.suffers(between)
    assert numbers(await it.good_on()) == {"west": 1}
    await deaths.strike()
    assert (await it.ends()).phase is ApplicationPhase.PROTECTED
    assert await it.good_on() == {}
    await it.lived_on("east")


async def declared_again_while_it_ends(saga: Saga, deaths: Deaths) -> None:
    """The last word counts: it was forgotten, and is protected as if for the first time."""
    it = await proved_good(saga, "again")
    await deaths.gather()
    unreported = it.plant(FORGET, "hold-after")
    await it.unprotect()
    await it.suffers(unreported)
    before = await it.there()
    await deaths.strike()
    await it.declare("ben")
    after = await it.continued_as_new(before)
    assert after.view.phase is ApplicationPhase.PROTECTED
    await it.reaches("is kept again", lambda found: found.view.known.kept is not None)
    assert numbers(await it.good_on()) == {"east": 1, "west": 1}
    await is_forgotten(it)


async def unprotected_while_it_looks(saga: Saga, deaths: Deaths) -> None:
    """A look is lost with its worker; it ends without another one, and its application is left alone."""
    it = await protected(saga, "ends")
    await deaths.gather()
    looking = it.plant(LOOK, "hold")
    await it.wake()
    await it.suffers(looking)
    await it.unprotect()
    await deaths.strike()
    assert (await it.ends()).known.home == "east"
    await it.app.was_never_written()


CASES: dict[str, DyingCase] = {
    **{name: killed_in(name, standing) for name, standing in STATES.items()},
    "keeps": killed_while_it_keeps,
    "kept": killed_when_it_has_kept,
    "forgets": killed_while_it_forgets,
    "again": declared_again_while_it_ends,
    "ends": unprotected_while_it_looks,
}


def test_every_phase_is_covered() -> None:
    """No phase of a protection is missing from the table."""
    assert {each.phase for each in STATES.values()} == set(ApplicationPhase)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(saga: Saga) -> Played:
    """All cases, caught by the same deaths of the same workers."""
    await saga.crew.keep_at_work(1)
    return await play_dying(saga, CASES)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("case", CASES)
async def test_a_protection_survives_its_workers(played: Played, case: str) -> None:
    """It stands where it stood, under its newer declaration, and so does its failover."""
    report(played, case)
