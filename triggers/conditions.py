"""Saying on our own objects what was made of them: their status, written where it differs.

Only hints for people hang on it, so nothing waits for it: a missing right is a line in the log, and
a cluster that does not answer is asked again with the next change. The same is never written twice
to an object: two watchers of different releases would otherwise answer each other for ever.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from failover.domain.errors import Conflict, FailoverError, NotFound
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, items, mapping, maps, name_of, namespace_of, uid_of
from failover.domain.policy import API_VERSION
from failover.domain.policy.accepting import Declared, status_of
from failover.domain.rules import HealthRule, agreed
from failover.fleet import Cluster
from triggers.policies import PolicySet

logger = logging.getLogger("watcher")

TRY_AGAIN_SECONDS = 5.0


class Conditions:
    """Writes statuses, one after the other, behind the policies' back."""

    def __init__(self) -> None:
        """Nothing is to be said yet."""
        self._wanted: dict[str, Declared] = {}
        self._rules: dict[GroupKind, HealthRule] = {}
        self._said: dict[str, Manifest] = {}
        self._refused = ""
        self._arrived = asyncio.Event()

    def say(self, declared: Sequence[Declared], policies: PolicySet) -> None:
        """What was made of all objects; those of other people's kinds are left alone."""
        ours = [each for each in declared if each.manifest.get("apiVersion") == API_VERSION]
        self._wanted = {uid_of(each.manifest): each for each in ours}
        self._rules = {each.target: each for each in agreed(policies.rules)}
        self._said = {uid: said for uid, said in self._said.items() if uid in self._wanted}
        self._arrived.set()

    async def run(self, cluster: Cluster) -> None:
        """Write, for ever."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            for each in tuple(self._wanted.values()):
                await self._say(cluster, each)

    async def _say(self, cluster: Cluster, one: Declared) -> None:
        status = status_of(one, self._rules, datetime.now(UTC))
        present, uid = mapping(one.manifest, "status"), uid_of(one.manifest)
        if _said_in(status) == _said_in(present) or _said_in(status) == self._said.get(uid):
            return
        try:
            await self._write(cluster, one.manifest, status)
        except (Conflict, NotFound):
            return  # it has changed meanwhile, and comes again as it is now
        except FailoverError as error:
            self._failed(error)
            return
        self._said[uid], self._refused = _said_in(status), ""

    async def _write(self, cluster: Cluster, manifest: Manifest, status: Manifest) -> None:
        version = manifest["metadata"]["resourceVersion"]
        operations: list[dict[str, Any]] = [
            {"op": "test", "path": "/metadata/resourceVersion", "value": version},
            {"op": "add", "path": "/status", "value": status},
        ]
        kind, namespace = GroupKind.of(manifest), namespace_of(manifest)
        await cluster.patch(kind, namespace, name_of(manifest), operations, subresource="status")

    def _failed(self, error: FailoverError) -> None:
        if error.reason != self._refused:
            self._refused = error.reason
            text = "the status of policies cannot be written, which hinders nothing else: %s"
            logger.warning(text, error.message, extra={"reason": error.reason})
        if error.transient:
            asyncio.get_running_loop().call_later(TRY_AGAIN_SECONDS, self._arrived.set)


def _said_in(status: Manifest) -> Manifest:
    """A status without its times, and with its conditions by their types."""
    conditions = maps(items(status, "conditions"))
    told = {str(each.get("type")): {**each, "lastTransitionTime": ""} for each in conditions}
    return {**status, "conditions": told}
