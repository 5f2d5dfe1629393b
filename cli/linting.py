"""`failover lint`: what is wrong with policies, document by document and between them.

Exits with 0 where everything can be used, with 2 where something cannot (`--strict`: where anything
at all was found).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated

import typer

from cli.context import run
from cli.files import policy_files, read_text, shown
from cli.printing import Output, OutputOption, print_data
from failover.domain.documents import Document, read_documents
from failover.domain.errors import InvalidInput
from failover.domain.identity import ApplicationRef, GroupKind
from failover.domain.manifest import items, maps, text
from failover.domain.policy import Policy, ResourceSelector
from failover.domain.policy.matching import Ambiguous, match
from failover.domain.policy.places import apart
from failover.domain.policy.problems import Problem
from failover.domain.policy.reading import NOT_A_POLICY, Reading, read_policies
from failover.receivers.reading import check_receivers, is_receivers

EXIT_ERRORS = 2
ANY = "*"
"""Stands for every name, or every namespace, that nobody has named."""


@dataclass(frozen=True)
class Linted:
    """What was found in all of it together."""

    files: int
    reading: Reading
    clusters: int = 0

    def failed(self, *, strict: bool) -> bool:
        """Whether something cannot be used; with `strict`, whether anything was found."""
        return bool(self.reading.problems if strict else self.reading.errors)

    @property
    def summary(self) -> str:
        """One line: how much was read, how much is wrong."""
        reading = self.reading
        rules = (_count(len(reading.rules), "health rule"),) if reading.rules else ()
        files = (_count(self.files, "file"),) if self.files or not self.clusters else ()
        clusters = (_count(self.clusters, "cluster"),) if self.clusters else ()
        counts = (
            *files,
            *clusters,
            _count(len(reading.policies), "policy", "policies"),
            _count(len(reading.overrides), "override policy", "override policies"),
            *rules,
            _count(len(reading.errors), "error"),
            _count(len(reading.warnings), "warning"),
        )
        return ", ".join(counts)


def add_to(app: typer.Typer) -> None:
    """Add `lint`."""
    app.command(name="lint")(lint_files)


def lint_files(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|DIR|cluster:CONTEXT…",
            help="Policy files, directories of them, or clusters that hold policies; - is standard input.",
        ),
    ],
    strict: Annotated[bool, typer.Option("--strict", help="Let warnings count as errors.")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Check policies: every field, every expression, and whether two policies mean the same application.

    Exits with 2 when there is an error (--strict: or a warning), else with 0.
    """
    linted = lint(paths, _held(paths))
    if output.is_data:
        print_data(_as_json(linted), output)
    else:
        for problem in linted.reading.problems:
            typer.echo(str(problem))
        typer.echo(linted.summary, err=bool(linted.reading.problems))
    if linted.failed(strict=strict):
        raise typer.Exit(EXIT_ERRORS)


def lint(paths: Sequence[str], held: Mapping[str, Reading]) -> Linted:
    """All files, each for itself, then against each other and what clusters hold. Raises `InvalidInput`."""
    files = policy_files(apart(paths)[0])
    texts = {file: read_text(file) for file in files} | dict.fromkeys(held, "")
    readings = {file: _read(texts[file], shown(file)) for file in files} | dict(held)
    whole = sum(readings.values(), Reading())
    called = any(_receivers(content) for content in texts.values())
    if not (whole.policies or whole.overrides or whole.rules or whole.problems or called):
        raise InvalidInput(f"{', '.join(paths)}: there is no policy", reason="NoPolicy")
    places = {
        str(policy): (file, texts[file])
        for file, reading in readings.items()
        for policy in reading.policies
    }
    ambiguous = tuple(
        _problem(found, *places[str(found.policies[-1])]) for found in overlaps(whole.policies)
    )
    duplicates = (*_duplicates(readings, texts), *_rules_for_one_kind(readings))
    return Linted(len(files), whole + Reading(problems=duplicates + ambiguous), len(held))


def _held(paths: Sequence[str]) -> dict[str, Reading]:
    """What the clusters among these hold, by `cluster:CONTEXT`."""
    clusters = apart(paths)[1]
    if not clusters:
        return {}
    from cli.policies import held_by  # noqa: PLC0415 - what knows clusters, where one is named only

    return run(held_by(clusters))


def _read(content: str, origin: str) -> Reading:
    """One file; receivers, which are no policies, are checked by their own rules."""
    found = read_policies(content, origin)
    documents = _receivers(content)
    if not documents:
        return found
    theirs = {each.index for each in documents}
    kept = tuple(p for p in found.problems if p.document not in theirs or p.reason != NOT_A_POLICY)
    problems = tuple(
        Problem(f.severity, origin, each.index, each.line, f.path, f.reason, f.message)
        for each in documents
        for f in check_receivers(each.content)[1]
    )
    return replace(found, problems=(*kept, *problems))


def _receivers(content: str) -> list[Document]:
    return [
        each
        for each in read_documents(content)
        if isinstance(each, Document) and is_receivers(each.content)
    ]


def overlaps(policies: Sequence[Policy]) -> Iterator[Ambiguous]:
    """Applications that several policies mean equally, as far as the selectors alone tell.

    Each selector is tried with what it names; one for a whole kind stands for any name. Policies
    that overlap only by the labels of a live object cannot be seen here.
    """
    seen: set[frozenset[str]] = set()
    for policy in policies:
        for selector in policy.spec.resource_selectors:
            labels = selector.label_selector.match_labels if selector.label_selector else {}
            found = match(policies, _application(policy, selector), labels)
            if not isinstance(found, Ambiguous):
                continue
            names = frozenset(str(each) for each in found.policies)
            if len(names) > 1 and names not in seen:
                seen.add(names)
                yield found


def _application(policy: Policy, selector: ResourceSelector) -> ApplicationRef:
    kind = selector.group_kind
    return ApplicationRef(
        group=kind.group,
        kind=kind.kind,
        namespace=selector.namespace or policy.namespace or ANY,
        name=selector.name or ANY,
    )


def _duplicates(readings: dict[str, Reading], texts: dict[str, str]) -> Iterator[Problem]:
    """The same policy twice: which one counts would hang on the order of reading."""
    first: dict[str, str] = {}
    for file, reading in readings.items():
        for policy in reading.policies:
            name = str(policy)
            if name not in first:
                first[name] = file
                continue
            place = _document(policy, texts[file], last=True)
            message = (
                f"{name} is in {shown(first[name])} already; give one another name, or remove it."
            )
            yield Problem(
                "Error",
                shown(file),
                place.index if place else 0,
                place.line if place else None,
                "metadata.name",
                "DuplicatePolicy",
                message,
            )


def _rules_for_one_kind(readings: dict[str, Reading]) -> Iterator[Problem]:
    """Two rules for one kind: then neither counts, and nothing can be told of it."""
    first: dict[GroupKind, str] = {}
    for file, reading in readings.items():
        for rule in reading.rules:
            if rule.target not in first:
                first[rule.target] = f"{rule} in {shown(file)}"
                continue
            message = (
                f"{rule} is about {rule.target}, and so is {first[rule.target]}; put their clauses "
                "into one, in the order in which they are to be asked."
            )
            yield Problem(
                "Error", shown(file), 0, None, "spec.target", "SeveralRulesForOneKind", message
            )


def _problem(found: Ambiguous, file: str, content: str) -> Problem:
    place = _document(found.policies[-1], content)
    return Problem(
        "Error",
        shown(file),
        place.index if place else 0,
        place.line if place else None,
        "spec.resourceSelectors",
        found.reason,
        found.message,
    )


def _document(policy: Policy, content: str, *, last: bool = False) -> Document | None:
    """The document of the file in which the policy stands."""
    found = [
        document
        for document in read_documents(content)
        if isinstance(document, Document) and _holds(document.content, policy)
    ]
    return found[-1 if last else 0] if found else None


def _holds(content: object, policy: Policy) -> bool:
    objects = [content, *maps(items(content, "items"))]
    return any(
        text(each, "kind") == policy.kind
        and text(each, "metadata", "name") == policy.name
        and text(each, "metadata", "namespace") == policy.namespace
        for each in objects
    )


def _as_json(linted: Linted) -> dict[str, object]:
    reading = linted.reading
    return {
        "files": linted.files,
        "clusters": linted.clusters,
        "policies": [str(each) for each in reading.policies],
        "healthRules": [str(each) for each in reading.rules],
        "errors": len(reading.errors),
        "warnings": len(reading.warnings),
        "problems": [_flat(each) for each in reading.problems],
    }


def _flat(problem: Problem) -> dict[str, object]:
    flat = asdict(problem)
    return {"file": flat.pop("origin"), **flat}


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
