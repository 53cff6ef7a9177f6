"""Parts: how large they are, and what is confirmed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.aws.multipart import part_size
from vawsum_agent.aws.object_errors import confirm
from vawsum_agent.core.errors import Unavailable

MIB = 1 << 20


@given(st.integers(1, 5 << 40), st.sampled_from([5 * MIB, 8 * MIB]))
def test_parts_are_few_enough_and_no_larger_than_that_takes(size_bytes: int, part_bytes: int) -> None:
    """At most 10,000; as large as asked for, where that does, else the fewest whole MiB."""
    size = part_size(size_bytes, part_bytes)
    assert -(-size_bytes // size) <= 10_000
    assert size == part_bytes or (size % MIB == 0 and -(-size_bytes // (size - MIB)) > 10_000)


@pytest.mark.parametrize("answered", ["", "AAAA"])
def test_another_checksum_proves_nothing(answered: str) -> None:
    """What S3 does not confirm counts as perhaps done, and is said so."""
    with pytest.raises(Unavailable) as caught:
        confirm(answered, "BBBB", "s3://bucket/key")
    assert caught.value.maybe_done
    assert "BBBB" in caught.value.message
