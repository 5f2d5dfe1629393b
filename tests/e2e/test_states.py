"""What has proved good of a state is kept, and handed on in place of what has not; on real servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from devstack.flink import ALIAS_LABEL, APPS, RESUMED_FROM
from failover.domain.application import Known
from failover.domain.identity import ApplicationRef
from failover.domain.states import StateGeneration
from failover.records import Found, read_record
from tests.support.engine import Engine, failover_policy, write_policy
from triggers.protecting import protection, wake


def policy(tmp_path: Path, name: str, namespace: str, good_after_seconds: int) -> str:
    """Carries the id of the job, which is good after so long."""
    rules = [{"aliasLabelName": ALIAS_LABEL, "jsonPath": "{ .jobStatus.jobId }"}]
    preserved = {"rules": rules, "goodAfterSeconds": good_after_seconds}
    document = failover_policy(name, namespace, statePreservation=preserved)
    return write_policy(tmp_path, document)


async def knows(engine: Engine, application: ApplicationRef, what: str, **fields: Any) -> Known:
    """What the protection knows, once that is so; it is woken as a watcher would."""

    async def reached() -> Known | None:
        await wake(engine.client, application)
        found = await protection(engine.client, application)
        known = found.view.known if found is not None else None
        same = known is not None and all(getattr(known, k) == v for k, v in fields.items())
        return known if same and known is not None and known.states else None

    return await engine.wait_for(reached, what)


async def records(engine: Engine, application: ApplicationRef) -> dict[str, Found]:
    """The records of an application, by cluster."""
    found = {
        each.name: await read_record(engine.fleet.cluster(each.name), application)
        for each in engine.fleet.facts
    }
    return {name: each for name, each in found.items() if each is not None}


async def test_what_proved_good_outlives_a_copy_that_did_not(
    engine: Engine, namespace: str, tmp_path: Path
) -> None:
    """Kept on two clusters; the next copy's own id, with which it never proved itself, is not handed on."""
    orders = await engine.apply_flink("orders", namespace)
    name = "flinkdeployment/orders"
    at_once = policy(tmp_path, "orders", namespace, 1)
    await engine.cli("protect", "-f", at_once, "-n", namespace, "--mode", "Automatic")

    async def kept() -> Known | None:
        found = await protection(engine.client, orders)
        return found.view.known if found is not None and found.view.known.kept else None

    known = await engine.wait_for(kept, "its state is good and kept, by a timer alone")
    (first,) = known.states
    job = first.labels[ALIAS_LABEL]
    assert known.kept is not None
    assert (known.kept.home, known.kept.elsewhere) == ("east", "west")
    written = await records(engine, orders)
    assert {name: each.record.good for name, each in written.items()} == dict.fromkeys(("east", "west"), first)  # fmt: skip
    assert not any(each.record.is_open for each in written.values())
    assert written["east"].record.standing is None
    there = written["west"].record.standing
    assert there is not None
    assert (there["metadata"]["name"], "status" in there) == ("orders", False)
    listed = await engine.cli("get", "applications", "-n", namespace)
    assert job in listed.rows[1]

    # From now on nothing proves good for a long time.
    later = policy(tmp_path, "orders", namespace, 600)
    await engine.cli("protect", "-f", later, "-n", namespace, "--mode", "Automatic")
    await move(engine, namespace, later, "east")
    moved = await knows(engine, orders, "it lives on west, with another job", home="west")
    assert moved.states[-1].labels != first.labels
    shown = await engine.cli("get", "states", name, "-n", namespace, "-o", "json")
    newest, *_, oldest = shown.json["items"]
    assert (newest["goodSince"], newest["handedOn"], oldest["handedOn"]) == (None, False, True)

    wide = await engine.cli("get", "states", name, "-n", namespace, "-o", "wide")
    assert "not yet" in wide.out
    assert "handed on now" in wide.out
    wrong = await engine.cli("plan", name, "-n", namespace, "-f", later, "--state", "99")
    assert "has no state generation 99" in wrong.err
    current = await engine.cli("plan", name, "-n", namespace, "-f", later, "--state", "current")
    assert "StateNotYetGood" not in current.err
    assert moved.states[-1].labels[ALIAS_LABEL] in current.out
    chosen = await engine.cli("plan", name, "-n", namespace, "-f", later, "--state", "1")
    assert "StateChosen" in chosen.err

    said = await move(engine, namespace, later, "west")
    assert "StateNotYetGood" in said
    back = await knows(engine, orders, "it lives on east again", home="east")
    assert back.last_good == first
    for each in (await records(engine, orders)).values():
        assert each.record.state == {ALIAS_LABEL: job}, "the new job went on from the good one"
        assert each.record.good == first

    await goes_on_from(engine, orders, later, moved.states[-1], good=first)

    await engine.cli("unprotect", name, "-n", namespace)

    async def forgotten() -> bool:
        return not any(each.record.good for each in (await records(engine, orders)).values())

    await engine.wait_for(forgotten, "what nobody looks after is forgotten")


async def goes_on_from(
    engine: Engine,
    orders: ApplicationRef,
    file: str,
    chosen: StateGeneration,
    *,
    good: StateGeneration,
) -> None:
    """Assert that a move off east hands on the state that a person has chosen, good or not."""
    assert not chosen.is_good
    said = await move(engine, orders.namespace, file, "east", "--state", str(chosen.number))
    assert "StateChosen" in said
    await knows(engine, orders, "it lives on west once more", home="west")
    for each in (await records(engine, orders)).values():
        assert (each.record.state, each.record.good) == (chosen.labels, good)
    path = f"{APPS}/namespaces/{orders.namespace}/deployments/orders"
    manager = await engine.world.api("west").get(path)
    resumed_from = manager["metadata"]["annotations"][RESUMED_FROM]
    assert resumed_from == chosen.labels[ALIAS_LABEL], "the copy was created with this label"


async def move(engine: Engine, namespace: str, file: str, cluster: str, *flags: str) -> str:
    """Let it die there and move it; what the command said."""
    await engine.operator.kill_job_manager(cluster, namespace, "orders")
    started = await engine.cli(
        "start", "flinkdeployment/orders", "-n", namespace, "-f", file, "-y", "--force",
        "--reason", "it goes", "--wait", *flags,
    )  # fmt: skip
    assert started.code == 0, started.err
    return started.err


async def test_observed_only_nothing_is_written(
    engine: Engine, namespace: str, tmp_path: Path
) -> None:
    """Its state is known to be good, and no cluster hears of it."""
    clicks = await engine.apply_flink("clicks", namespace)
    file = policy(tmp_path, "clicks", namespace, 0)
    await engine.cli("protect", "-f", file, "-n", namespace)

    async def good() -> Known | None:
        found = await protection(engine.client, clicks)
        return found.view.known if found is not None and found.view.known.last_good else None

    known = await engine.wait_for(good, "its state is good")
    await wake(engine.client, clicks)
    assert known.kept is None
    assert await records(engine, clicks) == {}
    await engine.cli("unprotect", "flinkdeployment/clicks", "-n", namespace)
