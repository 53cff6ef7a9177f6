"""What is kept of an output."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.deploy.hooks.capture import Capture
from vawsum_agent.deploy.hooks.output import shown_lines
from vawsum_agent.deploy.redact import Redactor


@given(st.lists(st.binary(max_size=40)), st.integers(1, 20))
def test_beginning_and_end_are_kept(blocks: list[bytes], kept_bytes: int) -> None:
    """However it comes in blocks: all of it as long as it fits, else both ends and a true count."""
    capture = Capture(kept_bytes)
    for block in blocks:
        capture.add(block)
    whole = b"".join(blocks)
    assert whole.startswith(capture.first)
    assert whole.endswith(capture.last)
    assert len(capture.first) + capture.dropped_bytes + len(capture.last) == len(whole)
    assert capture.dropped_bytes == max(0, len(whole) - 2 * kept_bytes)


def test_lines_of_progress_bars_and_of_great_length() -> None:
    """Each state of a progress bar is a line, and no line is endless; bytes that are no text are written out."""
    capture = Capture()
    capture.add(b"10 %\r20 %\r\n\n" + b"x" * 600 + b"\n\xff\n")
    assert shown_lines(capture, Redactor()) == ("10 %", "20 %", "x" * 500 + "…", "\\udcff")
