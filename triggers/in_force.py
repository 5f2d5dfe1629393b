"""The policies in force, for whoever is asked about applications now and then: a source, followed.

Nothing is in force before all of the source was seen once: by half of the policies an alert would be
unmatched, and by half of the overrides an application moved wrongly. From then on what cannot be seen
changes nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from failover.domain.errors import TransientError
from failover.telemetry import Metrics
from triggers.policies import PolicySet, PolicySource, log_changes

FIRST_SECONDS_MAX = 3.0
"""How long whoever asks right after the start waits for the first set."""


class PoliciesUnread(TransientError):
    """The policies could not be read yet, so nobody knows what an alert means."""


class InForce:
    """What a source said last."""

    def __init__(self, source: PolicySource, metrics: Metrics) -> None:
        """Nothing is known before `follow`."""
        self._source, self._metrics = source, metrics
        self._policies: PolicySet | None = None
        self._hidden: tuple[str, ...] = ()
        self._known = asyncio.Event()

    async def follow(self) -> None:
        """Take up each change, for ever. Raises `InvalidInput` where the source cannot be what was meant."""
        async with aclosing(self._source.sets()) as sets:
            async for found in sets:
                self._take(found)

    async def now(self) -> PolicySet:
        """The policies in force. Raises `PoliciesUnread`."""
        try:
            async with asyncio.timeout(FIRST_SECONDS_MAX):
                await self._known.wait()
        except TimeoutError as error:
            hidden = f": {', '.join(self._hidden)} cannot be seen" if self._hidden else ""
            raise PoliciesUnread(
                f"{self._source}: no policies could be read yet{hidden}"
            ) from error
        assert self._policies is not None, "known"
        return self._policies

    def _take(self, found: PolicySet) -> None:
        self._hidden = found.unseen
        if self._policies is None and found.unseen:
            return
        log_changes(self._policies or PolicySet(), found)
        self._policies = found
        self._metrics.policies.set(len(found.policies))
        self._metrics.policy_errors.set(sum(each.severity == "Error" for each in found.problems))
        self._known.set()
