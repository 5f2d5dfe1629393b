"""What keeps protections in step with a source decides by levels, and touches nobody else's."""

from __future__ import annotations

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
