"""What crosses Temporal's wire is a contract: names and schemas change only on purpose.

After a change on purpose: `python -m tests.unit.test_wire` writes `wire.json` anew; review its diff.
A field may be added with a default; a name is never used again for something else.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from temporalio import activity, workflow

from activities.calling import Calling
from activities.capturing import Capturing
from activities.deciding import Deciding
from activities.finishing import Finishing
from activities.moving import Moving
from activities.observing import Observing
from activities.protecting import Protecting
from activities.purging import Purging
from activities.telling import Telling
from activities.tidying import Tidying
from failover.domain import application, request, steps, sweeping
from failover.domain.calling import call
from failover.domain.identity import ApplicationRef, application_id, failover_id
from failover.domain.record import Record
from failover.domain.wire import Wire
from failover.temporal import (
    APPLICATION_WORKFLOW,
    FAILOVER_WORKFLOW,
    PAUSE_WORKFLOW,
    SEARCH_ATTRIBUTES,
    SWEEP_WORKFLOW,
    TASK_QUEUE,
)
from triggers.sweeping import Sweeping
from workflows.application import ApplicationWorkflow
from workflows.failover import FailoverWorkflow
from workflows.pause import PauseWorkflow
from workflows.sweep import SweepWorkflow

GOLDEN = Path(__file__).with_name("wire.json")


def wire() -> dict[str, Any]:
    """Every name and schema that outlives a release."""
    return {
        "queue": TASK_QUEUE,
        "workflows": {
            FAILOVER_WORKFLOW: _messages(FailoverWorkflow),
            PAUSE_WORKFLOW: _messages(PauseWorkflow),
            APPLICATION_WORKFLOW: _messages(ApplicationWorkflow),
            SWEEP_WORKFLOW: _messages(SweepWorkflow),
        },
        "activities": sorted(
            name
            for kind in (
                Calling,
                Capturing,
                Deciding,
                Finishing,
                Moving,
                Observing,
                Protecting,
                Purging,
                Sweeping,
                Telling,
                Tidying,
            )
            for name in _activities(kind)
        ),
        "searchAttributes": {key.name: key.indexed_value_type.name for key in SEARCH_ATTRIBUTES},
        "models": models_json_schema([(model, "serialization") for model in _models()])[1]["$defs"],
    }


def _messages(kind: type) -> dict[str, Any]:
    definition = workflow._Definition.must_from_class(kind)
    return {
        "name": definition.name,
        "signals": sorted(str(each) for each in definition.signals),
        "queries": sorted(str(each) for each in definition.queries),
        "updates": sorted(str(each) for each in definition.updates),
    }


def _activities(kind: type) -> list[str]:
    # the SDK's own signature leaves a type parameter out
    found = (
        activity._Definition.from_callable(each)  # pyright: ignore[reportUnknownMemberType]
        for each in vars(kind).values()
        if callable(each)
    )
    return [str(each.name) for each in found if each is not None]


def _models() -> list[type[BaseModel]]:
    sources = (request, steps, application, call, sweeping)
    named = [each for source in sources for each in vars(source).values()]
    models = {
        each
        for each in named
        if isinstance(each, type) and issubclass(each, Wire) and each is not Wire
    }
    return sorted({*models, Record}, key=lambda model: model.__name__)


def test_names_and_schemas_on_the_wire_are_those_of_the_last_release() -> None:
    """Whoever changes the wire does it knowingly."""
    assert wire() == json.loads(GOLDEN.read_text())


def test_every_model_survives_a_field_from_the_future() -> None:
    """A newer release may add fields; an older worker ignores them."""
    for model in _models():
        if issubclass(model, Wire):
            assert model.model_config.get("extra") == "ignore", model


def test_the_workflow_id_is_part_of_the_wire() -> None:
    """The id keeps failovers of an application to one at a time, across releases."""
    orders = ApplicationRef(
        group="flink.apache.org", kind="FlinkDeployment", namespace="shop", name="orders"
    )
    assert failover_id(orders) == "failover/shop/FlinkDeployment.flink.apache.org/orders"
    assert application_id(orders) == "application/shop/FlinkDeployment.flink.apache.org/orders"


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(wire(), indent=1, sort_keys=True) + "\n")
