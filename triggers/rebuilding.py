"""Making again what Temporal has lost, from the records on the clusters and from policies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from temporalio.client import Client

from failover.domain.application import Declaration
from failover.domain.errors import FailoverError, TransientError
from failover.domain.identity import ApplicationRef, failover_id
from failover.domain.manifest import Manifest
from failover.domain.protecting import with_mode
from failover.domain.rebuilding import Standing, Todo, todo
from failover.domain.record import (
    LABEL,
    NAMESPACE,
    OPEN_LABEL,
    application_of,
    generation_of,
    home_of,
    is_open,
)
from failover.domain.request import FailoverRequest, Limits, Trigger
from failover.domain.sweeping import INTERRUPTED, OpenMove, newer
from failover.fleet import Cluster, Fleet
from failover.records import SECRET
from triggers import protecting
from triggers.protecting import Protection
from triggers.reading import list_failovers
from triggers.starting import start_failover

SETTLED_WITHIN_SECONDS = 20.0
RUNS_MAX = 100_000


class NotSettled(TransientError):
    """A protection has not answered in time."""


@dataclass
class Records:
    """What the records of all clusters say, and who could not be asked."""

    standings: dict[ApplicationRef, Standing] = field(
        default_factory=dict[ApplicationRef, Standing]
    )
    errors: dict[str, FailoverError] = field(default_factory=dict[str, FailoverError])


async def read_records(fleet: Fleet) -> Records:
    """All records, by their metadata alone; a cluster that does not answer is noted."""
    found = Records()

    async def look(cluster: Cluster) -> None:
        def keep(head: Manifest) -> tuple[ApplicationRef, Standing] | None:
            application = application_of(head)
            if application is None:
                return None
            home, generation = home_of(head), generation_of(head)
            move = OpenMove(home, cluster.name, generation) if _is_open(head) else None
            return application, Standing(home, generation, move)

        try:
            heads = await cluster.sift(
                SECRET, keep, NAMESPACE, label_selector=f"{LABEL}=true", metadata_only=True
            )
        except FailoverError as error:
            found.errors[cluster.name] = error
            return
        for application, standing in filter(None, heads):
            before = found.standings.get(application, Standing())
            found.standings[application] = _merged(before, standing)

    await asyncio.gather(*(look(fleet.cluster(each.name)) for each in fleet.facts))
    return found


def _is_open(head: Manifest) -> bool:
    labels: Mapping[str, str] = head["metadata"].get("labels") or {}
    return labels.get(OPEN_LABEL) == "true" or is_open(head)


def _merged(one: Standing, other: Standing) -> Standing:
    first, second = sorted((one, other), key=lambda each: each.generation)
    move = second.open_move
    if first.open_move is not None and first.generation == second.generation:
        move = newer(move, first.open_move) if move is not None else first.open_move
    return Standing(second.home or first.home, second.generation, move)


async def survey(
    client: Client, records: Records, wanted: Mapping[ApplicationRef, Declaration]
) -> list[Todo]:
    """What is to be done, by application; those of which nothing is to be said are left out."""
    there = protecting.by_application(await protecting.list_protections(client))
    running = {each.id for each in await list_failovers(client, limit=RUNS_MAX)}
    applications = sorted(records.standings.keys() | wanted.keys() | there.keys(), key=str)
    found = (
        todo(
            each,
            records.standings.get(each, Standing()),
            wanted.get(each),
            there[each].view if each in there else None,
            in_flight=failover_id(each) in running,
        )
        for each in applications
    )
    return [each for each in found if not each.is_empty]


async def carry_out(client: Client, what: Todo, limits: Limits, actor: str, runbook: str) -> None:
    """Do it; what is done already stays as it is. Raises what hinders it, and `NotSettled`."""
    application = what.application
    if what.declare is not None:
        await protecting.declare(client, application, what.declare)
    if what.settle is not None:
        await _settle(client, application, what.settle, what.standing.generation)
    if what.take_up is not None:
        await _take_up(client, what, what.take_up, limits, actor, runbook)


async def _settle(
    client: Client, application: ApplicationRef, declaration: Declaration, generation: int
) -> None:
    """Let it look; where it has stopped and asks, a person's word makes the newer generation count."""

    def looked(found: Protection | None) -> bool:
        known = found.view.known if found is not None else None
        return known is None or known.newer_generation > 0 or known.generation >= generation

    def settled(found: Protection | None) -> bool:
        known = found.view.known if found is not None else None
        return known is None or (not known.newer_generation and known.generation >= generation)

    await protecting.wake(client, application)
    await _until(client, application, looked)
    if not settled(await protecting.protection(client, application)):
        afresh = declaration.model_copy(update={"afresh": True})
        await protecting.declare(client, application, afresh)
        await _until(client, application, settled)


async def _until(
    client: Client, application: ApplicationRef, wanted: Callable[[Protection | None], bool]
) -> None:
    within = SETTLED_WITHIN_SECONDS
    if not await protecting.until(client, application, wanted, within_seconds=within):
        message = f"the protection of {application} has not looked within {within:g} s; is a worker up? Say it again then"
        raise NotSettled(message)


async def _take_up(
    client: Client,
    what: Todo,
    terms: Declaration,
    limits: Limits,
    actor: str,
    runbook: str,
) -> None:
    """Begin the failover that finishes it. It has begun to move already, so whoever observes only finishes too."""
    move = what.standing.open_move
    assert move is not None, "only an open move is taken up"
    policy = with_mode(terms.policy, "Automatic") if terms.mode == "Observe" else terms.policy
    request = FailoverRequest(
        application=what.application,
        source=move.source,
        policy=policy,
        overrides=terms.overrides,
        health_rule=terms.health_rule,
        trigger=Trigger(kind="Rebuild", actor=actor, reason=INTERRUPTED, message=move.message),
        limits=limits,
    )
    await start_failover(client, request, runbook=runbook)
