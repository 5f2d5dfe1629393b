"""The watchdog's book-keeping: which groups are left when the supervisor is gone."""

from __future__ import annotations

import pytest

from devstack.watchdog import watch


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        pytest.param([], set[int](), id="nothing-was-started"),
        pytest.param(["+ 7\n", "+ 8\n"], {7, 8}, id="all-still-run"),
        pytest.param(["+ 7\n", "- 7\n", "+ 8\n"], {8}, id="one-ended-before"),
        pytest.param(["+ 7\n", "- 9\n", "\n"], {7}, id="what-it-was-not-told-of"),
    ],
)
def test_groups_that_did_not_end_are_left(lines: list[str], left: set[int]) -> None:
    """Exactly those that were started and are not known to have ended."""
    assert watch(lines) == left
