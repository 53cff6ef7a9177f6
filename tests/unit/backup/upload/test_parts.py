"""How large parts are: few enough for any object, and small while it is small."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.backup.upload.parts import part_bytes

MIB, GIB, TB = 1 << 20, 1 << 30, 10**12


def total(parts: int, estimated_bytes: int) -> int:
    """Add up the sizes of so many parts."""
    return sum(part_bytes(number, estimated_bytes) for number in range(1, parts + 1))


@pytest.mark.parametrize("estimated_bytes", [0, 1, 5 * GIB, 300 * GIB, 1 * TB, 5 * TB])
def test_five_terabytes_fit_whatever_was_expected(estimated_bytes: int) -> None:
    """10,000 parts hold 5 TiB, which is more than 5 TB."""
    assert total(10_000, estimated_bytes) >= 5 << 40


@given(st.integers(1, 10_000), st.integers(0, 10 * TB))
def test_parts_are_what_s3_takes_and_never_shrink(number: int, estimated_bytes: int) -> None:
    """5 MiB to 5 GiB; a later one is no smaller."""
    size = part_bytes(number, estimated_bytes)
    assert 5 * MIB <= size <= 5 * GIB
    assert part_bytes(number + 1, estimated_bytes) >= size


@pytest.mark.parametrize(("estimated_bytes", "most_mib"), [(10 * GIB, 8), (60 * GIB, 8), (1 * TB, 120)])
def test_a_foretold_object_needs_no_large_parts(estimated_bytes: int, most_mib: int) -> None:
    """Up to what was expected all parts are of one size, as small as 8,000 parts can be."""
    sent, number = 0, 0
    while sent < estimated_bytes:
        number += 1
        sent += part_bytes(number, estimated_bytes)
        assert part_bytes(number, estimated_bytes) <= most_mib * MIB
    assert number <= 8_000


@pytest.mark.parametrize(("sent_bytes", "most_mib"), [(16 * GIB, 8), (50 * GIB, 36), (100 * GIB, 76)])
def test_an_unforeseen_object_grows_gently(sent_bytes: int, most_mib: int) -> None:
    """Parts, three of which memory holds, are in proportion to what was sent so far."""
    sent, number = 0, 0
    while sent < sent_bytes:
        number += 1
        sent += part_bytes(number)
    assert part_bytes(number) <= most_mib * MIB
