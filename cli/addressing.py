"""`KIND/NAME`: which application a person means.

The kind may be said as kubectl takes it (`flinkdeployment/orders`, `flinkdep/orders`,
`flinkdeployments.flink.apache.org/orders`); the clusters say what it is. Where none of them answers,
the failovers that Temporal knows still tell, so that a failover can be steered while the clusters
are away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Annotated

import typer
from temporalio.client import Client

from cli.context import Surroundings
from failover.domain.errors import FailoverError, InvalidInput, TransientError, UnknownKind
from failover.domain.identity import ApplicationRef
from failover.fleet import Cluster, Fleet, Resource
from triggers.protecting import list_protections
from triggers.reading import list_failovers

_GRACE_SECONDS = 0.2


@dataclass(frozen=True)
class Word:
    """`KIND/NAME` as it was typed."""

    kind: str
    name: str


def parse(text: str) -> Word:
    """Split it. Raises `InvalidInput`."""
    kind, slash, name = text.partition("/")
    if not slash or not kind.strip() or not name.strip() or "/" in name:
        message = f"{text!r} names no application: say KIND/NAME, as in flinkdeployment/orders"
        raise InvalidInput(message)
    return Word(kind.strip(), name.strip())


def _checked(text: str) -> str:
    parse(text)
    return text


Target = Annotated[
    str,
    typer.Argument(
        metavar="KIND/NAME",
        help="The application, as in `flinkdeployment/orders`.",
        callback=_checked,
    ),
]


def referred(resource: Resource, name: str, namespace: str) -> ApplicationRef:
    """The application of this kind and name; without namespace where the kind has none."""
    kind = resource.group_kind
    inside = namespace if resource.namespaced else ""
    return ApplicationRef(group=kind.group, kind=kind.kind, namespace=inside, name=name)


async def resolve(fleet: Fleet, text: str, namespace: str) -> ApplicationRef:
    """The application, as the first cluster that knows the kind has it.

    Raises `UnknownKind`, or what kept the clusters from answering.
    """
    word = parse(text)
    resource = await _lookup(fleet, word.kind)
    return referred(resource, word.name, namespace)


async def address(
    surroundings: Surroundings, client: Client, text: str, namespace: str
) -> ApplicationRef:
    """The application, also where no cluster answers, as long as Temporal knows a failover or the protection of it."""
    word = parse(text)
    try:
        async with AsyncExitStack() as stack:
            fleet = await stack.enter_async_context(surroundings.fleet())
            return await resolve(fleet, text, namespace)
    except (TransientError, InvalidInput) as error:
        if error.reason == "AmbiguousKind":
            raise
        protected = await list_protections(client, namespace=namespace)
        moved = await list_failovers(client, namespace=namespace, ended_too=True)
        known = [*(each.application for each in protected), *(each.application for each in moved)]
        found = {each.key: each for each in known if _means(word, each)}
        if len(found) != 1:
            raise
        return next(iter(found.values()))


def _means(word: Word, application: ApplicationRef) -> bool:
    kind, _, group = word.kind.lower().partition(".")
    singular = application.kind.lower()
    group_fits = not group or group == application.group or group.endswith(f".{application.group}")
    return application.name == word.name and group_fits and kind in {singular, f"{singular}s"}


async def _lookup(fleet: Fleet, word: str) -> Resource:
    """Ask all clusters side by side; the first that knows the kind answers for all."""
    asked = [asyncio.create_task(_ask(fleet.cluster(each.name), word)) for each in fleet.facts]
    errors: list[FailoverError] = []
    try:
        for done in asyncio.as_completed(asked):
            answer = await done
            if isinstance(answer, Resource):
                return answer
            errors.append(answer)
    finally:
        await asyncio.wait(asked, timeout=_GRACE_SECONDS)  # a request cut short closes slowly
        for each in asked:
            each.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
    if told := {each.message: each for each in errors if not isinstance(each, UnknownKind)}:
        raise _without_answer(fleet, list(told.values()))
    clusters = ", ".join(each.name for each in fleet.facts)
    message = (
        f"no cluster of the fleet {fleet.name} serves a kind {word!r} (looked on: {clusters}); "
        "is it spelt right, and is its CRD installed?"
    )
    raise UnknownKind(message)


def _without_answer(fleet: Fleet, errors: Sequence[FailoverError]) -> FailoverError:
    """What kept the clusters from answering: of one alone its own error, of several what each of them said."""
    if len(errors) == 1:
        return errors[0]
    lead = next((each for each in errors if isinstance(each, TransientError)), errors[0])
    said = "; ".join(sorted(each.message for each in errors))
    message = f"no cluster of the fleet {fleet.name} can say what this is: {said} (`failover doctor` looks at each)"
    return type(lead)(message, reason=lead.reason)


async def _ask(cluster: Cluster, word: str) -> Resource | FailoverError:
    try:
        return await cluster.lookup(word)
    except FailoverError as error:
        return error
