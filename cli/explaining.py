"""`failover explain`: why an application is failing over, or why not, in sentences. It reads only."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli.addressing import Target
from cli.context import POLICIES, POLICY_PLACE, Namespace, run, surroundings
from cli.gathering import gather
from cli.printing import Output, OutputOption, print_data, say
from failover.domain.explaining import explain
from failover.domain.explanation import Explanation, Facts

Policies = Annotated[
    list[str] | None,
    typer.Option(
        *POLICIES,
        metavar=POLICY_PLACE,
        help="Policies by which it is explained; else what its protection or failover knows.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add `explain`."""
    app.command(name="explain")(explain_it)


def explain_it(
    target: Target,
    policies: Policies = None,
    namespace: Namespace = "default",
    output: OutputOption = Output.TABLE,
) -> None:
    """Say why an application is failing over, or why not, and the command that would change it.

    By the decisions of the failovers themselves; nothing is changed. Exits with 0 where it is well, moves or would
    move, with 3 where a person is waited for, 5 where a rule or the lack of a policy keeps it, 1 where it is not seen.
    """
    code = run(_explain(target, tuple(policies or ()), namespace, output))
    raise typer.Exit(code)


async def _explain(target: str, policies: tuple[str, ...], namespace: str, output: Output) -> int:
    facts = await gather(surroundings(), target, namespace, policies)
    made = explain(facts)
    if output.is_data:
        print_data(explanation_data(facts, made), output)
    elif output is Output.NAME:
        say(made.verdict)
    else:
        for line in lines(made):
            say(line)
    return made.exit_code


def lines(made: Explanation) -> list[str]:
    """The verdict, the reasons in order, and the one command."""
    change = ["", f"To change it: {made.change}"] if made.change else []
    return [
        f"{made.sentence} [{made.reason}]",
        "",
        *(f"  {each}" for each in made.because),
        *change,
    ]


def explanation_data(facts: Facts, made: Explanation) -> dict[str, Any]:
    """The explanation for a program."""
    home = facts.home
    return {
        "application": facts.application,
        "verdict": made.verdict,
        "reason": made.reason,
        "sentence": made.sentence,
        "exitCode": made.exit_code,
        "because": [{"reason": each.reason, "message": each.message} for each in made.because],
        "change": made.change,
        "home": home.cluster if home is not None else "",
        "target": facts.target,
        "mode": facts.terms.mode if facts.terms.policy is not None else "",
        "policy": str(facts.terms.policy) if facts.terms.policy is not None else "",
        "budget": facts.budget,
    }
