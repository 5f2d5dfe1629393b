"""The notice that an application leaves behind on a cluster: where it lives now.

One ConfigMap per application on each cluster that it has left, beside the records. Whoever looks there
may read it; the admission guard (`deploy/guard/`), where it is installed, denies by it that anybody
else creates the application again. A copy of a newer generation than the notice's is a move of ours.
"""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from failover.domain.identity import ApplicationRef, record_name
from failover.domain.manifest import OUR_PREFIX, Manifest, text
from failover.domain.record import NAMESPACE

LABEL = f"{OUR_PREFIX}departed"


class Notice(BaseModel):
    """An application does not live here; which move says so, and where it lives."""

    model_config = ConfigDict(frozen=True)

    application: ApplicationRef
    home: str
    generation: int
    since: datetime | None = None
    """When it was seen healthy there; `None` where it is not known, or has never lived elsewhere."""

    def to_config_map(self) -> Manifest:
        """The ConfigMap that holds it; every value is text that the guard can compare or quote."""
        application, since = self.application, self.since
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": record_name(application),
                "namespace": NAMESPACE,
                "labels": {LABEL: "true"},
            },
            "data": {
                "group": application.group,
                "kind": application.kind,
                "namespace": application.namespace,
                "name": application.name,
                "home": self.home,
                "generation": str(self.generation),
                "since": f"{since.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if since else "",
            },
        }


def noticed_generation(config_map: Manifest) -> int:
    """The move that a notice speaks of; 0 where it does not say, so that it is written anew."""
    raw = text(config_map, "data", "generation")
    return int(raw) if raw.isascii() and raw.isdigit() else 0
