"""What `up` understands of its flags before it starts anything."""

from __future__ import annotations

import pytest

from cli.up import chosen_clusters
from failover.domain.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("1", ("east",), id="one"),
        pytest.param("3", ("east", "west", "north"), id="three"),
        pytest.param("paris,lyon-2", ("paris", "lyon-2"), id="by-name"),
    ],
)
def test_clusters_are_counted_or_named(text: str, names: tuple[str, ...]) -> None:
    """A number takes the first names that we have."""
    assert chosen_clusters(text) == names


@pytest.mark.parametrize("text", ["0", "9", "a,a", "East", "a,,b", "-a"])
def test_what_is_no_cluster_is_refused(text: str) -> None:
    """The message names the flag and its value."""
    with pytest.raises(InvalidInput, match=f"--clusters {text}"):
        chosen_clusters(text)
