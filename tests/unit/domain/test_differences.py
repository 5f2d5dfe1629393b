"""What has changed in a document, in a few words."""

from __future__ import annotations

from failover.domain.differences import SHOWN_MAX, differences


def test_each_changed_place_is_named_with_both_values() -> None:
    """Maps by their keys, lists by their indexes, what is not there as nothing."""
    before = {"a": 1, "b": {"c": True, "d": ["x"]}, "e": None, "same": [1]}
    after = {"a": 2, "b": {"c": False, "d": ["y", "z"]}, "e": {"f": 1}, "same": [1]}
    assert differences(before, after) == (
        "a: 1 → 2",
        "b.c: true → false",
        "b.d[0]: x → y",
        "b.d[1]: nothing → z",
        "e: nothing → a map",
    )
    assert differences(after, after) == ()


def test_a_type_is_a_difference() -> None:
    """One and true are not the same."""
    assert differences({"a": 1}, {"a": True}) == ("a: 1 → true",)


def test_a_long_story_is_cut() -> None:
    """The log gets the first few places, and of a long text its beginning."""
    many = {f"k{number}": "x" * 500 for number in range(SHOWN_MAX + 3)}
    found = differences({}, many)
    assert len(found) == SHOWN_MAX + 1
    assert found[-1] == "and 3 more"
    assert all(len(each) < 100 for each in found)
