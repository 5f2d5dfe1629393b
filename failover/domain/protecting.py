"""What follows from a declaration and from what is seen of an application under protection.

    declare ──▶ Protected ◀──resume── Suspended       unprotect ends it, from anywhere
                    │
                    └── a generation that no failover of ours has made ──▶ NewerGeneration

What is known is for people and for those who watch: a list, and where to look. What a move hangs on
is read from the records on the clusters, again, by the failover itself. So what is remembered here
may be old, and the record wins: home is where the newest record says, then where the object is.

The invariant: a generation that grows without a failover that Temporal knows is not taken over. It
means that Temporal's database is older than the clusters (a backup), or that somebody else moves the
application too. Then nothing is started by itself until a person declares the application again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from failover.domain.application import (
    ApplicationPhase,
    ApplicationRequest,
    ApplicationSeen,
    ApplicationView,
    Declaration,
    Known,
)
from failover.domain.errors import FailoverError
from failover.domain.health import Health, HealthStatus
from failover.domain.identity import ApplicationRef
from failover.domain.manifest import Manifest
from failover.domain.marks import mark_of
from failover.domain.policy import Mode, Policy
from failover.domain.record import generation_of, home_of
from failover.domain.sighting import is_left_alone
from failover.domain.states import StateGeneration, after_look


def with_mode(policy: Policy, mode: Mode) -> Policy:
    """The policy with this mode written out, so that nobody has to decide it again."""
    failover = policy.spec.failover
    assert failover is not None, "a policy that moves nothing protects nothing"
    active = policy.active.model_copy(update={"mode": mode})
    written = failover.model_copy(update={"application": active})
    spec = policy.spec.model_copy(update={"failover": written})
    return policy.model_copy(update={"spec": spec})


def view_of(request: ApplicationRequest) -> ApplicationView:
    """The protection as others see it."""
    known = request.known or Known()
    phase = ApplicationPhase.PROTECTED
    if known.newer_generation:
        phase = ApplicationPhase.NEWER_GENERATION
    elif request.suspension is not None:
        phase = ApplicationPhase.SUSPENDED
    return ApplicationView(
        application=request.application,
        phase=phase,
        declaration=request.declaration,
        suspension=request.suspension,
        known=known,
    )


def begun(application: ApplicationRef, declaration: Declaration) -> ApplicationRequest:
    """A protection of which nothing is known yet."""
    kept = declaration.model_copy(update={"afresh": False})
    return ApplicationRequest(application=application, declaration=kept)


def declared(request: ApplicationRequest, declaration: Declaration) -> ApplicationRequest:
    """The protection under another declaration; by a person's word newer generations count."""
    known = request.known
    if known is not None and known.newer_generation and declaration.afresh:
        taken = {"generation": known.newer_generation, "newer_generation": 0}
        known = known.model_copy(update=taken)
    kept = declaration.model_copy(update={"afresh": False})
    return request.model_copy(update={"declaration": kept, "known": known})


def learnt(request: ApplicationRequest, seen: ApplicationSeen, now: datetime) -> ApplicationRequest:
    """The protection after a look: all that was seen is taken over, but an unaccounted generation."""
    before = request.known
    status = before.health.status if before is not None and before.health is not None else None
    known = before or Known()
    # No record that answers counts any: then those that do are silent, for a count is never taken back.
    counted = seen.counted or known.counted
    known = known.model_copy(update={"home": seen.home, "health": seen.health, "counted": counted})
    if status is not seen.health.status:
        known = known.model_copy(update={"since": now})
    if before is None or seen.accounted or seen.generation <= before.generation:
        # A cluster that does not answer now hides its record, so the number never shrinks.
        taken = max(seen.generation, known.generation)
        newer = 0 if seen.accounted or before is None else known.newer_generation
        known = known.model_copy(update={"generation": taken, "newer_generation": newer})
    else:
        known = known.model_copy(update={"newer_generation": seen.generation})
    states = after_look(
        _known_states(known, seen.good),
        seen.values,
        cluster=seen.home,
        healthy=seen.health.status is HealthStatus.HEALTHY,
        now=now,
        good_after=request.declaration.policy.active.good_after,
    )
    return request.model_copy(update={"known": known.model_copy(update={"states": states})})


def _known_states(known: Known, recorded: StateGeneration | None) -> tuple[StateGeneration, ...]:
    """What was known; where a record is ahead of it, Temporal's database is new, and numbers go on from there."""
    newest = known.states[-1].number if known.states else 0
    return known.states if recorded is None or recorded.number <= newest else (recorded,)


def to_keep(request: ApplicationRequest) -> StateGeneration | None:
    """The good state that is still to be written on the clusters; `None`: nothing is.

    Only what it is healthy with now, and never in Observe or while suspended: nothing is written then.
    """
    known = request.known or Known()
    newest = known.states[-1] if known.states else None
    healthy = known.health is not None and known.health.status is HealthStatus.HEALTHY
    if newest is None or not newest.is_good or not healthy or not known.home:
        return None
    if request.declaration.mode == "Observe" or not view_of(request).starts:
        return None
    kept = known.kept
    is_kept = kept is not None and (kept.number, kept.home) == (newest.number, known.home)
    return None if is_kept else newest


@dataclass(frozen=True)
class Whereabouts:
    """Where an application lives, or why that cannot be said."""

    home: str
    generation: int
    unseen: Health | None = None
    """Its health where there is no object to be judged."""


def whereabouts(
    application: ApplicationRef,
    objects: Mapping[str, Manifest | None],
    heads: Mapping[str, Manifest],
    failures: Mapping[str, FailoverError],
) -> Whereabouts:
    """Where it lives by the newest record, then by its object; by cluster: objects, records, failures."""
    newest = max(heads.values(), key=generation_of, default=None)
    living = [
        name for name, each in objects.items() if each is not None and not is_left_alone(each)
    ]
    marks = (mark_of(objects[name] or {}) for name in living)
    generation = max(
        (generation_of(newest) if newest is not None else 0),
        *(mark.generation for mark in marks if mark is not None),
        0,
    )
    told = home_of(newest) if newest is not None else ""
    if told in living:
        return Whereabouts(told, generation)
    if told in failures:
        return Whereabouts(told, generation, _unseen(failures[told]))
    if len(living) == 1:
        return Whereabouts(living[0], generation)
    if living:
        message = f"{application} lives on {' and '.join(sorted(living))}, and no record says which one counts"
        return Whereabouts(told, generation, _unknown("LivesOnTwoClusters", message))
    if failures:
        return Whereabouts(told, generation, _unseen(next(iter(failures.values()))))
    return Whereabouts(told, generation, _unknown("NotThere", f"{application} is on no cluster"))


def _unseen(error: FailoverError) -> Health:
    return _unknown(error.reason, error.message)


def _unknown(reason: str, message: str) -> Health:
    return Health(status=HealthStatus.UNKNOWN, reason=reason, message=message)


def summary(view: ApplicationView) -> str:
    """One line for the list of Temporal's UI."""
    application = view.application
    return f"{application.name} ({application.kind}) is protected: {view.declaration.mode}"


def details(view: ApplicationView) -> str:
    """Markdown for Temporal's UI: what is declared, where it lives, and what stands in the way."""
    application, known, declaration = view.application, view.known, view.declaration
    health = known.health
    where = f" -n {application.namespace}" if application.namespace else ""
    lines = [
        f"**{view.phase}**" + (f": {view.message}" if view.message else ""),
        "",
        f"- Home: {known.home or 'not known'}, generation {known.generation}",
        f"- Health: {f'{health.status} ({health.reason}): {health.message}' if health else 'not looked yet'}",
        f"- Last good state: {known.last_good or 'none yet'}",
        f"- Policy: {declaration.policy}, mode {declaration.mode}",
        f"- Declared by {declaration.declared_by}",
        "",
        f"`failover describe {application.short}{where}`",
    ]
    return "\n".join(lines)
