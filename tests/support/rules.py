"""A health rule for an invented kind, as a person would write it."""

from __future__ import annotations

from typing import Any

WIDGETS: dict[str, Any] = {
    "apiVersion": "stateful-failover.dev/v1alpha1",
    "kind": "HealthRule",
    "metadata": {"name": "widgets"},
    "spec": {
        "target": {"group": "example.org", "kind": "Widget"},
        "rules": [
            {
                "when": "!has(object.status) || !has(object.status.phase)",
                "verdict": "Unknown",
                "reason": "NoStatusYet",
            },
            {
                "when": "object.status.phase == 'Running'",
                "verdict": "Healthy",
                "reason": "Running",
                "message": "it runs",
            },
            {"when": "object.status.phase == 'Done'", "verdict": "Finished", "reason": "Done"},
            {
                "when": "object.status.phase == 'Bad'",
                "verdict": "UserError",
                "reason": "BadSpec",
                "message": "its spec is refused",
            },
            {
                "when": "object.status.phase == 'Broken' && object.status.attempts >= 3",
                "verdict": "Unhealthy",
                "reason": "Broken",
                "message": "it broke three times",
            },
        ],
    },
}


def widget(**status: Any) -> dict[str, Any]:
    """An object of the kind."""
    return {
        "apiVersion": "example.org/v1",
        "kind": "Widget",
        "metadata": {"name": "w", "namespace": "shop", "uid": "uid-w"},
        "status": status,
    }


def rule(*clauses: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """The same kind with other clauses."""
    wanted = {"target": WIDGETS["spec"]["target"], "rules": list(clauses), **spec}
    return {**WIDGETS, "spec": wanted}


def clause(when: str, verdict: str = "Healthy", reason: str = "Well") -> dict[str, Any]:
    """One clause."""
    return {"when": when, "verdict": verdict, "reason": reason}
