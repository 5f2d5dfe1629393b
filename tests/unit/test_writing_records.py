"""Writing a record: what another one has done meanwhile is a conflict, and a missing namespace says how to make it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import pytest

from failover.domain.errors import AlreadyExists, Conflict, FailoverError, NotFound
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest
from failover.domain.record import CHUNK_BYTES, to_secrets
from failover.fleet import Cluster
from failover.records import RecordNamespaceMissing, write_record
from tests.unit.domain.test_record import noise, record


@dataclass
class Answering:
    """A cluster that answers every write of the record's first Secret with an error."""

    error: FailoverError
    parts_too: bool = False
    name: str = "east"

    async def find(self, _kind: GroupKind, _namespace: str, _name: str) -> Manifest | None:
        """No part is there yet."""
        return None

    async def create(self, manifest: Manifest) -> Manifest:
        """The first Secret, or a part of what does not fit into it."""
        if self.parts_too or manifest["metadata"]["name"] == HEAD["metadata"]["name"]:
            raise self.error
        return manifest

    async def replace(self, _manifest: Manifest) -> Manifest:
        """The first Secret, over the one that was read."""
        raise self.error


LARGE = record(noise(2 * CHUNK_BYTES))
HEAD = to_secrets(LARGE)[0]
READ = {**HEAD, "metadata": {**HEAD["metadata"], "uid": "u", "resourceVersion": "7"}}


@pytest.mark.parametrize(
    ("cluster", "head", "raised", "told"),
    [
        pytest.param(Answering(NotFound("no")), None, RecordNamespaceMissing, "--role mover", id="no namespace"),
        pytest.param(
            Answering(NotFound("no"), parts_too=True), None, RecordNamespaceMissing, "east has no namespace", id="for a part",
        ),
        pytest.param(Answering(AlreadyExists("there")), None, Conflict, "by another run", id="created meanwhile"),
        pytest.param(Answering(NotFound("no")), READ, Conflict, "deleted meanwhile", id="deleted meanwhile"),
        pytest.param(Answering(Conflict("changed")), READ, Conflict, "changed", id="changed meanwhile"),
    ],
)  # fmt: skip
async def test_what_keeps_a_record_from_being_written(
    cluster: Answering, head: Manifest | None, raised: type[FailoverError], told: str
) -> None:
    """Each in a sentence that says what to do, or that lets the step look again."""
    with pytest.raises(raised, match=told):
        await write_record(cast("Cluster", cluster), LARGE, head)
