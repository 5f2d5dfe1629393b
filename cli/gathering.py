"""Everything that an explanation is drawn from: asked side by side, and nothing is an error."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from activities.deciding import decide
from activities.fitting import Capacities
from cli.addressing import address, resolve
from cli.context import Surroundings
from cli.policies import load
from cli.preparing import half_done
from cli.topology import Place, interrupted_move, look
from failover.domain import budget
from failover.domain.errors import FailoverError, TransientError
from failover.domain.explanation import Because, Before, Facts, Sight, Terms, UnderWay
from failover.domain.health import HealthStatus
from failover.domain.identity import (
    ALL_PAUSE_ID,
    ApplicationRef,
    application_pause_id,
    cluster_pause_id,
    failover_id,
)
from failover.domain.manifest import labels_of
from failover.domain.marks import superseded_by
from failover.domain.overrides import Override
from failover.domain.plan import Answer
from failover.domain.policy import Policy
from failover.domain.policy.matching import Ambiguous, NoPolicy
from failover.domain.rules import HealthRule
from failover.domain.steps import PlanRequest
from failover.domain.telling import addressed
from failover.kube.fleet import KubeFleet
from triggers.knowing import Knowledge, know
from triggers.policies import PolicySet
from triggers.reading import Live

NO_POLICY_KNOWN = (
    "no policy was given with -f, and no failover or protection of it that Temporal keeps knows one"
)


@dataclass(frozen=True)
class _Found:
    """The terms, and what the planner needs besides."""

    terms: Terms
    overrides: tuple[Override, ...] = ()
    health_rule: HealthRule | None = None


async def gather(here: Surroundings, target: str, namespace: str, given: tuple[str, ...]) -> Facts:
    """All that is known of it now. Raises only where nobody knows which application is meant."""
    policies = await load(given) if given else None
    try:
        client = await here.client()
        problem = None
    except TransientError as error:
        client, problem = None, error
    async with here.fleet() as fleet:
        try:
            application = await resolve(fleet, target, namespace)
        except TransientError:
            if client is None:
                raise
            application = await address(here, client, target, namespace)
        if client is not None:
            known = await know(client, application)
        else:
            known = Knowledge(problems=(problem,) if problem else ())
        rule = _rule(policies, known, application)
        places = await look(fleet, application, rule)
        return await _facts(fleet, application, places, known, policies)


def _rule(
    policies: PolicySet | None, known: Knowledge, application: ApplicationRef
) -> HealthRule | None:
    if policies is not None:
        return policies.rule_of(application.group_kind)
    if known.protection is not None:
        return known.protection.view.declaration.health_rule
    return known.request.health_rule if known.request is not None else None


async def _facts(
    fleet: KubeFleet,
    application: ApplicationRef,
    places: tuple[Place, ...],
    known: Knowledge,
    policies: PolicySet | None,
) -> Facts:
    now = datetime.now(UTC)
    living = [each for each in places if each.lives]
    place = living[0] if len(living) == 1 else None
    course, before = _runs(known)
    found = _terms(application, place, known, policies)
    counted = budget.merged(*(each.counted for each in places))
    policy = found.terms.policy
    answer, problem = None, None
    move = None if course else await interrupted_move(fleet, application, places)
    interrupted = move is not None and half_done(move, places)
    if place is not None and policy is not None and not _is_past_planning(known):
        answer, problem = await _answer(fleet, application, place, found, policy, now)
    names = {place.cluster if place else "", getattr(answer, "target", "")}
    pause, resumes = _pause(known, application, names)
    return Facts(
        application=application,
        now=now,
        sights=tuple(_sight(each) for each in places),
        terms=found.terms,
        under_way=course,
        before=before,
        interrupted=f"from {move.source} to {move.target}" if move and interrupted else "",
        pause=pause,
        resumes=resumes,
        healthy_since=_healthy_since(known, place),
        budget=budget.use_of(policy.active.budget, counted, now) if policy else None,
        not_admitted=budget.admission(policy.active.budget, counted, claim="", now=now)
        if policy and not _is_past_planning(known)
        else None,
        answer=answer,
        problem=problem,
        unknown=tuple(Because(each.reason, each.message) for each in known.problems),
    )


def _sight(place: Place) -> Sight:
    problem = None
    if place.error is not None:
        problem = Because(place.error.reason, place.error.message)
    left = superseded_by(place.manifest) if place.manifest is not None else None
    return Sight(place.cluster, place.lives, place.health, left or "", problem)


def _runs(known: Knowledge) -> tuple[UnderWay | None, Before | None]:
    newest = known.newest
    if newest is None:
        return None, None
    about = newest.summary
    if about.is_open:
        status = newest.status if isinstance(newest, Live) else None
        phase = status.display_phase if status is not None else about.phase
        return UnderWay(phase, about.detected_at, status), None
    return None, Before(about.outcome, about.source, about.target, about.reason, about.closed_at)


def _healthy_since(known: Knowledge, place: Place | None) -> datetime | None:
    """Since when it is healthy where it lives, as its protection has seen it last."""
    if known.protection is None or place is None:
        return None
    seen = known.protection.view.known
    healthy = seen.health is not None and seen.health.status is HealthStatus.HEALTHY
    return seen.since if healthy and seen.home == place.cluster else None


def _is_past_planning(known: Knowledge) -> bool:
    """Whether a failover has claimed the application: then its record, not a plan, says what comes."""
    newest = known.newest
    return newest is not None and newest.summary.is_open and newest.summary.generation > 0


def _terms(
    application: ApplicationRef, place: Place | None, known: Knowledge, policies: PolicySet | None
) -> _Found:
    """Its policy: that of the policies given, where some were; else of its protection, or its failover."""
    suspended = _suspended(known)
    own = _observes(known)
    if policies is not None:
        return _of_those_given(policies, application, place, suspended, own)
    if known.protection is not None:
        said = known.protection.view.declaration
        terms = _usable(
            said.policy, "its protection", application, said.health_rule, suspended, own
        )
        return _Found(terms, said.overrides, said.health_rule)
    asked = known.request
    if asked is not None:
        open_now = known.newest is not None and known.newest.summary.is_open
        source = (
            "the failover under way, as it began" if open_now else "its last failover, as it began"
        )
        terms = _usable(asked.policy, source, application, asked.health_rule, suspended, own)
        return _Found(terms, asked.overrides, asked.health_rule)
    return _Found(Terms(missing=Because("NoPolicyKnown", NO_POLICY_KNOWN), suspended=suspended))


def _suspended(known: Knowledge) -> Because | None:
    """Why nothing is started for it by itself, as its protection says."""
    view = known.protection.view if known.protection is not None else None
    return None if view is None or view.starts else Because(view.phase.value, view.message)


def _observes(known: Knowledge) -> bool:
    """Whether the failover under way only observes, whatever its policy says."""
    newest = known.newest
    is_open = newest is not None and newest.summary.is_open
    return is_open and known.request is not None and known.request.observe_only


def _of_those_given(
    policies: PolicySet,
    application: ApplicationRef,
    place: Place | None,
    suspended: Because | None,
    observes: bool,
) -> _Found:
    labels = labels_of(place.manifest) if place is not None and place.manifest else {}
    rule = policies.rule_of(application.group_kind)
    match policies.about(application, labels):
        case (NoPolicy() | Ambiguous()) as none:
            return _Found(Terms(missing=Because(none.reason, none.message), suspended=suspended))
        case Policy() as policy:
            terms = _usable(policy, "the policies given", application, rule, suspended, observes)
            return _Found(terms, policies.overrides_of(application, labels), rule)


def _usable(
    policy: Policy,
    source: str,
    application: ApplicationRef,
    rule: HealthRule | None,
    suspended: Because | None,
    observes: bool,
) -> Terms:
    if policy.application is None:
        message = f"{policy} is about it, but has no spec.failover.application, so it moves nothing"
        return Terms(missing=Because("NoApplicationFailover", message), suspended=suspended)
    mode = policy.mode_of(application.group_kind, own_rule=rule is not None)
    return Terms(policy, source, "Observe" if observes else mode, suspended=suspended)


async def _answer(
    fleet: KubeFleet,
    application: ApplicationRef,
    place: Place,
    found: _Found,
    policy: Policy,
    now: datetime,
) -> tuple[Answer | None, Because | None]:
    """What the planner would say, were the toleration over; nothing is changed, and no room is kept."""
    request = PlanRequest(
        application=application,
        failover=failover_id(application),
        source=place.cluster,
        source_uid=place.uid,
        policy=policy,
        overrides=found.overrides,
        health_rule=found.health_rule,
        ignore_health=True,
        observes=True,
    )
    try:
        return await decide(fleet, request, now, Capacities(fleet)), None
    except FailoverError as error:
        return None, Because(error.reason, error.message)


def _pause(known: Knowledge, application: ApplicationRef, clusters: set[str]) -> tuple[str, str]:
    """The widest pause that covers it, in words, and what ends it."""
    listed = known.pauses or {}
    ends = {
        ALL_PAUSE_ID: "--all",
        application_pause_id(application): addressed(application),
        **{cluster_pause_id(each): f"--cluster {each}" for each in sorted(clusters) if each},
    }
    return next(((str(listed[each]), ends[each]) for each in ends if each in listed), ("", ""))
