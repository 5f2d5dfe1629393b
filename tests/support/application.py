"""What a case asserts of its application once the failover is over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from devstack.flink import ALIAS_LABEL
from failover.domain.phases import Outcome
from tests.support.ending import Ending
from tests.support.followed import DEADLINE_SECONDS, Followed
from tests.support.policies import NAMESPACE
from tests.support.workload import Manifest


@dataclass
class Application(Followed):
    """One application, its failover, and what is to be seen of both."""

    async def lives_on(self, cluster: str, *, also: Iterable[str] = ()) -> Manifest:
        """Assert that it runs there, healthy, its labels released, and nowhere else but where `also` says."""
        copies = await self.copies()
        assert set(copies) == {cluster, *also}, f"{self.name} is on {sorted(copies)}"
        there = await self.running(cluster)
        assert ALIAS_LABEL not in (there["metadata"].get("labels") or {}), "labels are released"
        return there

    async def is_tidy(self, *clusters: str, home: str) -> None:
        """Assert that the record is closed wherever there is one, and says where home is.

        Where clusters are named, they have one, and others may remember an earlier home.
        """
        found = {name: await self.record(name) for name in self.saga.world.clusters}
        written = {name: record for name, record in found.items() if record is not None}
        assert set(clusters) <= set(written), f"records of {self.name}: {sorted(written)}"
        for name, record in written.items():
            assert not record.get("data"), f"the record of {self.name} on {name} is open"
            says = record["metadata"]["annotations"]["stateful-failover.dev/home"]
            assert says == home or (clusters and name not in clusters), f"{name} says {says}"

    async def kept_its_promises(self, *, two_copies: bool = False, to_the_end: bool = True) -> None:
        """Assert promises 2, 3 and 4 from what the recorder saw."""
        recorder = self.saga.recorder
        if two_copies:
            await recorder.never_zero(NAMESPACE, self.name)
        else:
            await recorder.never_two(NAMESPACE, self.name)
        await recorder.state_kept(NAMESPACE, self.name, ALIAS_LABEL, self.job_id)
        if to_the_end:
            assert await self.copies(), f"{self.name} is nowhere"

    async def moved(self, target: str = "west", *, seconds: float = DEADLINE_SECONDS) -> Ending:
        """Assert that the failover ends well on this target, with all promises kept."""
        ending = await self.ends(seconds=seconds)
        assert ending.outcome is Outcome.COMPLETED, ending
        await self.lives_on(target)
        await self.is_tidy(self.home, target, home=target)
        await self.kept_its_promises()
        return ending

    async def was_never_written(self) -> None:
        """Assert that nothing of ours was ever on its object, and that there is no record."""
        for copy in await self.saga.recorder.copies(NAMESPACE, self.name):
            for _, manifest in copy.versions:
                managers = {each.get("manager") for each in manifest["metadata"]["managedFields"]}
                assert "stateful-failover" not in managers, f"{self.name} was written: {managers}"
        for cluster in self.saga.world.clusters:
            assert await self.record(cluster) is None, f"a record of {self.name} is on {cluster}"

    async def restored(self, *, seconds: float = DEADLINE_SECONDS) -> Ending:
        """Assert that the original was put back with its state, and nothing else is left."""
        ending = await self.ends(seconds=seconds)
        assert ending.outcome is Outcome.ROLLED_BACK, ending
        there = (await self.copies()).get(self.home)
        assert there is not None, f"{self.name} is not on {self.home}"
        assert set(await self.copies()) == {self.home}
        await self.is_tidy(self.home, home=self.home)
        await self.kept_its_promises()
        return ending

    async def untouched(self, outcome: Outcome = Outcome.ABORTED) -> Ending:
        """Assert that the failover ends with the original never touched, and nothing left."""
        ending = await self.ends()
        assert ending.outcome is outcome, ending
        copies = await self.copies()
        assert set(copies) == {self.home}, sorted(copies)
        assert copies[self.home]["metadata"]["uid"] == self.uid
        await self.is_tidy(home=self.home)
        return ending
