"""Calls as Alertmanager and Grafana make them."""

from __future__ import annotations

import json
from typing import Any


def alert(
    *,
    status: str = "firing",
    annotations: Any = None,
    name: str = "FlinkJobDown",
    **labels: str,
) -> dict[str, Any]:
    """One alert."""
    return {
        "status": status,
        "labels": {"alertname": name, "severity": "critical", **labels},
        "annotations": annotations or {},
        "startsAt": "2026-11-27T10:00:00.123Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus:9090/graph?g0.expr=up",
        "fingerprint": "c0ffee0123456789",
    }


def call(*alerts: dict[str, Any], **changes: Any) -> bytes:
    """The body of a call of Alertmanager's."""
    statuses = {each["status"] for each in alerts}
    body = {
        "version": "4",
        "groupKey": '{}:{alertname="FlinkJobDown"}',
        "truncatedAlerts": 0,
        "status": "firing" if "firing" in statuses else "resolved",
        "receiver": "failover",
        "groupLabels": {"alertname": "FlinkJobDown"},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "alerts": list(alerts),
        **changes,
    }
    return json.dumps(body).encode()


def grafana_call(*alerts: dict[str, Any]) -> bytes:
    """The body of a call of Grafana's: the same, and more."""
    more = {"silenceURL": "", "dashboardURL": "", "values": None, "valueString": ""}
    return call(
        *({**each, **more} for each in alerts),
        version="1",
        orgId=1,
        title="[FIRING:1]",
        state="alerting",
        message="**Firing**",
    )
