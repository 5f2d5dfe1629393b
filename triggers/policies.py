"""A directory of policies, read again when its content changes.

What cannot be used is left out and named; it hinders nothing else. A directory that cannot be read
at all says nothing about what it holds: then what was read last holds on. So it is with a file: one
with an error takes nothing away, and what it held before stays in force until it is mended.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Protocol, TypeVar

from failover.domain.differences import differences
from failover.domain.documents import BYTES_MAX
from failover.domain.errors import InvalidInput
from failover.domain.identity import ApplicationRef, GroupKind
from failover.domain.overrides import Override, matching_overrides
from failover.domain.policy import Policy
from failover.domain.policy.matching import Matched, match, may_mean
from failover.domain.policy.problems import Problem
from failover.domain.policy.reading import Reading, read_policies
from failover.domain.rules import HealthRule, agreed

logger = logging.getLogger("watcher")

READ_EVERY = timedelta(seconds=2)
SUFFIXES = frozenset({".yaml", ".yml", ".json"})

_Document = TypeVar("_Document", Policy, Override, HealthRule)


@dataclass(frozen=True)
class PolicySet:
    """All policies and overrides that are in use."""

    policies: tuple[Policy, ...] = ()
    overrides: tuple[Override, ...] = ()
    problems: tuple[Problem, ...] = ()
    rules: tuple[HealthRule, ...] = ()
    unseen: tuple[str, ...] = ()
    """What of the source could not be looked at, and may hold more."""

    @property
    def whole(self) -> bool:
        """Whether what is not in it is not wanted: all of the source was seen, and understood."""
        return not self.unseen and all(each.severity != "Error" for each in self.problems)

    def rule_of(self, kind: GroupKind) -> HealthRule | None:
        """The rule by which a kind is judged, where somebody wrote one."""
        return self._rules.get(kind)

    def about(self, application: ApplicationRef, labels: Mapping[str, str]) -> Matched:
        """The policy of an application."""
        return match(self._candidates(application), application, labels)

    def may_be_about(self, application: ApplicationRef) -> bool:
        """Whether a policy may be about an application whose labels are not known yet."""
        return any(may_mean(each, application) for each in self._candidates(application))

    def overrides_of(
        self, application: ApplicationRef, labels: Mapping[str, str]
    ) -> tuple[Override, ...]:
        """The overrides that mean an application, on any cluster."""
        return matching_overrides(application, dict(labels), self.overrides)

    @cached_property
    def kinds(self) -> frozenset[GroupKind]:
        """The kinds that the policies are about."""
        return frozenset(kind for kind, _ in self._index)

    def _candidates(self, application: ApplicationRef) -> tuple[Policy, ...]:
        """The policies that name the application, or its kind as a whole."""
        kind = application.group_kind
        return tuple(
            policy
            for name in (application.name, "")
            for policy in self._index.get((kind, name), ())
        )

    @cached_property
    def _rules(self) -> dict[GroupKind, HealthRule]:
        return {each.target: each for each in agreed(self.rules)}

    @cached_property
    def _index(self) -> dict[tuple[GroupKind, str], list[Policy]]:
        """Policies by the kind and name of their selectors: thousands are often one per application."""
        index: dict[tuple[GroupKind, str], list[Policy]] = {}
        for policy in self.policies:
            for selector in policy.spec.resource_selectors:
                index.setdefault((selector.group_kind, selector.name), []).append(policy)
        return index


class PolicySource(Protocol):
    """Where policies come from. Its text (`str`) says where that is."""

    def sets(self) -> AsyncGenerator[PolicySet, None]:
        """All that is in force, once it is known, and all of it again on each change, for ever.

        Raises `InvalidInput` where the source cannot be what was meant. What cannot be seen for a
        while, or is wrong by now, changes nothing: what was known of it last stays in force.
        """
        ...


@dataclass
class PolicyDirectory:
    """Reads the files of one directory; subdirectories and hidden files are passed over."""

    path: Path
    _digest: str = field(default="", init=False)
    _failure: str = field(default="", init=False)
    _readings: dict[Path, tuple[bytes | OSError, Reading]] = field(
        default_factory=dict[Path, tuple[bytes | OSError, Reading]], init=False, repr=False
    )
    _kept: dict[Path, Reading] = field(default_factory=dict[Path, Reading], init=False, repr=False)

    def __str__(self) -> str:
        return str(self.path)

    async def sets(self) -> AsyncGenerator[PolicySet, None]:
        """All that the directory holds, and again within moments of each change."""
        yield await asyncio.to_thread(self.read)
        while True:
            await asyncio.sleep(READ_EVERY.total_seconds())
            found = await asyncio.to_thread(self.read_if_changed)
            if found is not None:
                yield found

    def read(self) -> PolicySet:
        """All that the directory holds now. Raises `InvalidInput` where it cannot be read."""
        files = self._files()
        return self._read_all(files, _digest(files))

    def read_if_changed(self) -> PolicySet | None:
        """All that the directory holds, if that is anything else than last time."""
        try:
            files = self._files()
        except InvalidInput as error:
            if error.message != self._failure:
                self._failure = error.message
                logger.error("%s; the policies read last stay in use", error.message)  # noqa: TRY400
            return None
        if self._failure:
            self._failure = ""
            logger.info("%s: the directory of policies can be read again", self.path)
        digest = _digest(files)
        return None if digest == self._digest else self._read_all(files, digest)

    def _read_all(self, files: Mapping[Path, bytes | OSError], digest: str) -> PolicySet:
        """What the files hold; those that are as they were are not read again."""
        before, self._readings, self._digest = self._readings, {}, digest
        for path, raw in files.items():
            known = before.get(path)
            same = known is not None and known[0] == raw
            self._readings[path] = known if known and same else (raw, _read(path, raw))
        found = [reading for _, reading in self._readings.values()]
        self._kept = self._keep(before, {name for each in found for name in _names(each)})
        found += self._kept.values()
        return PolicySet(
            tuple(chain.from_iterable(each.policies for each in found)),
            tuple(chain.from_iterable(each.overrides for each in found)),
            tuple(chain.from_iterable(each.problems for each in found)),
            tuple(chain.from_iterable(each.rules for each in found)),
        )

    def _keep(
        self, before: Mapping[Path, tuple[bytes | OSError, Reading]], named: AbstractSet[str]
    ) -> dict[Path, Reading]:
        """What files with an error held when it was good, and nobody says by now."""
        return {
            path: _without(before[path][1] + self._kept.get(path, Reading()), named)
            for path, (_, reading) in self._readings.items()
            if reading.errors and path in before
        }

    def _files(self) -> dict[Path, bytes | OSError]:
        try:
            return {path: _content(path) for path in sorted(self.path.iterdir()) if _is_meant(path)}
        except OSError as error:
            message = f"{self.path}: the directory of policies cannot be read ({error.strerror})"
            raise InvalidInput(message) from error


def log_changes(before: PolicySet, after: PolicySet) -> None:
    """Say what was added, removed and changed, and what is left out and why."""
    for each in after.problems:
        if each not in before.problems:
            level = logging.ERROR if each.severity == "Error" else logging.WARNING
            logger.log(level, "%s", each, extra={"reason": each.reason})
    for line in (
        *_changes(before.policies, after.policies),
        *_changes(before.overrides, after.overrides),
        *_changes(before.rules, after.rules),
    ):
        logger.info("%s", line)


def _changes(before: Iterable[_Document], after: Iterable[_Document]) -> Iterator[str]:
    old, new = _named(before), _named(after)
    yield from (f"added {name}" for name in sorted(new.keys() - old.keys()))
    yield from (f"removed {name}" for name in sorted(old.keys() - new.keys()))
    for name in sorted(old.keys() & new.keys()):
        if found := differences(old[name].model_dump(), new[name].model_dump()):
            yield f"changed {name}: {'; '.join(found)}"


def _named(documents: Iterable[_Document]) -> dict[str, _Document]:
    return {name_of(each): each for each in documents}


def name_of(document: Policy | Override | HealthRule) -> str:
    """The document's kind, namespace and name, as logs say it."""
    return f"{document.kind} {getattr(document, 'namespace', '') or '-'}/{document.name}"


def _names(reading: Reading) -> Iterator[str]:
    yield from map(name_of, reading.policies)
    yield from map(name_of, reading.overrides)
    yield from map(name_of, reading.rules)


def _without(reading: Reading, names: AbstractSet[str]) -> Reading:
    """The documents of a reading, each once, but for those of these names."""

    def left(documents: tuple[_Document, ...]) -> tuple[_Document, ...]:
        return tuple(each for each in dict.fromkeys(documents) if name_of(each) not in names)

    return Reading(left(reading.policies), left(reading.overrides), rules=left(reading.rules))


def _is_meant(path: Path) -> bool:
    return path.suffix in SUFFIXES and not path.name.startswith(".") and not path.is_dir()


def _content(path: Path) -> bytes | OSError:
    """The bytes of a file, one more than may be, so that a larger one is told from the rest."""
    try:
        with path.open("rb") as file:
            return file.read(BYTES_MAX + 1)
    except OSError as error:
        return error


def _digest(files: Mapping[Path, bytes | OSError]) -> str:
    sums = hashlib.sha256()
    for path, raw in files.items():
        content = str(raw).encode() if isinstance(raw, OSError) else raw
        sums.update(f"{path}\0{len(content)}\0".encode())
        sums.update(content)
    return sums.hexdigest()


def _read(path: Path, raw: bytes | OSError) -> Reading:
    if isinstance(raw, OSError):
        return _unreadable(path, f"the file cannot be read ({raw.strerror}).")
    try:
        return read_policies(raw.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        return _unreadable(path, f"the file is no text in UTF-8 (byte {error.start}).")


def _unreadable(path: Path, message: str) -> Reading:
    return Reading(problems=(Problem("Error", str(path), 0, None, "", "Unreadable", message),))
