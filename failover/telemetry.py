"""Logs and metrics: set-up, and the names of our own metrics."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from failover.domain.errors import InvalidInput
from failover.domain.phases import Outcome
from failover.domain.sighting import Answer
from failover.domain.sweeping import Swept

KEYS = ("workload", "cluster", "failover", "step", "reason")
"""Keys of a log line, alike everywhere."""

PHASE_BUCKETS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60, 120, 300, 600, 1800, 3600)

_SWEEP_FOUND = ("protected", "seen", "in_flight", "held", "unhealthy", "waiting")
_SWEEP_ACTS = ("started", "taken_up", "merged", "woken")


class Metrics:
    """Our own metrics; one instance per process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._total = Counter(
            "failover", "Failovers that ended, by outcome.", ["outcome"], registry=self.registry
        )
        self._phase = Histogram(
            "failover_phase_duration_seconds",
            "Time that ended failovers spent in each phase.",
            ["phase"],
            buckets=PHASE_BUCKETS,
            registry=self.registry,
        )
        self._waiting = Gauge(
            "failover_waiting",
            "Open failovers that wait for something outside themselves, by what they wait for.",
            ["reason"],
            registry=self.registry,
        )
        self._open = Gauge("failover_open", "Open failovers.", registry=self.registry)
        self.watch_stale = Gauge(
            "failover_watch_stale",
            "1 while the watcher cannot see this kind on this cluster.",
            ["cluster", "kind"],
            registry=self.registry,
        )
        self.triggered = Counter(
            "failover_triggers",
            "Unhealthy sights reported to Temporal, by answer.",
            ["answer"],
            registry=self.registry,
        )
        self.policies = Gauge(
            "failover_policies", "Policies that the watcher uses.", registry=self.registry
        )
        self.policy_errors = Gauge(
            "failover_policy_errors",
            "Errors in policy files, each of which keeps a document from being used.",
            registry=self.registry,
        )
        self.protections = Gauge(
            "failover_protections",
            "Protected applications that the watcher knows.",
            registry=self.registry,
        )
        self.temporal_unreachable = Gauge(
            "failover_temporal_unreachable",
            "1 while the watcher cannot report to Temporal.",
            registry=self.registry,
        )
        self.alerts = Counter(
            "failover_alerts",
            "Alerts received by the webhook, by what became of each.",
            ["outcome"],
            registry=self.registry,
        )
        self.truncated_alerts = Counter(
            "failover_truncated_alerts",
            "Alerts that Alertmanager has left out of its calls.",
            registry=self.registry,
        )
        self.webhook_calls = Counter(
            "failover_webhook_calls",
            "Calls of the webhook, by status code.",
            ["code"],
            registry=self.registry,
        )
        self.calls = Counter(
            "failover_calls",
            "Calls of a person, by receiver and by what became of each.",
            ["receiver", "outcome"],
            registry=self.registry,
        )
        self._swept = Gauge(
            "failover_sweep_applications",
            "Applications under protection at the last sweep of this worker, by what was found.",
            ["found"],
            registry=self.registry,
        )
        self._swept_at = Gauge(
            "failover_sweep_timestamp_seconds",
            "When the last sweep of this worker ended.",
            registry=self.registry,
        )
        self._sweep_acts = Counter(
            "failover_sweep_acts",
            "What sweeps have done, by kind; each is something that nobody had told of.",
            ["act"],
            registry=self.registry,
        )
        self._sweep_errors = Counter(
            "failover_sweep_errors",
            "What sweeps could not look at or do, by reason.",
            ["reason"],
            registry=self.registry,
        )
        for act in _SWEEP_ACTS:
            self._sweep_acts.labels(act)
        for outcome in Outcome:
            # A counter that appears with its first count shows no increase.
            self._total.labels(outcome)
        for answer in Answer:
            self.triggered.labels(answer)

    def ended(self, outcome: str, phase_seconds: Mapping[str, float]) -> None:
        """Count one failover that ended."""
        self._total.labels(outcome).inc()
        for phase, seconds in phase_seconds.items():
            self._phase.labels(phase).observe(seconds)

    def waiting(self, counts: Mapping[str, int], *, open_total: int) -> None:
        """Set the number of open failovers by reason of waiting; absent reasons are zero."""
        self._waiting.clear()
        for reason, count in counts.items():
            self._waiting.labels(reason).set(count)
        self._open.set(open_total)

    def swept(self, swept: Swept) -> None:
        """Count what a sweep has found and done."""
        for found in _SWEEP_FOUND:
            self._swept.labels(found).set(getattr(swept, found))
        for act in _SWEEP_ACTS:
            self._sweep_acts.labels(act).inc(getattr(swept, act))
        for reason, count in swept.errors.items():
            self._sweep_errors.labels(reason).inc(count)
        self._swept_at.set_to_current_time()

    def serve(self, address: str, port: int) -> int:
        """Serve `/metrics`; port 0 picks a free one. Returns the port. Raises `InvalidInput`."""
        try:
            server, _ = start_http_server(port, address, registry=self.registry)
        except OSError as error:
            message = (
                f"/metrics cannot be served on {address}:{port} ({error.strerror or error}); "
                "choose another port with FAILOVER_METRICS_PORT, 0 for any free one"
            )
            raise InvalidInput(message) from error
        return int(server.server_port)


class JsonLines(logging.Formatter):
    """One JSON object a line, with the keys that every line of ours may have."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {key: getattr(record, key) for key in KEYS if hasattr(record, key)}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class PlainLines(logging.Formatter):
    """A line for people, with its keys at the end."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of text."""
        time = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        keys = " ".join(f"{key}={getattr(record, key)}" for key in KEYS if hasattr(record, key))
        text = f"{time} {record.levelname.lower():7} {record.getMessage()}" + (
            f"  {keys}" if keys else ""
        )
        return text + ("\n" + self.formatException(record.exc_info) if record.exc_info else "")


def set_up_logs(*, as_json: bool, level: str = "INFO") -> None:
    """Write logs to standard error, as JSON or for people."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if as_json else PlainLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("temporalio.activity").setLevel(logging.ERROR)
