"""`failover capture` and `failover health`: the rules on a file, without any server.

`health` exits with 0 whatever its verdict: it has answered, and the answer is what it printed.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from cli.files import STDIN, policy_files, read_mapping, read_text, read_workload, shown
from cli.printing import Output, OutputOption, print_data
from failover.domain.errors import FailoverError, InvalidInput
from failover.domain.manifest import Manifest

if TYPE_CHECKING:  # read when needed: these commands are to start at once
    from failover.domain.health.entries import Judge
    from failover.domain.policy import Policy
    from failover.domain.policy.reading import Reading


ObjectFile = Annotated[
    str,
    typer.Option(
        "--object",
        metavar="FILE",
        help="The object, as YAML or JSON; - is standard input.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands that need no server."""
    app.command()(capture)
    app.command()(health)


def capture(
    object_file: ObjectFile,
    policy_paths: Annotated[
        list[str] | None,
        typer.Option("-f", "--policies", metavar="FILE|DIR", help="A policy file or directory."),
    ] = None,
    json_path: Annotated[
        str | None,
        typer.Option(
            "--json-path",
            metavar="TEMPLATE",
            help="Print the text of this kubectl template for the whole object instead.",
        ),
    ] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show the state that a policy captures from an object, as labels.

    In a policy a template is applied to the object's `.status`; with --json-path to the whole object.
    """
    if (json_path is None) == (not policy_paths):
        raise InvalidInput("give either a policy with -f, or a template with --json-path")
    if json_path is not None:
        _write(_rendered(json_path, object_file))
        return
    labels = _captured(policy_paths or [], object_file)
    if output.is_data:
        print_data({"labels": labels}, output)
    else:
        for key, value in sorted(labels.items()):
            typer.echo(f"{key}={value}")


def health(
    object_file: ObjectFile,
    rules: Annotated[
        list[str] | None,
        typer.Option(
            "--rules",
            metavar="DIR|FILE",
            help="Health rules of your own: files, or directories of them.",
        ),
    ] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Judge the health of an object: Healthy, Unhealthy or Unknown, and why.

    Of a `List`, the first item is judged, and the others are what it owns. Of one object alone, its
    own status decides. With -o json there is a `cause` and a `progress` as well, each `null` where there
    is nothing to say. Exits with 0 whatever the verdict.
    """
    from failover.domain.health import judge  # noqa: PLC0415 - see the top of the file

    workload = read_workload(object_file)
    own = _own_judge(rules, workload.manifest) if rules else None
    verdict = judge(workload.manifest, workload.owned, own)
    if output.is_data:
        print_data(verdict, output)
    else:
        typer.echo(f"{verdict.status}  {verdict.reason}  {verdict.message}")


def _own_judge(paths: list[str], manifest: Manifest) -> Judge | None:
    """The judge of the object's kind among these rules; a kind without one is judged as always."""
    from failover.domain.identity import GroupKind  # noqa: PLC0415 - as above
    from failover.domain.rules import agreed  # noqa: PLC0415
    from failover.expressions.asking import judge_by  # noqa: PLC0415

    reading = _read_all(paths)
    if not reading.rules:
        raise InvalidInput(f"{', '.join(paths)}: there is no HealthRule", reason="NoRule")
    kind = GroupKind.of(manifest)
    rule = next((each for each in agreed(reading.rules) if each.target == kind), None)
    if rule is None:
        typer.echo(f"note: no rule is about {kind}; it is judged by the catalogue", err=True)
    return judge_by(rule)


def _rendered(template: str, object_file: str) -> str:
    from failover.domain.preservation import capture_text  # noqa: PLC0415 - see the top of the file

    document = read_mapping(object_file)
    with _naming(object_file):
        return capture_text(template, document)


def _captured(policy_paths: list[str], object_file: str) -> dict[str, str]:
    from failover.domain.preservation import capture as captured  # noqa: PLC0415 - as above

    if object_file == STDIN and STDIN in policy_paths:
        raise InvalidInput("only one of -f and --object can be standard input")
    manifest = read_workload(object_file).manifest
    policy = _policy(policy_paths, manifest)
    rules = policy.active.rules
    if not rules:
        typer.echo(f"{policy} preserves no state: a new copy starts cold", err=True)
    with _naming(object_file):
        return captured(rules, manifest)


def _policy(paths: list[str], manifest: Manifest) -> Policy:
    """The policy that is about the object; the only one is taken at the caller's word."""
    from failover.domain.identity import ApplicationRef, ObjectRef  # noqa: PLC0415 - as above
    from failover.domain.manifest import labels_of  # noqa: PLC0415
    from failover.domain.policy import Policy  # noqa: PLC0415
    from failover.domain.policy.matching import NoPolicy, match  # noqa: PLC0415

    policies = _read(paths).policies
    ref = ObjectRef.of(manifest)
    application = ApplicationRef(**ref.model_dump())
    found = match(policies, application, labels_of(manifest))
    if isinstance(found, Policy):
        return found
    if isinstance(found, NoPolicy) and len(policies) == 1:
        only = policies[0]
        typer.echo(f"note: {only} is not about {application}; its rules are used as told", err=True)
        return only
    raise InvalidInput(f"{', '.join(paths)}: {found.message}", reason=found.reason)


def _read(paths: list[str]) -> Reading:
    reading = _read_all(paths)
    if not reading.policies:
        raise InvalidInput(f"{', '.join(paths)}: there is no policy", reason="NoPolicy")
    return reading


def _read_all(paths: list[str]) -> Reading:
    from failover.domain.policy.reading import Reading, read_policies  # noqa: PLC0415 - as above

    reading = Reading()
    for path in policy_files(paths):
        reading += read_policies(read_text(path), shown(path))
    if reading.errors:
        raise InvalidInput("\n".join(str(each) for each in reading.errors), reason="InvalidPolicy")
    return reading


@contextmanager
def _naming(path: str) -> Generator[None, None, None]:
    """Put the file before the message of an error."""
    try:
        yield
    except FailoverError as error:
        raise InvalidInput(f"{shown(path)}: {error.message}", reason=error.reason) from error


def _write(text: str) -> None:
    """Exactly this text: no newline is added, as kubectl adds none."""
    sys.stdout.buffer.write(text.encode())
    sys.stdout.flush()
