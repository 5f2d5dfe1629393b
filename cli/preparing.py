"""From what a person typed to what would be done: the application, its home, its policy, the plan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from activities.deciding import decide
from activities.fitting import Capacities
from cli.addressing import resolve
from cli.policies import load, policy_of
from cli.topology import Place, home, interrupted_move, look, not_there
from failover.domain.handing_on import StateChoice
from failover.domain.health import Health
from failover.domain.identity import ApplicationRef, failover_id
from failover.domain.manifest import Manifest, labels_of
from failover.domain.overrides import Override
from failover.domain.plan import Answer, FailoverPlan
from failover.domain.planning import original_of, rendered
from failover.domain.policy import Policy
from failover.domain.record import Move
from failover.domain.request import FailoverRequest, Limits, Trigger
from failover.domain.rules import HealthRule
from failover.domain.steps import PlanRequest
from failover.fleet import facts_of
from failover.kube.fleet import KubeFleet

TRIGGER = "Manual"


@dataclass(frozen=True)
class Wish:
    """What was typed."""

    target: str
    namespace: str
    policies: tuple[str, ...]
    source: str = ""
    to: str = ""
    state: StateChoice | None = None


@dataclass(frozen=True)
class Prepared:
    """Everything that is known before anything is started."""

    application: ApplicationRef
    places: tuple[Place, ...]
    source: str
    source_uid: str
    health: Health | None
    manifest: Manifest | None
    policy: Policy
    overrides: tuple[Override, ...]
    to: str
    health_rule: HealthRule | None
    interrupted: Move | None
    """A move that was left half done; a new failover takes it over."""
    state: StateChoice | None

    def request(self, limits: Limits, *, actor: str, force_reason: str = "") -> FailoverRequest:
        """The failover that a person asks for."""
        return FailoverRequest(
            application=self.application,
            source=self.source,
            source_uid=self.source_uid,
            policy=self.policy,
            overrides=self.overrides,
            health_rule=self.health_rule,
            target=self.to,
            force_reason=force_reason,
            state=self.state,
            limits=limits,
            trigger=Trigger(
                kind=TRIGGER,
                actor=actor,
                reason=self.health.reason if self.health else "",
                message=force_reason or (self.health.message if self.health else ""),
            ),
        )


async def prepare(fleet: KubeFleet, wish: Wish) -> Prepared:
    """Find all of it. Raises what is wrong with what was typed, or with what was found."""
    policies = await load(wish.policies)
    for asked in (wish.source, wish.to):
        if asked:
            fleet.cluster(asked)
    application = await resolve(fleet, wish.target, wish.namespace)
    rule = policies.rule_of(application.group_kind)
    places = await look(fleet, application, rule)
    move = await interrupted_move(fleet, application, places)
    place = _source_of(move, places) if move is not None and half_done(move, places) else None
    if place is None:
        move = None
        place = home(application, places, wish.source)
    if place is None:
        raise not_there(application, places)
    manifest = move.original if move is not None else place.manifest
    labels = labels_of(manifest) if manifest is not None else {}
    return Prepared(
        application=application,
        places=places,
        source=place.cluster,
        source_uid=move.source_uid if move is not None else place.uid,
        health=place.health,
        manifest=manifest,
        policy=policy_of(policies, application, labels),
        overrides=policies.overrides_of(application, labels),
        to=wish.to,
        health_rule=rule,
        interrupted=move,
        state=wish.state,
    )


def half_done(move: Move, places: tuple[Place, ...]) -> bool:
    """Whether an interrupted move has changed anything; if not, it is as if it had never begun."""
    there = {each.cluster: each for each in places}
    source, target = there.get(move.source), there.get(move.target)
    gone = source is not None and source.error is None and source.uid != move.source_uid
    return gone or (target is not None and target.lives)


def _source_of(move: Move, places: tuple[Place, ...]) -> Place | None:
    return next((each for each in places if each.cluster == move.source), None)


async def plan(fleet: KubeFleet, prepared: Prepared) -> Answer:
    """The very plan that a failover would make now, were the toleration over; nothing is changed."""
    request = PlanRequest(
        application=prepared.application,
        failover=failover_id(prepared.application),
        source=prepared.source,
        source_uid=prepared.source_uid,
        policy=prepared.policy,
        overrides=prepared.overrides,
        requested_target=prepared.to,
        health_rule=prepared.health_rule,
        forced=True,
        ignore_health=True,
        observes=True,
        state=prepared.state,
    )
    return await decide(fleet, request, datetime.now(UTC), Capacities(fleet))


def final_manifest(fleet: KubeFleet, prepared: Prepared, made: FailoverPlan) -> Manifest:
    """The object as it will be created on the target, before the mark of the failover."""
    assert prepared.manifest is not None, "a plan is about an object that is there"
    target = facts_of(fleet, made.target)
    original = original_of(prepared.manifest, prepared.policy)
    return rendered(original, prepared.overrides, made.labels, target)
