"""`failover doctor`: would a failover work here, and does anything need a person? Changes nothing.

Exits with 1 where something fails; warnings do not count.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Annotated

import typer
from temporalio.client import Client
from temporalio.service import RPCError

from cli.context import POLICIES, POLICY_PLACE, Surroundings, run, surroundings
from cli.doctor import applications, clusters, temporal
from cli.doctor.finding import Finding, Level, as_data, fail, ok, show
from cli.exits import EXIT_FAILED
from cli.policies import load
from cli.printing import Output, OutputOption, print_data, say
from failover.domain.errors import FailoverError, InvalidInput
from triggers.policies import PolicySet


def add_to(app: typer.Typer) -> None:
    """Add `doctor`."""
    app.command(name="doctor")(examine)


def examine(
    places: Annotated[
        list[str] | None,
        typer.Option(
            *POLICIES,
            metavar=POLICY_PLACE,
            help="Policies: their applications are looked at too, and the rights for their kinds.",
        ),
    ] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Look at connections, rights, owners and leftovers; each finding names its remedy.

    Exits with 1 when something fails.
    """
    findings = run(_all(surroundings(), places or ()))
    counts = {level: sum(each.level is level for each in findings) for level in Level}
    if output.is_data:
        told = {level.value: count for level, count in counts.items()}
        print_data({"findings": as_data(findings), **told}, output)
    else:
        show(findings)
        say()
        say(", ".join(f"{count} {level}" for level, count in counts.items()))
    if counts[Level.FAIL]:
        raise typer.Exit(EXIT_FAILED)


async def _all(around: Surroundings, places: Sequence[str]) -> list[Finding]:
    policies, found = await _policies(places)
    client, first = await temporal.connected(around)
    found.append(first)
    if client is not None:
        found += await _gathered(temporal.TEMPORAL, temporal.examine(client))
    return found + await _fleet(around, policies, client)


async def _policies(places: Sequence[str]) -> tuple[PolicySet, list[Finding]]:
    """The policies; a cluster that hides its own is a finding. Raises what is wrong with what was typed."""
    try:
        return await load(places), []
    except InvalidInput:
        raise
    except FailoverError as error:
        return PolicySet(), [fail("policies", error.reason, error.message)]


async def _fleet(around: Surroundings, policies: PolicySet, client: Client | None) -> list[Finding]:
    try:
        file = around.fleet_file()
    except FailoverError as error:
        remedy = "give --fleet or --kubeconfig, or set FAILOVER_FLEET or KUBECONFIG"
        return [fail("fleet", error.reason, error.message, remedy)]
    names = ", ".join(each.name for each in file.clusters)
    found = [ok("fleet", "Read", f"{file.name} has the clusters {names}")]
    async with around.fleet() as fleet:
        about_clusters, answering = await clusters.examine(fleet, policies.policies)
        found += about_clusters
        looking = applications.examine(fleet, answering, policies, client)
        found += await _gathered("applications", looking)
    return found


async def _gathered(about: str, findings: AsyncIterator[Finding]) -> list[Finding]:
    """All of them; an error on the way is the last one."""
    found: list[Finding] = []
    try:
        async for each in findings:
            found.append(each)  # noqa: PERF401 - those before an error count
    except FailoverError as error:
        found.append(fail(about, error.reason, error.message))
    except RPCError as error:
        message = f"Temporal did not answer everything: {error.message[:200]}"
        found.append(fail(about, "TemporalRefused", message, "try again"))
    return found
