"""Which values a new copy is given: those that its source shows now, or the last good ones.

- A person may name them (`--state`); nothing else is asked then.
- Where no record knows a good state, or the source shows exactly that one, the source's values count.
- Otherwise what it shows has not proved good, or it shows nothing: the last good values are handed on, and
  the plan says so. A copy that never came up must not lose the state of the one before it.

Plan and capture decide by this one rule, each by what it has read itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field

from failover.domain.errors import MissingKey, StateNotCaptured
from failover.domain.manifest import Manifest
from failover.domain.plan import Warn
from failover.domain.planning import captured
from failover.domain.policy import Policy
from failover.domain.preservation import PreservationRule
from failover.domain.states import StateGeneration, told
from failover.domain.wire import Wire


class StateChoice(Wire):
    """The values that a person wants handed on."""

    number: int = 0
    """A generation of the application's state; 0: whatever the source shows."""
    labels: dict[str, str] = Field(default_factory=dict[str, str])
    """Its values. They travel with the request, so that a failover asks nobody for them."""

    def __str__(self) -> str:
        return f"generation {self.number} ({told(self.labels)})" if self.number else "current"


@dataclass(frozen=True)
class HandedOn:
    """What the new copy is given."""

    labels: dict[str, str]
    instead: bool = False
    """Whether that is something else than what the source shows now."""
    warnings: tuple[Warn, ...] = ()


def handed_on(
    policy: Policy,
    manifest: Manifest,
    skipped: Iterable[str],
    good: StateGeneration | None,
    choice: StateChoice | None = None,
) -> HandedOn:
    """The values for the new copy. Raises what `capture` raises, where nothing else is known."""
    left_out = frozenset(skipped)
    rules = [each for each in policy.active.rules if each.alias_label_name not in left_out]
    if choice is not None and choice.number:
        message = f"a person has chosen state generation {choice.number} ({told(choice.labels)})"
        return HandedOn(
            _by_rules(choice.labels, rules), True, (Warn(reason="StateChosen", message=message),)
        )
    last = _usable(good, rules) if choice is None else None
    if last is None or good is None:
        return HandedOn(captured(policy, manifest, left_out))
    shown = _shown(policy, manifest, left_out)
    if shown == last:
        return HandedOn(last)
    return HandedOn(last, True, (_not_yet_good(shown, good),))


def _by_rules(labels: Mapping[str, str], rules: Sequence[PreservationRule]) -> dict[str, str]:
    """The values that the policy's rules still carry."""
    names = {each.alias_label_name for each in rules}
    return {key: value for key, value in labels.items() if key in names}


def _usable(
    good: StateGeneration | None, rules: Sequence[PreservationRule]
) -> dict[str, str] | None:
    """The good values, if they are whole by today's rules."""
    if good is None or not good.is_good:
        return None
    needed = {each.alias_label_name for each in rules if each.on_missing == "Fail"}
    labels = _by_rules(good.labels, rules)
    return labels if labels and needed <= labels.keys() else None


def _shown(policy: Policy, manifest: Manifest, skipped: Iterable[str]) -> dict[str, str] | None:
    """What the source shows; `None` where it shows nothing yet. Raises where it shows something unusable."""
    try:
        return captured(policy, manifest, skipped)
    except StateNotCaptured as error:
        if all(isinstance(each, MissingKey) for _, each in error.failures):
            return None
        raise


def _not_yet_good(shown: Mapping[str, str] | None, good: StateGeneration) -> Warn:
    now = (
        f"shows {told(shown)}, with which it was not healthy for long enough"
        if shown
        else "shows no state"
    )
    message = (
        f"the source {now}; state generation {good.number} ({good}) is handed on, good since "
        f"{good.good_since:%Y-%m-%d %H:%M:%S UTC}. To hand on another one: failover start --state GENERATION, "
        "or --state current"
    )
    return Warn(reason="StateNotYetGood", message=message)
