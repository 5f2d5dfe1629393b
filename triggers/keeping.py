"""Keeping protections in step with a source of policies, and telling them what has changed.

    what is seen, what the source says ──▶ step ──▶ declare, unprotect or leave
    what Temporal has declared          ──▶ register, which the watcher reads

Levels decide here as well: the register is read again and again, so two keepers of one source do the
same as one, and one that was away finds what is missing. What somebody else has declared (a person, or
another source) is theirs: it is left as it is, and said. Nothing is ended because it cannot be seen.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol

from temporalio.client import Client

from failover.domain.application import ApplicationView, Declaration, Order
from failover.domain.differences import differences
from failover.domain.errors import FailoverError, NotFound
from failover.domain.identity import ApplicationRef
from failover.domain.policy import Policy
from failover.domain.policy.matching import Ambiguous
from failover.temporal import TemporalUnreachable
from triggers import protecting
from triggers.policies import PolicySet
from triggers.protecting import Protection
from triggers.reporting import Subject
from triggers.sharing import SharedViews

logger = logging.getLogger("watcher")

REFRESH_EVERY = timedelta(seconds=2)
READ_ALL_EVERY = timedelta(minutes=10)
OVERLAP = timedelta(minutes=1)
"""How much of what was read is read again: lists lag, and a run is listed after it has started."""
TELL_EVERY_SECONDS = 10.0
"""How often one application may wake its protection: one that flaps is told of, but not each time."""
LOOKS_WITHIN_SECONDS = 60.0
"""How long what was just declared is left to look by itself, before somebody tells it to."""
AT_ONCE_MAX = 20
ROUND_MAX = 500
"""So many are brought in step before the register is read again: ten thousand take minutes."""


Labels = Mapping[str, str]


@dataclass(frozen=True)
class Unclear:
    """Nobody can say which policy is about it: it is not to be seen, or several are equally."""


Wanted = Declaration | Unclear | None
"""What a source wants of an application; `None`: nothing (any more)."""


@dataclass(frozen=True)
class Declare:
    """It is to be protected like this."""

    declaration: Declaration
    changes: tuple[str, ...] = ()
    """What is different from before; empty: it was not protected."""


@dataclass(frozen=True)
class End:
    """Its protection ends."""


@dataclass(frozen=True)
class Leave:
    """Nothing is to be done; why, where that is worth a word."""

    why: str = ""


Step = Declare | End | Leave


def step(there: ApplicationView | None, wanted: Wanted, source: str, *, whole: bool) -> Step:
    """What brings one application in step. `whole`: all of the source was seen and understood."""
    before = there.declaration if there is not None else None
    if isinstance(wanted, Unclear):
        return Leave()
    if wanted is None:
        ours = before is not None and before.source == source
        return End() if ours and whole else Leave()
    if before is None:
        return Declare(wanted)
    if before.says_the_same(wanted):
        return Leave()
    if before.source != source:
        return Leave(f"it is declared by {before.declared_by}, and stays as that says")
    return Declare(wanted, tuple(differences(before.model_dump(), wanted.model_dump())))


def wanted_of(
    application: ApplicationRef,
    labels: Mapping[str, str] | None,
    policies: PolicySet,
    source: str,
    *,
    observe: bool,
) -> Wanted:
    """What the policies of a source want of an application; its labels are `None` where it is not seen."""
    if labels is None:
        return Unclear() if policies.may_be_about(application) else None
    found = policies.about(application, labels)
    if isinstance(found, Ambiguous):
        return Unclear()
    if not isinstance(found, Policy) or found.application is None:
        return None
    kind = application.group_kind
    mode = found.mode_of(kind, own_rule=policies.rule_of(kind) is not None)
    return protecting.declaration_of(
        application,
        found,
        policies,
        dict(labels),
        "Observe" if observe else mode,
        source=source,
    )


@dataclass(frozen=True)
class Seen:
    """What the watcher knows of an application, and of what is wanted of it."""

    labels: Labels | None
    policies: PolicySet
    observe: bool


class Lookout(Protocol):
    """Who sees the clusters and the source: the watcher."""

    def seen(self, application: ApplicationRef) -> Seen:
        """What is known of it now."""
        ...

    def protections_changed(self, applications: Iterable[ApplicationRef]) -> None:
        """The register says something else of these."""
        ...


@dataclass(frozen=True)
class Standing:
    """How an application looks on a cluster, as far as its protection has to know."""

    status: str
    generation: int
    values: Mapping[str, str] | None = None
    """Its state, by the rules of its protection; `None`: it shows none, which is no news."""

    def after(self, before: Standing | None) -> Standing:
        """With the values of before, where it shows none now."""
        if self.values is not None or before is None:
            return self
        return replace(self, values=before.values)


class Horizon:
    """Up to which moment all is read, by Temporal's clock as far as it has shown itself.

    Between two moments that it tells, our own clock runs on: else all that was declared together in
    the last minute that anything was would be read again and again, for as long as nothing else is.
    """

    def __init__(self) -> None:
        """Nothing is read."""
        self._at: datetime | None = None
        self._seen_at = 0.0

    def since(self, now: float) -> datetime | None:
        """From when on to read again; `None`: everything."""
        if self._at is None:
            return None
        return self._at + timedelta(seconds=now - self._seen_at) - OVERLAP

    def at_least(self, told: datetime | None, now: float) -> None:
        """Temporal has told of this moment, which is over; `now` is one at which it was asked."""
        if told is not None and (
            self._at is None or told > self._at + timedelta(seconds=now - self._seen_at)
        ):
            self._at, self._seen_at = told, now


class Keeper:
    """Keeps the register of protections, and them in step with one source."""

    def __init__(
        self,
        connected: Callable[[], Awaitable[Client]],
        source: str,
    ) -> None:
        """`source` is how it is called in what it declares; replicas of one source say the same."""
        self._connected, self.source = connected, source
        self.register: dict[ApplicationRef, Protection] = {}
        self._read_until = Horizon()
        self._shared = SharedViews()
        self._read_all_at: float | None = None
        self._settled: dict[ApplicationRef, Labels | None] = {}
        """What is in step, and with which labels it was when that was found."""
        self._waiting: set[ApplicationRef] = set()
        self._left: dict[ApplicationRef, str] = {}
        self._told: dict[Subject, Standing] = {}
        self._to_tell: dict[Subject, Standing] = {}
        self._told_at: dict[ApplicationRef, float] = {}
        self._unlooked: dict[ApplicationRef, float] = {}
        """What has not looked yet, as far as the register knows, and since when it is there."""

    # What the watcher says

    def saw(self, subject: Subject, labels: Labels, standing: Standing) -> None:
        """An application looks like this on a cluster."""
        _, application = subject
        if self._settled.get(application) != labels:
            self._waiting.add(application)
        before = self._standing(subject)
        standing = standing.after(before)
        if standing.status != "Unknown" and before != standing:
            self._to_tell[subject] = standing
        else:
            self._to_tell.pop(subject, None)

    def look_again(self, applications: Iterable[ApplicationRef] = ()) -> None:
        """Other policies count, or other labels: all of these, and all that is protected, is compared anew."""
        self._settled.clear()
        self._waiting.update(applications, self.register)

    def _standing(self, subject: Subject) -> Standing | None:
        """What its protection knows of it there."""
        cluster, application = subject
        if (told := self._told.get(subject)) is not None:
            return told
        found = self.register.get(application)
        known = found.view.known if found is not None else None
        if known is None or known.health is None or known.home != cluster:
            return None
        values = known.states[-1].labels if known.states else None
        return Standing(known.health.status, known.generation, values)

    # What is done about it

    async def run(self, look: Lookout) -> None:
        """Keep them in step, for ever; what Temporal does not answer is asked again."""
        silent = False
        while True:
            try:
                await self._keep(await self._connected(), look)
                silent = False
            except TemporalUnreachable as error:
                if not silent:
                    logger.warning("protections: %s", error.message, extra={"reason": error.reason})
                silent = True
            await asyncio.sleep(
                0 if self._waiting and not silent else REFRESH_EVERY.total_seconds()
            )

    async def _keep(self, client: Client, look: Lookout) -> None:
        if news := await self._refresh(client):
            for application in news:
                self._settled.pop(application, None)
            self._waiting |= news
            look.protections_changed(news)
        bound = asyncio.Semaphore(AT_ONCE_MAX)

        async def one(application: ApplicationRef) -> None:
            async with bound:
                await self._bring_in_step(client, look, application)

        await _all(one(each) for each in tuple(islice(self._waiting, ROUND_MAX)))
        await self._tell(client)

    async def _refresh(self, client: Client) -> set[ApplicationRef]:
        """Read what was declared since the last time, now and then all of it; what is new in it."""
        now = asyncio.get_running_loop().time()
        whole = (
            self._read_all_at is None or now - self._read_all_at > READ_ALL_EVERY.total_seconds()
        )
        since = None if whole else self._read_until.since(now)
        known = {
            each.run_id: each
            for each in self.register.values()
            if each.application not in self._unlooked
        }
        listed = await protecting.list_protections(
            client, since=since, known=known, shared=self._shared
        )
        found = protecting.by_application(listed)
        fresh = {key: each for key, each in found.items() if self._is_news(each)}
        ended: dict[ApplicationRef, datetime] = {}
        if since is None:
            gone = self.register.keys() - found.keys()
        else:
            ended = await protecting.list_ended(client, since=since)
            over = {key: at for key, at in ended.items() if self._has_ended(key, at)}
            gone = over.keys() - fresh.keys()
        self.register |= fresh | {key: found[key] for key in self._looked(found)}
        for application in gone:
            del self.register[application]
        self._note_unlooked(fresh, gone, now)
        if whole:
            self._read_all_at = now
        starts = [each.started_at for each in fresh.values()]
        ends = list(ended.values())
        self._read_until.at_least(max([*starts, *ends], default=None), now)
        return set(gone | fresh.keys())

    def _looked(self, found: Mapping[ApplicationRef, Protection]) -> list[ApplicationRef]:
        """Those of which the register knew nothing yet, and which have looked meanwhile."""
        return [
            each
            for each in self._unlooked
            if (there := found.get(each)) is not None
            and there.view.known.health is not None
            and there.run_id == self.register[each].run_id
        ]

    def _note_unlooked(
        self, fresh: Mapping[ApplicationRef, Protection], gone: Iterable[ApplicationRef], now: float
    ) -> None:
        for application in (*fresh, *gone):
            self._unlooked.pop(application, None)
        self._unlooked |= {
            key: now for key, each in fresh.items() if each.view.known.health is None
        }
        for application, since in tuple(self._unlooked.items()):
            looked = self.register[application].view.known.health is not None
            if looked or now - since > LOOKS_WITHIN_SECONDS:
                del self._unlooked[application]

    def _is_news(self, found: Protection) -> bool:
        before = self.register.get(found.application)
        return before is None or (
            before.run_id != found.run_id and before.started_at <= found.started_at
        )

    def _has_ended(self, application: ApplicationRef, at: datetime) -> bool:
        found = self.register.get(application)
        return found is not None and found.started_at <= at

    async def _bring_in_step(
        self, client: Client, look: Lookout, application: ApplicationRef
    ) -> None:
        seen = look.seen(application)
        wanted = wanted_of(
            application, seen.labels, seen.policies, self.source, observe=seen.observe
        )
        found = self.register.get(application)
        try:
            todo = step(_view(found), wanted, self.source, whole=seen.policies.whole)
            if (
                found is None
                and isinstance(todo, Declare)
                and await protecting.declare_new(client, application, todo.declaration)
            ):
                _log_declared(application, todo)
                todo = Leave()
            elif not isinstance(todo, Leave):
                # The register may be some seconds old, and a person may have been faster.
                found = await protecting.protection(client, application)
                todo = step(_view(found), wanted, self.source, whole=seen.policies.whole)
            await self._do(client, application, todo)
        except TemporalUnreachable:
            raise
        except FailoverError as error:
            extra = {"workload": str(application), "reason": error.reason}
            logger.error("%s", error.message, extra=extra)  # noqa: TRY400 - a sentence, no bug
        self._waiting.discard(application)
        self._settled[application] = seen.labels

    async def _do(self, client: Client, application: ApplicationRef, todo: Step) -> None:
        extra = {"workload": str(application)}
        match todo:
            case Declare():
                await protecting.declare(client, application, todo.declaration)
                self._declared(application, todo.declaration)
                _log_declared(application, todo)
            case End():
                try:
                    await protecting.unprotect(client, application, Order(actor=self.source))
                except NotFound:
                    return  # somebody was faster
                logger.info("not protected any more: %s does not mean it", self.source, extra=extra)  # fmt: skip
            case Leave():
                if todo.why and self._left.get(application) != todo.why:
                    logger.warning("%s", todo.why, extra={**extra, "reason": "DeclaredElsewhere"})
                self._left[application] = todo.why

    def _declared(self, application: ApplicationRef, declaration: Declaration) -> None:
        """What falls ill before the register is read again begins on the new terms already."""
        if (found := self.register.get(application)) is not None:
            view = found.view.model_copy(update={"declaration": declaration})
            self.register[application] = replace(found, view=view)

    async def _tell(self, client: Client) -> None:
        """Wake the protections of what looks otherwise than they know, each now and then."""
        now = asyncio.get_running_loop().time()
        for subject, standing in tuple(self._to_tell.items()):
            _, application = subject
            last = self._told_at.get(application)
            if application not in self.register or (
                last is not None and now - last < TELL_EVERY_SECONDS
            ):
                continue
            if application in self._unlooked:
                continue  # a run begins with a look
            before = self._standing(subject)
            if standing.after(before) == before:
                self._to_tell.pop(subject, None)
                continue  # it has seen the same by itself
            await protecting.wake(client, application)
            self._told_at[application] = now
            self._told[subject] = standing
            self._to_tell.pop(subject, None)


def _log_declared(application: ApplicationRef, todo: Declare) -> None:
    how = f"declared anew: {'; '.join(todo.changes)}" if todo.changes else "protected"
    by = f"{todo.declaration.mode}, by {todo.declaration.policy}"
    logger.info("%s (%s)", how, by, extra={"workload": str(application)})


async def _all(work: Iterable[Awaitable[None]]) -> None:
    """All of it side by side; the first error once all are done."""
    for each in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(each, BaseException):
            raise each


def _view(found: Protection | None) -> ApplicationView | None:
    return found.view if found is not None else None
