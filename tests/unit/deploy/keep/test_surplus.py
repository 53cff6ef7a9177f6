"""Which releases go: a row of failed deploys never pushes out what served well."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.deploy.keep.surplus import surplus


@pytest.mark.parametrize(
    ("present", "served", "current", "previous", "keep", "expected"),
    [
        ("", "", None, None, 2, ""),
        ("a", "a", "a", None, 2, ""),
        ("abc", "cba", "c", "b", 2, "a"),
        ("abcd", "dcba", "d", "c", 3, "a"),
        # Failed ones don't count, and go.
        ("abcdef", "ba", "b", "a", 2, "cdef"),
        ("abf", "ba", "b", "a", 5, "f"),
        # A rollback target that is old, or that nobody noted, stays beside the others.
        ("abcd", "dcba", "d", "a", 2, "b"),
        ("abcd", "dcb", "d", "a", 2, "b"),
        # Served again, a release is new again, and counts once.
        ("abc", "acaba", "a", "c", 2, "b"),
        # Gone ones take nobody's place.
        ("abd", "dcba", "d", "b", 3, ""),
        # The one that is served stays, whatever is noted of it.
        ("ab", "a", "b", None, 2, ""),
    ],
)
def test_surplus(
    present: str, served: str, current: str | None, previous: str | None, keep: int, expected: str
) -> None:
    """One letter a release, by age."""
    assert surplus(list(present), served, current, previous, keep) == list(expected)


@given(
    st.sets(st.sampled_from("abcdefgh")),
    st.text("abcdefgh"),
    st.sampled_from("abcdefgh"),
    st.sampled_from("abcdefgh"),
    st.integers(0, 5),
)
def test_always(present: set[str], served: str, current: str, previous: str, keep: int) -> None:
    """What is served and what can be gone back to stay; what stays beside them served well, and is not too much."""
    going = set(surplus(present, served, current, previous, keep))
    staying = present - going
    assert going <= present - {current, previous}
    assert len(staying - {current, previous}) <= keep
    assert staying - {current, previous} <= set(served)
