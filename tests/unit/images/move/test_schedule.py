"""When a folder is looked at again, and how full its disk is."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.images.move.pressure import Usage
from vawsum_agent.images.move.schedule import (
    LONGEST_S,
    SCAN_SHARE,
    LastScan,
    after_event_s,
    pace_s,
    retry_s,
    wait_s,
)


@pytest.mark.parametrize(
    ("last", "expected_s"),
    [
        (LastScan(0.1, None, is_watched=False), 60.0),
        (LastScan(0.1, 500.0, is_watched=False), 60.0),
        (LastScan(6.0, None, is_watched=False), 300.0),
        (LastScan(0.1, None, is_watched=True), LONGEST_S),
        (LastScan(0.1, 500.0, is_watched=True), 500.0),
        (LastScan(0.1, 5.0, is_watched=True), 60.0),
        (LastScan(900.0, 5.0, is_watched=True), LONGEST_S),
    ],
)
def test_waiting(last: LastScan, expected_s: float) -> None:
    """As configured; less often where scans are long, or where events would tell and nothing is due before."""
    assert wait_s(60.0, last) == pytest.approx(expected_s)


@given(st.floats(1, 86_400), st.floats(0, 100), st.none() | st.floats(-10, 1e6), st.booleans())
def test_scanning_stays_cheap(interval_s: float, took_s: float, next_due_s: float | None, is_watched: bool) -> None:
    """Whatever is found, scans cost no more than their share, and none is put off for ever."""
    waiting_s = wait_s(interval_s, LastScan(took_s, next_due_s, is_watched))
    assert waiting_s >= min(took_s / SCAN_SHARE, LONGEST_S)
    assert waiting_s <= max(interval_s, LONGEST_S)
    assert pace_s(interval_s, took_s) <= waiting_s


def test_an_event_is_followed_up_when_its_file_is_due() -> None:
    """Not before: there would be nothing to move."""
    assert after_event_s(60.0, 0.1, 600.0) == 600.0
    assert after_event_s(60.0, 0.1, 1.0) == 60.0


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_retrying(attempt: int, spread: float) -> None:
    """From half a second to a minute, however long it lasts."""
    assert 0.5 <= retry_s(attempt, spread) <= 60.0
    assert retry_s(attempt + 1, spread) >= retry_s(attempt, spread)


def statvfs(blocks: int, free: int, available: int, files: int, files_free: int) -> os.statvfs_result:
    """An answer of the kernel."""
    return os.statvfs_result((4096, 4096, blocks, free, available, files, files_free, files_free, 0, 255))


def test_usage_is_what_df_shows() -> None:
    """What is reserved for root counts as gone; a file system without inodes to count says nothing of them."""
    assert Usage.of(statvfs(1000, 150, 100, 100, 50)) == Usage(90, 50)
    assert Usage.of(statvfs(1000, 500, 500, 0, 0)) == Usage(50, 0)
    assert Usage.of(statvfs(0, 0, 0, 0, 0)).percent == 0
    assert Usage.of(statvfs(1000, 999, 999, 100, 1)).percent == 99


def test_usage_of_a_real_disk() -> None:
    """Between nothing and everything."""
    assert 0 <= Usage.of(os.statvfs("/")).percent <= 100
