"""What a person sees before something is done: where the application is, and what will happen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cli.exits import Refused
from cli.preparing import Prepared
from cli.printing import print_pairs, print_table, say, warn
from cli.topology import Place
from failover.domain.plan import Adoption, Answer, FailoverPlan, NoCandidateNow, NotNeeded, Refusal
from failover.domain.selection import Considered
from failover.domain.telling import seconds

_MODES = {
    "Automatic": "",
    "Confirm": "Confirm: asked before anything is written",
    "Observe": "Observe: nothing would be done",
}


def show_topology(prepared: Prepared) -> None:
    """Clusters, where the application is, how it is, and which policy is about it."""
    say(f"{prepared.application}, policy {prepared.policy}")
    say()
    print_table(("CLUSTER", "HERE", "HEALTH", "REASON"), places_table(prepared.places))
    say()
    if prepared.interrupted is not None:
        move = prepared.interrupted
        warn(
            f"an earlier failover from {move.source} to {move.target} was interrupted half done; this one takes it over"
        )


def places_table(places: Iterable[Place]) -> Iterable[tuple[str, ...]]:
    """One row for each cluster: whether the application is there, and how it is."""
    for each in places:
        health = each.health
        yield (
            each.cluster,
            each.told or "-",
            health.status if health else "-",
            f"{health.reason}: {health.message}" if health else "-",
        )


def show_answer(answer: Answer, prepared: Prepared) -> None:
    """What would be done. Raises `Refused` where a rule forbids it."""
    match answer:
        case FailoverPlan():
            kind, own = prepared.application.group_kind, prepared.health_rule is not None
            mode = prepared.policy.mode_of(kind, own_rule=own)
            show_plan(
                answer,
                (
                    ("Toleration", seconds(prepared.policy.active.toleration)),
                    ("Mode", _MODES[mode]),
                ),
            )
        case Refusal():
            show_considered(answer.considered)
            raise Refused(
                f"{prepared.application} cannot be moved: {answer.message}", reason=answer.reason
            )
        case NoCandidateNow():
            show_considered(answer.considered)
            warn(f"{answer.message} A failover would wait for a cluster that can take it")
        case NotNeeded():
            warn(f"nothing is planned now: {answer.health.message}")
        case Adoption():
            state = ", ".join(f"{key}={value}" for key, value in sorted(answer.labels.items()))
            print_pairs(
                (
                    ("From", f"{answer.source}{' (gone)' if answer.source_gone else ''}"),
                    ("To", f"{answer.target}{' (a copy is there)' if answer.copy_present else ''}"),
                    ("Purge mode", answer.purge_mode),
                    ("State", state),
                )
            )


def show_plan(made: FailoverPlan, more: Iterable[tuple[str, str]] = ()) -> None:
    """Candidates with reasons, then the steps in order."""
    show_considered(made.considered)
    state = ", ".join(f"{key}={value}" for key, value in sorted(made.labels.items()))
    print_pairs(
        (
            ("From", made.source),
            ("To", made.target),
            ("Purge mode", made.purge_mode),
            ("State", state or "none"),
            *more,
            ("Digest", made.digest),
        )
    )
    say()
    say("Steps:")
    for number, step in enumerate(made.steps, start=1):
        say(f"  {number}. {step}")
    for dependent in made.dependents:
        say(f"  - {dependent.ref}: {dependent.action.lower()} on {made.target}")
    say()
    for each in made.warnings:
        warn(f"{each.message} [{each.reason}]")


def show_considered(considered: Sequence[Considered]) -> None:
    """Every cluster that was looked at, and why it was taken or not."""
    if considered:
        rows = ((each.cluster, each.standing, each.reason, each.message) for each in considered)
        print_table(("CANDIDATE", "STANDING", "REASON", "MESSAGE"), rows)
        say()
