"""Planning: look at everything, in quorum reads, and decide; nothing is changed.

The answer stands in the history, so the rules may change in any release without a replay hazard.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from temporalio import activity

from activities.adopting import adoption_of
from activities.attempts import effect
from activities.crowd import Crowd
from activities.dependents import Needs, needs_of_record, needs_on, plan_dependents
from activities.fitting import Capacities, Demands, Survey
from activities.looking import Snapshot, look_everywhere
from activities.seeing import health_now
from activities.together import Together
from activities.trying import try_out, without_records
from failover.domain.budget import admission
from failover.domain.capacity.pods import Pods
from failover.domain.capacity.workloads import demand_of
from failover.domain.errors import (
    ClusterUnreachable,
    FailoverError,
    InvalidInput,
    TransientError,
)
from failover.domain.handing_on import handed_on
from failover.domain.health import Health
from failover.domain.manifest import Manifest, digest, uid_of
from failover.domain.marks import superseded_by
from failover.domain.plan import (
    Answer,
    FailoverPlan,
    NoCandidateNow,
    NotNeeded,
    PlannedDependent,
    Refusal,
    Warn,
)
from failover.domain.planning import (
    lasting_refusal,
    not_needed,
    occupied_message,
    original_of,
    puts_back,
    refusal_of,
    rendered,
    warnings_of,
)
from failover.domain.record import (
    Record,
    claim_of,
    generation_of,
)
from failover.domain.selection import Choice, ClusterVerdict, candidates, choose
from failover.domain.steps import Claim, PlanAnswer, PlanRequest
from failover.fleet import Fleet
from failover.records import read_any

REFUSALS_OF_A_TARGET = frozenset(
    {"Forbidden", "Invalid", "UnknownKind", "CredentialsRejected", "DependentConflict"}
)
"""A target's definite answers that say nothing about other targets."""


@dataclass(frozen=True)
class Deciding:
    """Reads only; a server-side dry run is the nearest it comes to a write."""

    fleet: Fleet
    crowd: Crowd
    capacities: Capacities

    @activity.defn
    @effect
    async def plan_failover(self, request: PlanRequest) -> PlanAnswer:
        """The plan, or why there is none."""
        now = activity.info().started_time
        answer = await decide(self.fleet, request, now, self.capacities)
        crowded = request.due is not None and self.crowd.joined(request.failover, request.due, now)
        return PlanAnswer(answer=answer, crowded=crowded)


async def decide(
    fleet: Fleet, request: PlanRequest, now: datetime, capacities: Capacities
) -> Answer:
    """Gather, then decide, in that order; the first rule that applies answers.

    `now` only tells whether the budget has room: a plan warns, the capture holds.
    """
    fleet.cluster(request.source)
    snapshot = await look_everywhere(fleet, request.application)
    if request.claim:
        return await _plan_from_record(fleet, capacities, request, snapshot)
    if (adoption := await adoption_of(fleet, request, snapshot)) is not None:
        return adoption
    _raise_if_source_unseen(request, snapshot)
    manifest = snapshot.objects.get(request.source)
    if manifest is None or (request.source_uid and uid_of(manifest) != request.source_uid):
        state = "not there any more" if manifest is None else "another object now"
        return Refusal(
            reason="StaleIncident", message=f"{request.application} on {request.source} is {state}"
        )
    source = fleet.cluster(request.source)
    health, source_cluster_uid = await asyncio.gather(
        health_now(source, manifest, request.health_rule), source.uid(), return_exceptions=True
    )
    if isinstance(health, BaseException):
        raise health
    if request.only_adopt:
        return NotNeeded(health=health)
    if not request.ignore_health and (well := not_needed(request.policy, health)) is not None:
        return well
    if (refusal := refusal_of(request.policy, manifest, request.source)) is not None:
        return refusal
    handed = handed_on(
        request.policy, manifest, request.skipped_rules, snapshot.good, request.state
    )
    if isinstance(source_cluster_uid, BaseException):
        raise source_cluster_uid  # only now: without a plan nobody needs it
    return await _choose(
        fleet,
        capacities,
        request,
        snapshot,
        manifest,
        _Subject(
            original=original_of(manifest, request.policy),
            labels=handed.labels,
            source=request.source,
            source_uid=uid_of(manifest),
            source_cluster_uid=source_cluster_uid,
            health=health,
            warnings=(
                *handed.warnings,
                *_budget_warning(request, snapshot, now),
                *warnings_of(
                    request.policy,
                    manifest,
                    request.source,
                    own_rule=request.health_rule is not None,
                ),
            ),
            settle_seconds=request.policy.active.settle(owned=puts_back(manifest)).total_seconds(),
            ahead=max(request.due - now, timedelta(0)) if request.due else timedelta(0),
        ),
    )


def _budget_warning(request: PlanRequest, snapshot: Snapshot, now: datetime) -> tuple[Warn, ...]:
    """That such a move would be held now; not where it is under way, or a person wants it."""
    if request.tried or request.forced:
        return ()
    budget = request.policy.active.budget
    found = admission(budget, snapshot.counted, claim=request.claim, now=now)
    if found is None:
        return ()
    return (Warn(reason=found.reason, message=f"it would be held: {found.message}"),)


def _raise_if_source_unseen(request: PlanRequest, snapshot: Snapshot) -> None:
    error = snapshot.failures.get(request.source)
    if error is None:
        return
    if isinstance(error, TransientError):
        message = (
            f"{request.source} does not answer, so it is not known whether {request.application} still runs there, "
            f"and nothing was written: {error.message}"
        )
        raise ClusterUnreachable(message, reason="SourceUnreachable") from error
    raise error


@dataclass(frozen=True)
class _Subject:
    """What is to be moved."""

    original: Manifest
    labels: Mapping[str, str]
    source: str
    source_uid: str
    source_cluster_uid: str
    health: Health | None = None
    warnings: tuple[Warn, ...] = ()
    settle_seconds: float = 0
    from_record: Record | None = None
    ahead: timedelta = timedelta(0)
    """How long until the plan is carried out."""


async def _plan_from_record(
    fleet: Fleet, capacities: Capacities, request: PlanRequest, snapshot: Snapshot
) -> Answer:
    """Another target for a move that is under way: the record is the truth."""
    ours = [name for name, head in snapshot.heads.items() if claim_of(head) == request.claim]
    generation = max((generation_of(snapshot.heads[name]) for name in ours), default=0)
    claim = Claim(
        application=request.application,
        failover=request.failover,
        generation=generation,
        claim=request.claim,
    )
    # whoever did not answer may hold it too: then it is not missing, but not to be read now
    record = await read_any(
        fleet, dict.fromkeys((*ours, request.source, *snapshot.failures)), claim
    )
    move = record.move
    assert move is not None, "read_any answers with an open record only"
    subject = _Subject(
        original=move.original,
        labels=move.labels,
        source=move.source,
        source_uid=move.source_uid,
        source_cluster_uid=move.source_cluster_uid,
        from_record=record,
    )
    return await _choose(fleet, capacities, request, snapshot, move.original, subject)


async def _choose(
    fleet: Fleet,
    capacities: Capacities,
    request: PlanRequest,
    snapshot: Snapshot,
    manifest: Manifest,
    subject: _Subject,
) -> Answer:
    """Choose a target, try it by a dry run; where it refuses, choose again without it."""
    facts = {each.name: each for each in fleet.facts}
    verdicts = _verdicts(snapshot, subject)
    tried = frozenset(request.tried)
    elsewhere = _lives_elsewhere(request, snapshot, subject, fleet)
    if elsewhere is not None:
        return elsewhere
    record = subject.from_record
    if record is not None and record.move is not None:
        needs = needs_of_record(record.move)
    else:
        needs = await needs_on(fleet.cluster(subject.source), request.policy, manifest)
    survey, demands = await _survey(fleet, capacities, request, subject, verdicts)
    while True:
        fit = survey.judge(demands)
        chosen = choose(
            request.policy,
            fleet.facts,
            source=subject.source,
            tried=tried,
            verdicts={**fit.full, **verdicts},
            requested=request.requested_target or None,
            free_percent=fit.free_percent,
        )
        if not isinstance(chosen, Choice):
            lasting = lasting_refusal(chosen.considered, chosen.message)
            return lasting or NoCandidateNow(message=chosen.message, considered=chosen.considered)
        if not request.observes:
            survey.keep(chosen.target, demands, subject.ahead)
        target = facts[chosen.target]
        wanted = rendered(subject.original, request.overrides, subject.labels, target)
        trial = await _try_target(fleet, request, subject, needs, wanted, chosen.target)
        if trial.refused is None:
            unchecked = survey.warnings(chosen.target, demands)
            warnings = (*unchecked, *trial.warnings)
            if request.observes and record is None:  # who moves is told by the capture
                both = (subject.source, chosen.target)
                warnings += await without_records(map(fleet.cluster, both))
            return _made(request, snapshot, subject, chosen, wanted, trial, warnings)
        survey.let_go()
        verdicts = {**verdicts, chosen.target: trial.refused}


async def _survey(
    fleet: Fleet,
    capacities: Capacities,
    request: PlanRequest,
    subject: _Subject,
    verdicts: Mapping[str, ClusterVerdict],
) -> tuple[Survey, Demands]:
    """What is known of the candidates' room, and what the application would ask for on each."""
    demands: dict[str, tuple[Pods, ...] | None] = {}
    if request.policy.checks_capacity:
        tried = frozenset(request.tried)
        meant = candidates(request.policy, fleet.facts, source=subject.source, tried=tried)
        facts = {each.name: each for each in fleet.facts}
        for name in (each for each in meant if each not in verdicts):
            try:
                wanted = rendered(subject.original, request.overrides, {}, facts[name])
            except InvalidInput:
                demands[name] = None  # told when it is chosen
            else:
                demands[name] = demand_of(wanted)
    return await capacities.survey(request.application, demands), demands


def _made(
    request: PlanRequest,
    snapshot: Snapshot,
    subject: _Subject,
    chosen: Choice,
    wanted: Manifest,
    trial: _Trial,
    unchecked: tuple[Warn, ...],
) -> FailoverPlan:
    record = subject.from_record
    unseen = sorted(set(snapshot.failures) - {subject.source})
    warnings = (*subject.warnings, *unchecked)
    if unseen:
        message = f"not seen: {', '.join(unseen)}; nobody knows whether a copy is there"
        warnings = (*warnings, Warn(reason="CopiesUnverified", message=message))
    open_targets = {
        name
        for name, _ in snapshot.open_heads(request.claim)
        if name not in {subject.source, chosen.target}
    }
    return FailoverPlan(
        application=request.application,
        source=subject.source,
        source_uid=subject.source_uid,
        source_cluster_uid=subject.source_cluster_uid,
        target=chosen.target,
        purge_mode=record.move.purge_mode
        if record and record.move
        else request.policy.active.purge_mode,
        mode=request.policy.mode_of(
            request.application.group_kind, own_rule=request.health_rule is not None
        ),
        labels=dict(subject.labels),
        manifest_digest=digest(wanted),
        dependents=trial.dependents,
        dry_run=trial.dry_run,
        considered=chosen.considered,
        warnings=warnings,
        generation_seen=snapshot.generation_seen,
        counted=snapshot.counted,
        good=snapshot.good,
        settle_seconds=subject.settle_seconds,
        health=subject.health,
        leftover_targets=tuple(sorted(open_targets)),
    )


def _verdicts(snapshot: Snapshot, subject: _Subject) -> dict[str, ClusterVerdict]:
    verdicts: dict[str, ClusterVerdict] = {}
    for name, error in snapshot.failures.items():
        verdicts[name] = ClusterVerdict(usable=False, reason=error.reason, message=error.message)
    for name, manifest in snapshot.objects.items():
        if manifest is not None and name != subject.source:
            verdicts[name] = ClusterVerdict(
                usable=False, reason="TargetOccupied", message=occupied_message(name, manifest)
            )
    return verdicts


def _lives_elsewhere(
    request: PlanRequest, snapshot: Snapshot, subject: _Subject, fleet: Fleet
) -> Refusal | None:
    """A second copy: a person has to say which one counts, before either is touched."""
    meant = set(candidates(request.policy, fleet.facts, source=subject.source, tried=frozenset()))
    for name, manifest in snapshot.objects.items():
        if (
            manifest is None
            or name in {subject.source, *request.tried}
            or superseded_by(manifest) is not None
        ):
            continue
        if name in meant:
            return Refusal(reason="TargetOccupied", message=occupied_message(name, manifest))
        message = (
            f"{request.application} lives on {subject.source} and on {name} too; one cluster per application: "
            f"delete the copy that is not the real one"
        )
        return Refusal(reason="LivesOnTwoClusters", message=message)
    return None


@dataclass(frozen=True)
class _Trial:
    """What the target itself says, without being changed."""

    dependents: tuple[PlannedDependent, ...] = ()
    dry_run: bool = False
    warnings: tuple[Warn, ...] = ()
    refused: ClusterVerdict | None = None


async def _try_target(
    fleet: Fleet,
    request: PlanRequest,
    subject: _Subject,
    needs: Needs,
    wanted: Manifest,
    target: str,
) -> _Trial:
    """Compare the dependents there, and dry-run the copy; a refusal is a verdict on this cluster."""
    cluster = fleet.cluster(target)
    try:
        async with Together() as reads:
            dependents = reads.begin(plan_dependents(cluster, request.policy, needs))
            tried = reads.begin(
                try_out(
                    cluster, wanted, request.failover, subject.labels, observes=request.observes
                )
            )
    except FailoverError as error:
        if not (error.transient or error.reason in REFUSALS_OF_A_TARGET):
            raise
        verdict = ClusterVerdict(usable=False, reason=error.reason, message=error.message)
        return _Trial(refused=verdict)
    could, warnings = tried.result()
    return _Trial(dependents.result(), could, warnings)
