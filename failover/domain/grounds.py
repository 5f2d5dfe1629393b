"""The grounds of an explanation: all that is known, in the order in which a failover would come to it."""

from __future__ import annotations

from collections.abc import Iterator

from failover.domain import telling
from failover.domain.budget import told
from failover.domain.explanation import Because, Facts, Sight, moment, plain
from failover.domain.plan import Adoption, FailoverPlan, NoCandidateNow, NotNeeded, Refusal
from failover.domain.selection import NOT_CANDIDATES, Considered


def grounds(facts: Facts) -> Iterator[Because]:
    """Every reason that is known, the nearest first; each once."""
    seen: set[str] = set()
    for each in _all(facts):
        message = f"{plain(each.message)}."
        if message not in seen:
            seen.add(message)
            yield Because(each.reason, message)


def _all(facts: Facts) -> Iterator[Because]:
    for sight in sorted(facts.sights, key=lambda each: not each.lives):
        yield from _seen(sight)
    yield from facts.unknown
    yield from _course(facts)
    yield from _terms(facts)
    if facts.pause:
        yield Because("Paused", f"{plain(facts.pause)}.")
    if facts.not_admitted is not None:
        yield Because(
            facts.not_admitted.reason, f"The budget: {plain(facts.not_admitted.message)}."
        )
    elif facts.budget is not None:
        yield Because("BudgetLeft", f"Its budget has room: {plain(told(facts.budget))}.")
    yield from _planned(facts)
    if facts.problem is not None:
        yield Because(facts.problem.reason, f"No plan can be made: {plain(facts.problem.message)}.")
    yield from _last(facts)


def _seen(sight: Sight) -> Iterator[Because]:
    if sight.problem is not None:
        yield Because(
            sight.problem.reason,
            f"{sight.cluster} does not answer: whether a copy is there is not known ({plain(sight.problem.message)}).",
        )
    elif sight.left_to:
        message = f"The object on {sight.cluster} was left behind by a failover to {sight.left_to}."
        yield Because("Superseded", message)
    elif sight.health is not None:
        health = sight.health
        yield Because(
            health.reason,
            f"It lives on {sight.cluster} and is {health.status.lower()} there: {plain(health.message)}.",
        )


def _course(facts: Facts) -> Iterator[Because]:
    course = facts.under_way
    if course is None:
        return
    since = f" since {moment(course.since)}" if course.since else ""
    yield Because("UnderWay", f"A failover of it is under way{since}: {course.phase}.")
    status = course.status
    if status is None:
        return
    yield Because("UnderWay", f"It waits for this: {plain(telling.waiting_for(status))}.")
    yield Because("UnderWay", f"Copies: {plain(status.copies)}.")
    if status.called:
        yield Because("UnderWay", f"A person: {plain(status.called)}.")


def _terms(facts: Facts) -> Iterator[Because]:
    terms = facts.terms
    if terms.policy is None:
        if terms.missing is not None:
            yield terms.missing
        return
    yield Because("PolicyInForce", f"{terms.policy} is about it, by {terms.known_from}.")
    if terms.suspended is not None:
        message = f"Nothing is started by itself: {plain(terms.suspended.message)}."
        yield Because(terms.suspended.reason, message)
    if facts.under_way is None and terms.policy.application is not None:
        tolerated = telling.seconds(terms.policy.active.toleration)
        yield Because("Tolerated", f"It may be unhealthy for {tolerated} before it is moved.")
    match terms.mode:
        case "Observe":
            message = (
                "It is only observed: mode Automatic or Confirm in the policy, and a watcher without "
                "--observe, have it moved."
            )
            yield Because("ModeObserve", message)
        case "Confirm":
            yield Because("ModeConfirm", "The policy has mode Confirm: a person approves the plan.")
        case _:
            pass


def _planned(facts: Facts) -> Iterator[Because]:
    match facts.answer:
        case FailoverPlan() as made:
            yield from _considered(made.considered)
            held = facts.not_admitted.reason if facts.not_admitted is not None else ""
            for each in made.warnings:
                if each.reason != held:
                    yield Because(each.reason, f"A warning: {plain(each.message)}.")
        case NoCandidateNow(considered=considered):
            yield from _considered(considered)
        case Refusal(reason=reason, message=message, considered=considered):
            candidates = tuple(_considered(considered))
            # Where it is the word of a candidate, that one says it.
            if reason not in {each.reason for each in candidates}:
                yield Because(reason, f"A rule forbids the move: {plain(message)}.")
            yield from candidates
        case NotNeeded() | Adoption() | None:
            return


def _considered(considered: tuple[Considered, ...]) -> Iterator[Because]:
    for each in considered:
        if each.reason not in NOT_CANDIDATES:
            yield Because(each.reason, each.message)


def _last(facts: Facts) -> Iterator[Because]:
    before = facts.before
    if before is None:
        return
    ended = f" at {moment(before.ended)}" if before.ended else ""
    way = before.source + (f" to {before.target}" if before.target else "")
    why = f", {before.reason}" if before.reason else ""
    yield Because("LastFailover", f"The last one ended as {before.outcome}{ended} ({way}{why}).")
