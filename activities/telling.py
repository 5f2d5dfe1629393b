"""Telling the world how a failover goes: a Kubernetes Event on the workload, metrics, one log line."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio import activity

from activities.attempts import effect
from activities.seeing import find_application
from failover.domain.errors import AlreadyExists, FailoverError
from failover.domain.identity import ApplicationRef
from failover.domain.manifest import Manifest, text, uid_of
from failover.domain.marks import FIELD_MANAGER
from failover.domain.steps import PublishRequest
from failover.fleet import Fleet
from failover.protections import Protections
from failover.telemetry import Metrics

logger = logging.getLogger(__name__)

EVENT_MESSAGE_MAX = 1000


@dataclass(frozen=True)
class Telling:
    """Says what has happened; nothing depends on it."""

    fleet: Fleet
    metrics: Metrics
    protections: Protections

    @activity.defn
    @effect
    async def publish_result(self, request: PublishRequest) -> None:
        """Tell it everywhere; a cluster that does not take the Event is only logged."""
        if request.outcome and activity.info().attempt == 1:
            self.metrics.ended(request.outcome, request.phase_seconds)
        logger.log(
            logging.WARNING if request.warning else logging.INFO,
            request.message,
            extra={
                "workload": request.application.key,
                "failover": activity.info().workflow_id,
                "reason": request.reason,
            },
        )
        for name in request.clusters:
            await self._event(name, request)
        if request.outcome:
            await self._wake_protection(request.application)

    async def _wake_protection(self, application: ApplicationRef) -> None:
        """It looks where the application lives now; without a protection there is nobody to tell."""
        try:
            await self.protections.wake(application)
        except FailoverError as error:
            extra = {"workload": application.key, "reason": error.reason}
            logger.warning("%s", error.message, extra=extra)

    async def _event(self, name: str, request: PublishRequest) -> None:
        try:
            cluster = self.fleet.cluster(name)
            manifest = await find_application(cluster, request.application)
            if manifest is not None:
                await cluster.create(event(manifest, request, self._seed(name)))
        except AlreadyExists:
            return
        except FailoverError as error:
            logger.warning(
                "no Event could be written: %s",
                error.message,
                extra={"cluster": name, "reason": error.reason},
            )

    def _seed(self, cluster: str) -> str:
        info = activity.info()
        return f"{info.workflow_run_id}/{info.activity_id}/{cluster}"


def event(manifest: Manifest, request: PublishRequest, seed: str) -> Manifest:
    """The Event; its name is derived, so that a repeated step does not write a second one."""
    app: ApplicationRef = request.application
    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    namespace = app.namespace or "default"
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{app.name[:200]}.{hashlib.sha256(seed.encode()).hexdigest()[:16]}",
            "namespace": namespace,
        },
        "involvedObject": {
            "apiVersion": text(manifest, "apiVersion"),
            "kind": app.kind,
            "namespace": app.namespace,
            "name": app.name,
            "uid": uid_of(manifest),
        },
        "type": "Warning" if request.warning else "Normal",
        "reason": request.reason,
        "message": request.message[:EVENT_MESSAGE_MAX],
        "source": {"component": FIELD_MANAGER},
        "reportingComponent": "stateful-failover.dev/worker",
        "reportingInstance": FIELD_MANAGER,
        "action": "Failover",
        "firstTimestamp": now[:19] + "Z",
        "lastTimestamp": now[:19] + "Z",
        "count": 1,
    }
