"""What identifies bytes: heads and markers, as pure functions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.logs.follow.fingerprint import HEAD_BYTES, begins_alike, fingerprint_of, is_marked, marker_of
from vawsum_agent.state.log_records import NO_MARKER


@given(st.binary(max_size=3000), st.binary(max_size=100))
def test_a_growing_file_stays_itself(content: bytes, more: bytes) -> None:
    """A file that grew begins alike; one that is shorter than what is known of it does not."""
    fingerprint = fingerprint_of(1, 2, content)
    assert fingerprint.head_length == min(len(content), HEAD_BYTES)
    assert begins_alike(fingerprint, (content + more)[:HEAD_BYTES])
    assert begins_alike(fingerprint, content[: HEAD_BYTES - 1][:-1]) == (len(content) == 0)


@given(st.binary(min_size=1, max_size=3000), st.integers(0, 3000))
def test_markers(content: bytes, at: int) -> None:
    """A marker fits the bytes it was made of, and no others of that length."""
    before = content[:at]
    marker = marker_of(before)
    assert is_marked(marker, before)
    assert is_marked(marker, before[-256:])
    assert is_marked(NO_MARKER, b"anything")
    if before:
        assert not is_marked(marker, before[:-1] + bytes([before[-1] ^ 1]))
        assert not is_marked(marker, before[1:]) or len(before) > 256
