"""A target that says no: another one is taken, and in the end the original is put back."""

from __future__ import annotations

from devstack.flink import ALIAS_LABEL
from failover.domain.phases import Outcome
from tests.support.admission import FOR_REAL
from tests.support.saga import NAMESPACE, Saga, override_of, policy_of


async def test_a_target_whose_dry_run_refuses_is_not_chosen(saga: Saga) -> None:
    """Admission on the first candidate refuses already the dry run: the plan takes the next one."""
    app = await saga.ill_application("refused-early")
    refusing = await app.refuse("west", "CREATE")
    try:
        await app.start()
        await app.moved("north")
        status = await app.status()
        reasons = {each.cluster: each.reason for each in status.considered}
        assert reasons["west"] == "Forbidden"
        assert await app.record("west") is None
    finally:
        await refusing.lift()


async def test_a_target_for_which_the_object_is_invalid_is_not_chosen(saga: Saga) -> None:
    """What an override makes of it for one candidate is no object there; the plan says where, not what."""
    app = await saga.ill_application("refused-invalid")
    wrong = override_of(app.name, "west", "/spec/mode", "hush-hush")
    await app.start(overrides=(wrong,))
    await app.moved("north")
    [west] = [each for each in (await app.status()).considered if each.cluster == "west"]
    assert west.reason == "Invalid"
    assert "spec.mode" in west.message
    assert "hush" not in west.message
    assert await app.record("west") is None


async def test_a_target_that_refuses_at_last_is_left_for_the_next(saga: Saga) -> None:
    """The dry run passes and the creation is refused: the copy goes to the next candidate."""
    app = await saga.ill_application("refused-late")
    refusing = await app.refuse("west", "CREATE", when=FOR_REAL)
    try:
        await app.start()
        await app.moved("north")
        status = await app.status()
        attempted = {each.cluster: each for each in status.attempted}
        assert attempted["west"].reason == "Forbidden"
        assert attempted["west"].withdrawn
    finally:
        await refusing.lift()


async def test_where_all_refuse_the_original_is_put_back(saga: Saga) -> None:
    """No target takes it: the original is back with its state on it, and the failover says so."""
    app = await saga.ill_application("refused-everywhere")
    refusings = [await app.refuse(each, "CREATE", when=FOR_REAL) for each in ("west", "north")]
    try:
        await app.start()
        ending = await app.restored()
        assert ending.outcome is Outcome.ROLLED_BACK
        assert ending.result is not None
        assert ending.result.target == "east"
        back = (await saga.recorder.copies(NAMESPACE, app.name))[-1]
        assert (back.cluster, back.labels[ALIAS_LABEL]) == ("east", app.job_id)
        await app.lives_on("east")
    finally:
        for refusing in refusings:
            await refusing.lift()


async def test_gracefully_leaves_the_original_where_all_refuse(saga: Saga) -> None:
    """With Gracefully the original was never touched, so it stays."""
    app = await saga.ill_application("refused-gracefully")
    refusings = [await app.refuse(each, "CREATE", when=FOR_REAL) for each in ("west", "north")]
    try:
        await app.start(policy_of(app.name, purge_mode="Gracefully"))
        ending = await app.ends()
        assert ending.outcome is Outcome.ROLLED_BACK
        assert ending.result is not None
        assert ending.result.target == "east", "where the application lives now"
        copies = await app.copies()
        assert {name: each["metadata"]["uid"] for name, each in copies.items()} == {"east": app.uid}
        await app.is_tidy("east", home="east")
    finally:
        for refusing in refusings:
            await refusing.lift()
