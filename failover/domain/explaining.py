"""Why an application is moving, or why not: a verdict, the reasons for it, and what would change it.

Nothing is decided here: health, refusals, candidates, budget and clock were judged by the functions by
which the workflows judge them, and arrive as facts. The first check that applies gives the verdict; all
that is known follows as reasons, in the order in which a failover would come to it (`failover.domain.grounds`).
"""

from __future__ import annotations

from datetime import timedelta

from failover.domain import telling
from failover.domain.explanation import Explanation, Facts, UnderWay, Verdict, moment, plain
from failover.domain.grounds import grounds
from failover.domain.health import HealthStatus
from failover.domain.phases import BLOCKED, RETRYING, Action, Phase
from failover.domain.plan import NoCandidateNow, Refusal
from failover.domain.planning import not_needed
from failover.domain.request import Status

_WHY = "--reason 'why'"


def explain(facts: Facts) -> Explanation:
    """The verdict of the first check that applies, and everything that is known."""
    verdict, reason, sentence, change = next(
        found for check in CHECKS if (found := check(facts)) is not None
    )
    because = tuple(grounds(facts))
    return Explanation(verdict, reason, f"{facts.application.name} {sentence}.", because, change)


Found = tuple[Verdict, str, str, str]
"""Verdict, reason, the sentence after the application's name, and the command that would change it."""


def _under_way(facts: Facts) -> Found | None:
    course = facts.under_way
    if course is None:
        return None
    status = course.status
    if status is None:
        sentence = f"is not moving: its failover is {course.phase}, and no worker answers for it"
        return Verdict.WAITS, "NoWorker", sentence, "failover worker"
    if (waits := _waits(facts, course, status)) is not None:
        return waits
    if status.phase is Phase.TOLERATING:
        return _tolerated(facts, status)
    where = f" from {status.source}" + (f" to {status.target}" if status.target else "")
    change = _typed("abort", facts, _WHY) if Action.ABORT in status.allowed else ""
    sentence = f"is being moved{where}: it waits for {telling.waiting_for(status)}"
    reason = RETRYING if course.phase == RETRYING else "UnderWay"
    return Verdict.MOVING, reason, sentence, change


def _waits(facts: Facts, course: UnderWay, status: Status) -> Found | None:
    """For a person, or for something that a person may have to change."""
    if status.block is not None:
        sentence = f"is blocked in {status.phase}: {plain(status.block.message)}"
        change = next(iter(telling.commands(status)), "")
        return Verdict.WAITS, status.block.reason or BLOCKED, sentence, change
    match course.phase:
        case Phase.AWAITING_APPROVAL:
            plan = f"{status.source} to {status.target}, plan {status.plan_digest}"
            change = _typed("approve", facts)
            return Verdict.WAITS, course.phase, f"waits for an approval: {plan}", change
        case Phase.HELD:
            paused = bool(facts.pause)
            change = f"failover resume {facts.resumes}" if paused else _typed("skip", facts, _WHY)
            sentence = f"is held: {plain(status.message) or 'it is not admitted'}"
            return Verdict.WAITS, status.reason or course.phase, sentence, change
        case Phase.WAITING_FOR_CLUSTER:
            sentence = f"waits for a cluster: {plain(status.message) or 'no cluster can take it'}"
            return Verdict.WAITS, "NoCandidate", sentence, _typed("replan", facts, "-f POLICY")
        case _:
            return None


def _tolerated(facts: Facts, status: Status) -> Found:
    health, ends = status.health, status.toleration_ends_at
    if ends is None:
        why = f": {plain(health.message)}" if health else ""
        reason = health.reason if health else "Unknown"
        sentence = f"is not moving, since the clock of its toleration stands still{why}"
        return Verdict.NOT_MOVING, reason, sentence, _typed("start", facts, f"--force {_WHY}")
    left = telling.seconds(max(ends - facts.now, timedelta(0)))
    where = facts.target or "the first cluster that can take it"
    reason = health.reason if health else "UnderWay"
    if facts.terms.mode == "Observe":
        sentence = f"would have been moved to {where} in {left}, but is only observed"
        return Verdict.ONLY_OBSERVED, "ModeObserve", sentence, ""
    asked = ", once somebody approves" if facts.terms.mode == "Confirm" else ""
    sentence = f"would move to {where} in {left}{asked}"
    return Verdict.WOULD_MOVE, reason, sentence, _typed("pause", facts, _WHY)


def _interrupted(facts: Facts) -> Found | None:
    if not facts.interrupted:
        return None
    sentence = f"was left half done by a failover {facts.interrupted}; the next one takes it over"
    return Verdict.WAITS, "Interrupted", sentence, _typed("start", facts, "-f POLICY")


def _nowhere(facts: Facts) -> Found | None:
    if facts.living:
        return None
    unseen = [each for each in facts.sights if each.problem is not None]
    if unseen and unseen[0].problem is not None:
        names = " and ".join(each.cluster for each in unseen)
        silent = "does not answer" if len(unseen) == 1 else "do not answer"
        sentence = f"was not found, and {names} {silent}: whether it is there is not known"
        return Verdict.UNSEEN, unseen[0].problem.reason, sentence, "failover doctor"
    return Verdict.UNSEEN, "NotFound", "is on no cluster of the fleet", ""


def _twice(facts: Facts) -> Found | None:
    if facts.home is not None:
        return None
    names = " and ".join(each.cluster for each in facts.living)
    sentence = f"lives on {names}: nothing is moved until one of them is deleted"
    return Verdict.REFUSED, "LivesOnTwoClusters", sentence, ""


def _unprotected(facts: Facts) -> Found | None:
    missing = facts.terms.missing
    if missing is None:
        return None
    sentence = f"is protected by nobody: {plain(missing.message)}"
    return Verdict.UNPROTECTED, missing.reason, sentence, _typed("explain", facts, "-f POLICY")


def _well(facts: Facts) -> Found | None:
    home = facts.home
    assert home is not None, "checked before"
    policy, health = facts.terms.policy, home.health
    if policy is None or health is None or not_needed(policy, health) is None:
        return None
    if health.status is HealthStatus.HEALTHY:
        since = _since(facts, home.cluster)
        change = _typed("start", facts, f"-f POLICY --force {_WHY}")
        return (
            Verdict.NOT_MOVING,
            health.reason,
            f"is not moving: it is healthy on {home.cluster}{since}",
            change,
        )
    change = _typed("start", facts, f"-f POLICY --force {_WHY}")
    sentence = f"is not moving: {plain(health.message)}, which another cluster is not known to mend"
    return Verdict.NOT_MOVING, health.reason, sentence, change


def _since(facts: Facts, cluster: str) -> str:
    """Since when, by its protection; or at least, by the failover that ended last."""
    if facts.healthy_since is not None:
        return f" since {moment(facts.healthy_since)}"
    before = facts.before
    if before is None or before.ended is None:
        return ""
    match before.outcome:
        case "Completed" if before.target == cluster:
            return f", where it lives since {moment(before.ended)}"
        case "Recovered" if before.source == cluster:
            return f", well again at {moment(before.ended)}"
        case _:
            return ""


def _suspended(facts: Facts) -> Found | None:
    why = facts.terms.suspended
    if why is None:
        return None
    resumes = why.reason == "Suspended"
    change = _typed("resume", facts) if resumes else "failover protect -f POLICY"
    return Verdict.WAITS, why.reason, f"is not moved by itself: {plain(why.message)}", change


def _refused(facts: Facts) -> Found | None:
    match facts.answer:
        case Refusal(reason=reason, message=message):
            sentence = f"cannot be moved: {plain(message)}"
            return Verdict.REFUSED, reason, sentence, _typed("plan", facts, "-f POLICY")
        case NoCandidateNow(message=message):
            sentence = f"would wait for a cluster that can take it: {plain(message)}"
            return Verdict.REFUSED, "NoCandidate", sentence, _typed("plan", facts, "-f POLICY")
        case _ if facts.problem is not None:
            sentence = f"would be blocked: {plain(facts.problem.message)}"
            forbidden = facts.problem.reason == "Forbidden"
            rights = "failover rbac -f POLICY --role watcher"
            change = rights if forbidden else _typed("plan", facts, "-f POLICY")
            return Verdict.WAITS, facts.problem.reason, sentence, change
        case _:
            return None


def _observed(facts: Facts) -> Found | None:
    if facts.terms.mode != "Observe":
        return None
    sentence = f"would have been moved to {facts.target}, but is only observed"
    return Verdict.ONLY_OBSERVED, "ModeObserve", sentence, ""


def _held(facts: Facts) -> Found | None:
    if facts.pause:
        sentence = f"would be held: {plain(facts.pause)}"
        return Verdict.WAITS, "Paused", sentence, f"failover resume {facts.resumes}"
    held = facts.not_admitted
    if held is None:
        return None
    change = _typed("start", facts, f"-f POLICY --force {_WHY}")
    return Verdict.WAITS, held.reason, f"would be held: {plain(held.message)}", change


def _would_move(facts: Facts) -> Found:
    policy = facts.terms.policy
    assert policy is not None, "checked before"
    asked = ", once somebody approves" if facts.terms.mode == "Confirm" else ""
    ill = telling.seconds(policy.active.toleration)
    sentence = f"would move to {facts.target} after {ill} of being unhealthy{asked}; no failover of it has begun"
    home = facts.home
    reason = home.health.reason if home is not None and home.health is not None else "Unknown"
    return Verdict.WOULD_MOVE, reason, sentence, _typed("start", facts, "-f POLICY")


CHECKS = (
    _under_way,
    _interrupted,
    _nowhere,
    _twice,
    _unprotected,
    _well,
    _suspended,
    _refused,
    _observed,
    _held,
    _would_move,
)
"""In the order in which they count; the last one always applies."""


def _typed(verb: str, facts: Facts, options: str = "") -> str:
    typed = f"failover {verb} {telling.addressed(facts.application)}"
    return f"{typed} {options}" if options else typed
