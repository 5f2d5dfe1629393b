"""`explain` and `report`: from a healthy application, over one that is tolerated and held, to the account of it all.

What is explained is then done, or not done, by those who decide: a failover, a sweep.
"""

from __future__ import annotations

from pathlib import Path

from failover.domain.identity import ApplicationRef
from tests.e2e.test_protecting import seen_ill, shows
from tests.e2e.test_sweep import swept
from tests.support.engine import Answered, Engine, failover_policy, write_policy
from tests.support.waiting import eventually
from triggers.protecting import wake


async def test_why_and_why_not_and_what_came_of_it(
    engine: Engine, namespace: str, tmp_path: Path
) -> None:
    """Each sentence follows what is; nothing is written; the report counts what was observed and moved."""
    at = ("flinkdeployment/orders", "-n", namespace)
    application = await engine.apply_flink("orders", namespace)

    async def explained(*flags: str) -> Answered:
        return await engine.cli("explain", *at, *flags)

    policy = write_policy(tmp_path, failover_policy("orders", namespace, toleration_seconds=3600))
    unknown = await explained()
    assert unknown.code == 5
    assert "orders is protected by nobody" in unknown.out
    assert "[NoPolicyKnown]" in unknown.out
    other = tmp_path / "other"
    other.mkdir()
    alien = write_policy(other, failover_policy("billing", namespace))
    assert "[NoPolicy]" in (await explained("-f", alien)).out
    well = await explained("-f", policy)
    assert (well.code, well.out.partition(".")[0]) == (
        0,
        "orders is not moving: it is healthy on east",
    ), well

    await _falls_ill(engine, namespace)
    ill = await explained("-f", policy)
    assert ill.code == 0, ill
    assert ill.out.startswith("orders would move to west after 60 min of being unhealthy;"), ill
    assert f"To change it: failover start {' '.join(at)} -f POLICY" in ill.out

    started = await engine.cli("start", *at, "-f", policy, "-y")
    assert started.code == 0, started.err
    await engine.in_phase(application, "Tolerating")
    tolerated = (await explained("-o", "json")).json  # the policy is known from the run
    assert tolerated["verdict"] == "WouldMove"
    assert tolerated["sentence"].startswith("orders would move to west in ")
    reasons = [each["reason"] for each in tolerated["because"]]
    assert {"UnderWay", "PolicyInForce", "FirstEligible"} <= set(reasons)
    assert "as it began" in str(tolerated["because"])

    paused = await engine.cli("pause", *at, "--reason", "maintenance")
    assert paused.code == 0, paused.err
    assert "[Paused]" in (await explained()).out
    assert (await engine.cli("abort", *at, "--reason", "enough")).code == 0
    await engine.in_phase(application, "Aborted")
    held = await explained("-f", policy)
    assert (held.code, held.out.partition(":")[0]) == (3, "orders would be held"), held
    assert "The last one ended as Aborted" in held.out
    assert f"To change it: failover resume {' '.join(at)}" in held.out
    assert (await engine.cli("resume", *at)).code == 0

    await _observed_then_moved(engine, application, tmp_path)
    assert (await explained()).out.startswith("orders is not moving: it is healthy on west, where")


async def _falls_ill(engine: Engine, namespace: str) -> None:
    await engine.operator.kill_job_manager("east", namespace, "orders")
    at = ("flinkdeployment/orders", "-n", namespace)

    async def ill() -> bool:
        return "Unhealthy" in (await engine.cli("where", *at)).out

    await eventually(ill, "it is seen unhealthy")


async def _observed_then_moved(engine: Engine, application: ApplicationRef, path: Path) -> None:
    namespace = application.namespace
    at = ("flinkdeployment/orders", "-n", namespace)
    observing = write_policy(path, failover_policy("orders", namespace, mode="Observe"))
    assert (await engine.cli("start", *at, "-f", observing, "-y", "--wait")).code == 0
    assert (await engine.cli("explain", *at)).out.startswith("orders would have been moved to west")
    moving = write_policy(path, failover_policy("orders", namespace))
    moved = await engine.cli("start", *at, "-f", moving, "-y", "--wait", "--timeout", "60")
    assert moved.code == 0, moved.err

    async def counted() -> Answered | None:
        answered = await engine.cli("report", "-n", namespace, "--since", "1h", "-o", "json")
        return answered if answered.json["runs"] == 3 else None

    told = (await engine.wait_for(counted, "the report has all three runs")).json
    assert told["total"]["illnesses"] == 1, "one outage, however many looked at it"
    assert told["total"]["moved"] == 1
    assert told["total"]["medianDowntimeSeconds"] > 0
    assert told["items"][0]["reason"] not in {"", "Unknown"}
    shown = await engine.cli("report", "-n", namespace)
    assert shown.out.startswith("With mode Automatic, 1 of 1 would have been moved;"), shown
    assert "Temporal keeps ended failovers for 1d only" in shown.err, "30d are asked for"
    page = await engine.cli("report", "-n", namespace, "-o", "markdown")
    assert "| NAMESPACE | NAME | REASON |" in page.out
    nothing = await engine.cli("report", "-n", f"{namespace}-other")
    assert nothing.out.startswith("No application was reported ill since")
    assert (await engine.cli("report", "--since", "soon")).code == 2


async def test_what_is_protected_is_explained_by_its_protection(
    engine: Engine, namespace: str, tmp_path: Path
) -> None:
    """Well, ill, suspended, only observed: no policy has to be given, and a sweep does what each sentence says."""
    at = ("flinkdeployment/orders", "-n", namespace)
    application = await engine.apply_flink("orders", namespace)
    policy = write_policy(tmp_path, failover_policy("orders", namespace, toleration_seconds=3600))
    await engine.cli("protect", "-f", policy, "-n", namespace, "--mode", "Automatic")
    await shows(engine, application, home="east")

    async def explained() -> Answered:
        return await engine.cli("explain", *at)

    well = await explained()
    assert well.code == 0, well
    assert well.out.startswith("orders is not moving: it is healthy on east since 20"), well
    assert "is about it, by its protection. [PolicyInForce]" in well.out

    await _falls_ill(engine, namespace)
    await wake(engine.client, application)
    await seen_ill(engine, application)
    ill = await explained()
    assert ill.code == 0, ill
    assert ill.out.startswith("orders would move to west after 60 min of being unhealthy;"), ill

    await engine.cli("suspend", *at, "--reason", "an upgrade", "--actor", "ada")
    suspended = await explained()
    assert suspended.code == 3, suspended
    first = suspended.out.partition("\n")[0]
    assert first == "orders is not moved by itself: suspended by ada: an upgrade. [Suspended]"
    assert f"To change it: failover resume {' '.join(at)}" in suspended.out
    assert (held := await swept(engine)).held == 1, held
    assert (held.unhealthy, held.started) == (0, 0), "nothing is begun for it"

    await engine.cli("resume", *at)
    observing = write_policy(tmp_path, failover_policy("orders", namespace))
    await engine.cli("protect", "-f", observing, "-n", namespace, "--mode", "Observe")
    observed = (await engine.cli("explain", *at, "-o", "json")).json
    assert (observed["verdict"], observed["exitCode"]) == ("OnlyObserved", 0)
    assert observed["sentence"] == "orders would have been moved to west, but is only observed."
    assert (observed["mode"], observed["target"]) == ("Observe", "west")
    assert (begun := await swept(engine)).started == 1, begun
    seen = await engine.in_phase(application, "WouldHaveMoved")
    assert (seen.trigger, seen.target) == ("Sweep", observed["target"])
    assert await engine.find("west", application) is None
    await engine.cli("unprotect", *at)
