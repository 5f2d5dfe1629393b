"""What a watcher keeps of an object says all that it said, in less memory."""

from __future__ import annotations

import json
from typing import Any

from failover.kube.lean import lean

ORDERS = {
    "kind": "FlinkDeployment",
    "metadata": {"name": "orders", "managedFields": [{"manager": "kubectl"}]},
    "spec": {"managedFields": ["a user's own"], "replicas": 2, "paused": False, "none": None},
    "status": {"conditions": [{"type": "Available", "status": "True"}]},
}


def read() -> dict[str, Any]:
    """As an event brings it: every key and word is a string of its own."""
    found: dict[str, Any] = lean(json.loads(json.dumps(ORDERS)))
    return found


def test_all_but_the_managers_of_fields_is_kept() -> None:
    """A field of the same name elsewhere is the user's."""
    assert read() == {**ORDERS, "metadata": {"name": "orders"}}
    assert lean({}) == {}


def test_words_are_shared_between_objects() -> None:
    """Keys, and values that are plain words."""
    one, other = read(), read()
    assert all(a is b for a, b in zip(one, other, strict=True))
    conditions = [each["status"]["conditions"][0] for each in (one, other)]
    assert conditions[0]["type"] is conditions[1]["type"]
