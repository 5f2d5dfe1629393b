"""What keeps protections in step with a source decides by levels, and touches nobody else's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import cast

import pytest
from temporalio.client import Client

from failover.domain.application import (
    ApplicationPhase,
    ApplicationRequest,
    ApplicationView,
    Declaration,
    Known,
    Suspension,
)
from failover.domain.identity import ApplicationRef
from failover.domain.policy import Mode
from failover.domain.policy.reading import read_policies
from failover.domain.protecting import view_of
from failover.domain.request import FailoverRequest
from failover.domain.states import StateGeneration
from tests.support.orders import ORDERS, POLICY
from tests.support.protections import out_of_reach
from tests.unit.domain.test_protecting import NOON, WELL, declaration
from triggers import keeping, protecting
from triggers.keeping import (
    Declare,
    End,
    Keeper,
    Leave,
    Seen,
    Standing,
    Step,
    Unclear,
    Wanted,
    step,
    wanted_of,
)
from triggers.policies import PolicySet
from triggers.protecting import Protection
from triggers.requesting import NotStarted, on_terms

OURS, THEIRS = "directory /policies", "directory /elsewhere"


def there(**more: object) -> ApplicationView:
    """Orders is protected like this."""
    return view_of(ApplicationRequest(application=ORDERS, declaration=declaration(**more)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "wanted", "whole", "expected"),
    [
        pytest.param(None, declaration(source=OURS), True, Declare, id="new"),
        pytest.param(there(source=OURS), declaration(source=OURS), True, Leave, id="in step"),
        pytest.param(
            there(source=OURS), declaration("Automatic", source=OURS), True, Declare, id="changed"
        ),
        pytest.param(there(source=OURS), None, True, End, id="taken out"),
        pytest.param(there(source=OURS), None, False, Leave, id="perhaps only unreadable"),
        pytest.param(there(source=OURS), Unclear(), True, Leave, id="not to be seen"),
        pytest.param(there(actor="ada"), None, True, Leave, id="a person's, and not ours to end"),
        pytest.param(there(source=THEIRS), None, True, Leave, id="another source's"),
        pytest.param(
            there(actor="ada"), declaration("Automatic", source=OURS), True, Leave, id="hers first"
        ),
        pytest.param(None, None, True, Leave, id="nobody's business"),
    ],
)
def test_the_next_step(
    found: ApplicationView | None,
    wanted: Wanted,
    whole: bool,  # noqa: FBT001 - a table's column
    expected: type[Step],
) -> None:
    """Declared, ended or left."""
    assert type(step(found, wanted, OURS, whole=whole)) is expected


def test_what_has_changed_is_said_place_by_place() -> None:
    """The log of a watcher tells more than that something is different."""
    todo = step(there(source=OURS), declaration("Automatic", source=OURS), OURS, whole=True)
    assert isinstance(todo, Declare)
    assert len(todo.changes) == 1
    assert "Observe" in todo.changes[0]
    assert "Automatic" in todo.changes[0]


def test_what_somebody_else_declares_is_said() -> None:
    """Nobody wonders why a change in the directory has no effect."""
    todo = step(there(actor="ada"), declaration("Automatic", source=OURS), OURS, whole=True)
    assert todo == Leave("it is declared by ada, and stays as that says")


def policies(*more: str) -> PolicySet:
    """A policy set about orders."""
    texts = (POLICY, *more)
    return PolicySet(tuple(each for text in texts for each in read_policies(text, "p").policies))


@pytest.mark.parametrize(("observe", "mode"), [(False, "Automatic"), (True, "Observe")])
def test_a_source_wants_what_its_policies_say(observe: bool, mode: str) -> None:  # noqa: FBT001
    """With the mode of the kind where none is written, and Observe where the watcher only observes."""
    wanted = wanted_of(ORDERS, {}, policies(), OURS, observe=observe)
    assert isinstance(wanted, Declaration)
    assert (wanted.mode, wanted.source) == (mode, OURS)


def test_what_is_not_seen_is_kept_while_a_policy_may_mean_it() -> None:
    """During a move it is nowhere for a moment; out of all policies it is not wanted."""
    assert wanted_of(ORDERS, None, policies(), OURS, observe=False) == Unclear()
    assert wanted_of(ORDERS, None, PolicySet(), OURS, observe=False) is None
    assert wanted_of(ORDERS, {}, PolicySet(), OURS, observe=False) is None


def test_ambiguous_policies_end_nothing() -> None:
    """A second policy by mistake takes no protection away."""
    twin = policies(POLICY.replace("name: orders, namespace", "name: twin, namespace"))
    assert wanted_of(ORDERS, {}, twin, OURS, observe=False) == Unclear()


def request(*, observe_only: bool = False) -> FailoverRequest:
    """A failover of orders, as a trigger would have it by its own policies."""
    policy = policies().policies[0]
    return FailoverRequest(
        application=ORDERS, source="east", policy=policy, observe_only=observe_only
    )


@pytest.mark.parametrize(
    ("mode", "observing", "only"),
    [("Observe", False, True), ("Automatic", True, True), ("Automatic", False, False)],
)
def test_failovers_begin_on_the_terms_of_the_protection(
    mode: Mode,
    observing: bool,  # noqa: FBT001 - a table's column
    only: bool,  # noqa: FBT001
) -> None:
    """Its policy counts, not that of the trigger; who only observes goes on doing so."""
    found = on_terms(request(observe_only=observing), there(mode=mode))
    assert found.policy == declaration(mode).policy
    assert found.observe_only is only


def test_a_suspended_application_is_not_started() -> None:
    """It says by whom and why."""
    held = there().model_copy(
        update={
            "phase": ApplicationPhase.SUSPENDED,
            "suspension": Suspension(reason="a rebuild", actor="ada"),
        }
    )
    with pytest.raises(NotStarted, match="suspended by ada: a rebuild") as raised:
        on_terms(request(), held)
    assert raised.value.reason == "Suspended"


def keeper(values: dict[str, str]) -> Keeper:
    """Keeps orders, which is known to be well on east, with this state."""
    states = (StateGeneration(number=1, labels=values, since=NOON, cluster="east"),)
    known = Known(home="east", health=WELL, states=states)
    request = ApplicationRequest(application=ORDERS, declaration=declaration(), known=known)
    found = Keeper(out_of_reach, "tests")
    found.register[ORDERS] = Protection("id", "run", view_of(request), NOON)
    return found


def test_a_status_that_changes_no_value_wakes_nobody() -> None:
    """However often it changes; nor does a moment in which it shows nothing."""
    kept = keeper({"job": "a"})
    for number in range(1000):
        values = {"job": "a"} if number % 2 else None
        kept.saw(("east", ORDERS), {}, Standing("Healthy", 0, values))
    assert kept._to_tell == {}


def test_other_values_are_told_and_the_last_ones_count() -> None:
    """What has gone back to what is known by then is no news any more."""
    kept, subject = keeper({"job": "a"}), ("east", ORDERS)
    for value in "bcd":
        kept.saw(subject, {}, Standing("Healthy", 0, {"job": value}))
    assert kept._to_tell == {subject: Standing("Healthy", 0, {"job": "d"})}
    kept.saw(subject, {}, Standing("Healthy", 0, {"job": "a"}))
    assert kept._to_tell == {}


async def test_one_application_wakes_its_protection_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A second change waits for its time, and is not lost."""
    woken: list[str] = []

    async def wake(_client: Client, application: ApplicationRef) -> bool:
        woken.append(str(application))
        return True

    monkeypatch.setattr(protecting, "wake", wake)
    kept, subject, client = keeper({"job": "a"}), ("east", ORDERS), cast("Client", None)
    for value in "bcd":
        kept.saw(subject, {}, Standing("Healthy", 0, {"job": value}))
        await kept._tell(client)
    assert len(woken) == 1
    assert kept._to_tell == {subject: Standing("Healthy", 0, {"job": "d"})}
    monkeypatch.setattr(keeping, "TELL_EVERY_SECONDS", 0)
    await kept._tell(client)
    assert len(woken) == 2
    kept.saw(subject, {}, Standing("Healthy", 0, {"job": "d"}))
    assert kept._to_tell == {}


class Temporal:
    """Lists these protections, and notes whom somebody wakes or asks for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *listed: Protection) -> None:
        self.listed = list(listed)
        self.woken: list[ApplicationRef] = []
        self.asked: list[ApplicationRef] = []
        self.is_new = True
        self.declared: list[Declaration] = []
        names = ("list_protections", "list_ended", "wake", "protection", "declare", "declare_new")
        for name in names:
            monkeypatch.setattr(protecting, name, getattr(self, name))

    async def list_protections(
        self, _client: Client, *, known: Mapping[str, Protection], **_: object
    ) -> list[Protection]:
        """As the real list: what is known by its run is given as it is."""
        return [known.get(each.run_id, each) for each in self.listed]

    async def list_ended(self, _client: Client, **_: object) -> dict[ApplicationRef, datetime]:
        """None."""
        return {}

    async def wake(self, _client: Client, application: ApplicationRef) -> bool:
        """Note it."""
        self.woken.append(application)
        return True

    async def protection(self, _client: Client, application: ApplicationRef) -> Protection | None:
        """What somebody else has declared."""
        self.asked.append(application)
        return next((each for each in self.listed if each.application == application), None)

    async def declare(
        self, _client: Client, _application: ApplicationRef, declaration: Declaration
    ) -> None:
        """Note it; lists do not show it yet."""
        self.declared.append(declaration)

    async def declare_new(
        self, _client: Client, _application: ApplicationRef, _declaration: Declaration
    ) -> bool:
        """Whether nobody was faster."""
        return self.is_new


CLIENT = cast("Client", None)
EAST = ("east", ORDERS)


def run_of_orders(known: Known | None, run: str = "run", **more: object) -> Protection:
    """Orders is protected, and this is known of it."""
    request = ApplicationRequest(
        application=ORDERS,
        declaration=declaration(**more),  # type: ignore[arg-type]
        known=known,
    )
    return Protection("id", run, view_of(request), NOON)


async def declared_lately(temporal: Temporal) -> Keeper:
    """A register that has just learnt of a protection which has not looked yet."""
    kept = Keeper(out_of_reach, "tests")
    temporal.listed = [run_of_orders(None)]
    assert await kept._refresh(CLIENT) == {ORDERS}
    kept.saw(EAST, {}, Standing("Healthy", 0))
    return kept


async def test_what_was_just_declared_looks_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody tells it to, and what it then knows is no news to anybody."""
    temporal = Temporal(monkeypatch)
    kept = await declared_lately(temporal)
    await kept._tell(CLIENT)
    assert kept._to_tell
    temporal.listed = [run_of_orders(Known(home="east", health=WELL))]
    assert await kept._refresh(CLIENT) == set()
    await kept._tell(CLIENT)
    assert (temporal.woken, kept._to_tell) == ([], {})


async def test_what_has_changed_since_its_first_look_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It fell ill after the run had looked, and before the register knew of it."""
    temporal = Temporal(monkeypatch)
    kept = await declared_lately(temporal)
    kept.saw(EAST, {}, Standing("Unhealthy", 0))
    temporal.listed = [run_of_orders(Known(home="east", health=WELL))]
    await kept._refresh(CLIENT)
    await kept._tell(CLIENT)
    assert temporal.woken == [ORDERS]


async def test_what_does_not_look_for_long_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where no worker was there for it: the signal waits for one."""
    temporal = Temporal(monkeypatch)
    kept = await declared_lately(temporal)
    monkeypatch.setattr(keeping, "LOOKS_WITHIN_SECONDS", -1.0)
    await kept._refresh(CLIENT)
    await kept._tell(CLIENT)
    assert temporal.woken == [ORDERS]


class Sees:
    """A watcher that sees orders."""

    def seen(self, application: ApplicationRef) -> Seen:  # noqa: ARG002 - the port has it
        """With the policies that mean it."""
        return Seen({}, policies(), observe=False)

    def protections_changed(self, applications: Iterable[ApplicationRef]) -> None:
        """Nothing hangs on it here."""


@pytest.mark.parametrize("is_new", [True, False])
async def test_a_person_who_was_faster_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
    is_new: bool,  # noqa: FBT001 - a table's column
) -> None:
    """What the register does not know is started only where nobody has declared it; else it is looked at first."""
    temporal = Temporal(monkeypatch, run_of_orders(None, actor="ada"))
    temporal.is_new = is_new
    kept = Keeper(out_of_reach, OURS)
    kept.saw(EAST, {}, Standing("Healthy", 0))
    await kept._bring_in_step(CLIENT, Sees(), ORDERS)
    assert temporal.asked == ([] if is_new else [ORDERS])
    assert kept._left == {ORDERS: "" if is_new else "it is declared by ada, and stays as that says"}


async def test_what_is_declared_anew_counts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What falls ill before the register is read again is not moved on the terms of before."""
    temporal = Temporal(monkeypatch, run_of_orders(None, source=OURS))
    kept = Keeper(out_of_reach, OURS)
    await kept._refresh(CLIENT)
    assert kept.register[ORDERS].view.declaration.mode == "Observe"
    await kept._bring_in_step(CLIENT, Sees(), ORDERS)
    assert [each.mode for each in temporal.declared] == ["Automatic"]
    assert kept.register[ORDERS].view.declaration == temporal.declared[0]
