"""The terms of a failover, policy and override policies, and what a Replan makes of them.

A Replan may carry new ones. What it carries replaces the old from then on; what it leaves out stays
as it is. The history has the values; people are shown what is different now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from failover.domain.overrides import Override
from failover.domain.phases import Action
from failover.domain.policy import Policy
from failover.domain.request import REQUEST_BYTES_MAX, Resolution

CHANGES_MAX = 20
_VALUE_LENGTH_MAX = 40


def terms_refusal(resolution: Resolution) -> str | None:
    """Why a failover cannot go on under what this decision carries; `None` where it can."""
    if resolution.policy is None and resolution.overrides is None:
        return None
    if resolution.action is not Action.REPLAN:
        return "a new policy, or new override policies, go with a Replan only"
    if resolution.policy is not None and resolution.policy.application is None:
        return f"{resolution.policy} has no spec.failover.application, so it moves nothing"
    size = len(resolution.model_dump_json().encode())
    if size > REQUEST_BYTES_MAX:
        return f"policy and override policies are {size} bytes, more than {REQUEST_BYTES_MAX}"
    return None


def changes(
    policy: Policy, overrides: Iterable[Override], resolution: Resolution
) -> tuple[str, ...]:
    """What is different under the terms that the decision carries, one phrase each; bounded."""
    found: list[str] = []
    if resolution.policy is not None:
        found += _policy_changes(policy, resolution.policy)
    if resolution.overrides is not None:
        found += _override_changes(overrides, resolution.overrides)
    more = len(found) - CHANGES_MAX
    return (*found[:CHANGES_MAX], *([f"{more} more"] if more > 0 else []))


def _policy_changes(before: Policy, after: Policy) -> Iterator[str]:
    if str(before) != str(after):
        yield f"{before} → {after}"
    left, right = (each.spec.model_dump(mode="json", by_alias=True) for each in (before, after))
    for path, old, new in _differences(left, right, ()):
        short = path[2:] if path[:2] == ("failover", "application") else path
        told = f"{_shown(old)} → {_shown(new)}"
        yield f"{'.'.join(short)} {told if _shown(old) != _shown(new) else 'changed'}"


def _differences(
    before: object, after: object, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], object, object]]:
    """The fields that differ, down to what is no map; a list is compared as a whole."""
    if isinstance(before, dict) and isinstance(after, dict):
        left, right = cast("dict[str, object]", before), cast("dict[str, object]", after)
        for key in dict.fromkeys((*left, *right)):
            yield from _differences(left.get(key), right.get(key), (*path, key))
    elif before != after:
        yield path, before, after


def _shown(value: object) -> str:
    match value:
        case None:
            return "unset"
        case list():
            return f"[{len(cast('list[object]', value))}]"
        case dict():
            return "set"
        case bool():
            return str(value).lower()
        case _:
            return str(value)[:_VALUE_LENGTH_MAX]


def _override_changes(before: Iterable[Override], after: Iterable[Override]) -> Iterator[str]:
    """Which override policies are new, gone or changed: by name, since values may be confidential."""
    old, new = {str(each): each for each in before}, {str(each): each for each in after}
    for name in dict.fromkeys((*old, *new)):
        if name not in old:
            yield f"added {name}"
        elif name not in new:
            yield f"removed {name}"
        elif old[name] != new[name]:
            yield f"changed {name}"
