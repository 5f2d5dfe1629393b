"""When a plan is refused for good, and when it waits."""

from __future__ import annotations

import pytest

from failover.domain.planning import lasting_refusal
from failover.domain.selection import Considered


def considered(*reasons: str) -> tuple[Considered, ...]:
    """Clusters that were refused for these reasons."""
    return tuple(Considered(f"c{n}", "Refused", each, each) for n, each in enumerate(reasons))


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        pytest.param(
            ("SourceCluster", "TargetOccupied"),
            "TargetOccupied",
            id="the only candidate is occupied",
        ),
        pytest.param(
            ("SourceCluster", "Invalid", "Forbidden"), "Invalid", id="all refuse for good"
        ),
        pytest.param(
            ("SourceCluster", "Invalid", "ClusterUnreachable"), None, id="one may come back"
        ),
        pytest.param(
            ("SourceCluster", "NotInAffinity", "Invalid"), "Invalid", id="others are not meant"
        ),
        pytest.param(("SourceCluster", "UntoleratedTaint"), None, id="a taint may go"),
        pytest.param((), None, id="no clusters"),
    ],
)
def test_only_reasons_that_last_refuse_for_good(
    reasons: tuple[str, ...], expected: str | None
) -> None:
    """What time can cure is waited for."""
    refused = lasting_refusal(considered(*reasons), "no cluster can take it")
    assert (refused.reason if refused else None) == expected
