"""An object that somebody else would put back is not moved, unless the policy says so."""

from __future__ import annotations

from failover.domain.phases import Outcome
from tests.support.saga import NAMESPACE, Application, Saga, policy_of

TRACKING = "argocd.argoproj.io/tracking-id"


async def tracked(saga: Saga, name: str) -> Application:
    """An ill application that Argo CD keeps."""
    app = await saga.ill_application(name)
    value = f"shop:flink.apache.org/FlinkDeployment:{NAMESPACE}/{app.name}"
    await app.annotate("east", {TRACKING: value})
    return app


async def test_an_owner_that_would_put_it_back_is_a_refusal(saga: Saga) -> None:
    """Argo CD keeps the object: ManagedElsewhere, with what to do about it."""
    app = await tracked(saga, "tracked")
    await app.start()
    ending = await app.ends()
    assert (ending.outcome, ending.reason) == (Outcome.REFUSED, "ManagedElsewhere")
    assert "allowManagers" in ending.message
    await app.was_never_written()


async def test_an_allowed_owner_is_waited_out(saga: Saga) -> None:
    """Named in allowManagers it is moved, once it has stayed gone for the settling time."""
    app = await tracked(saga, "allowed")
    await app.start(policy_of(app.name, allowManagers=["argocd"], settleSeconds=1))
    ending = await app.moved("west")
    assert ending.result is not None
    assert ending.result.plan is not None
    assert ending.result.plan.settle_seconds == 1
    assert "ManagedBy" in {each.reason for each in ending.result.plan.warnings}
