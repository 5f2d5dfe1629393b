"""Whether a target would take the copy: asked by a dry run, and what comes of a 403; and clusters the record."""

from __future__ import annotations

from typing import cast

import pytest

from activities.trying import try_out, without_records
from failover.domain.errors import ClusterUnreachable, FailoverError, Forbidden, NotFound
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest
from failover.fleet import Cluster

WANTED: Manifest = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "orders", "namespace": "shop"},
}


class FakeCluster:
    """Answers a dry run, and what our rights are."""

    name = "west"

    def __init__(
        self, answer: Exception | None, *, may_create: bool = True, namespace: bool = True
    ) -> None:
        self._answer, self._may_create, self._namespace = answer, may_create, namespace

    async def create(self, manifest: Manifest, *, dry_run: bool) -> Manifest:
        """Nothing is ever created."""
        assert dry_run
        if self._answer is not None:
            raise self._answer
        return manifest

    async def allowed(self, kind: GroupKind, verb: str, namespace: str) -> bool:
        """By a review of our access."""
        assert (kind, verb, namespace) == (GroupKind("apps", "Deployment"), "create", "shop")
        return self._may_create

    async def find(self, kind: GroupKind, _: str, name: str) -> Manifest | None:
        """The namespace."""
        assert (kind.kind, name) == ("Namespace", "shop")
        return {} if self._namespace else None


async def tried(cluster: FakeCluster, *, observes: bool) -> tuple[bool, list[str]]:
    """Whether it could be tried, and of what a person is warned."""
    could, warnings = await try_out(cast("Cluster", cluster), WANTED, "f", {}, observes=observes)
    return could, [each.reason for each in warnings]


DENIED = Forbidden("west says no")


@pytest.mark.parametrize("observes", [True, False])
async def test_what_is_taken_is_no_news(observes: bool) -> None:  # noqa: FBT001
    """Whoever asks."""
    assert await tried(FakeCluster(None), observes=observes) == (True, [])


async def test_whoever_observes_needs_no_right_to_create() -> None:
    """The plan is made all the same, and says what was not tried."""
    cluster = FakeCluster(DENIED, may_create=False)
    assert await tried(cluster, observes=True) == (False, ["DryRunNotAllowed"])


@pytest.mark.parametrize(
    ("observes", "may_create"),
    [
        pytest.param(True, True, id="admission denies, and one only observes"),
        pytest.param(False, True, id="admission denies"),
        pytest.param(False, False, id="a run that may write lacks the right"),
    ],
)
async def test_a_refusal_stays_one(observes: bool, may_create: bool) -> None:  # noqa: FBT001
    """A move would be refused."""
    with pytest.raises(Forbidden, match="west says no"):
        await tried(FakeCluster(DENIED, may_create=may_create), observes=observes)


@pytest.mark.parametrize("observes", [True, False])
async def test_a_namespace_that_is_still_to_be_made(observes: bool) -> None:  # noqa: FBT001
    """Nothing can be tried in it, which is no fault; in one that is there, what is missing is."""
    missing = NotFound("the namespace shop is not there")
    cluster = FakeCluster(missing, namespace=False)
    assert await tried(cluster, observes=observes) == (False, [])
    with pytest.raises(NotFound):
        await tried(FakeCluster(missing), observes=observes)


class Named:
    """A cluster that has the namespace for records, or not, or does not say."""

    def __init__(
        self, name: str, *, there: bool = False, silent: FailoverError | None = None
    ) -> None:
        self.name, self._there, self._silent = name, there, silent

    async def find(self, kind: GroupKind, _: str, name: str) -> Manifest | None:
        """The namespace; there is nothing else that could be asked for, let alone written."""
        assert (kind.kind, name) == ("Namespace", "failover-system")
        if self._silent is not None:
            raise self._silent
        return {} if self._there else None


async def test_where_no_record_could_be_written_is_told_with_the_command() -> None:
    """Of each such cluster; of one that does not say, or may not be asked, nothing is."""
    asked = (
        Named("east"),
        Named("west", there=True),
        Named("north", silent=Forbidden("you may not")),
        Named("south", silent=ClusterUnreachable("no answer")),
    )
    (warning,) = await without_records(cast("Cluster", each) for each in asked)
    assert warning.reason == "RecordNamespaceMissing"
    assert warning.message == (
        "east has no namespace failover-system for the records, without which nothing moves; `failover rbac -f POLICY "
        "--role mover | kubectl --context east apply -f -` makes it, with the rights in it"
    )
