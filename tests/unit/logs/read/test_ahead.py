"""Counting what can't be shipped yet: each line once, as far as is of now."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from tests.unit.core.test_recent_requests import SetClock
from vawsum_agent.config.model import LogSource
from vawsum_agent.core.recent_requests import RecentRequests
from vawsum_agent.logs.formats.registry import make_format
from vawsum_agent.logs.read import ahead
from vawsum_agent.logs.read.ahead import Ahead
from vawsum_agent.logs.requests.counter import RequestCounter
from vawsum_agent.logs.requests.visits import OwnVisits

if TYPE_CHECKING:
    from vawsum_agent.logs.follow.tail import Tail

NOW = 1_790_000_040
STAMP = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(NOW - 5))
LINE = f'10.0.0.1 - - [{STAMP}] "GET / HTTP/1.1" 200 5\n'.encode()


@dataclass
class Content:
    """What a tail reads from."""

    is_compressed: bool = False


@dataclass
class File:
    """A file of which something is read."""

    data: bytes
    position: int = 0
    file_id: int = 1
    content: Content | None = field(default_factory=Content)

    def unread_bytes(self) -> int:
        """What is left."""
        return len(self.data) - self.position

    def read_range(self, start: int, end: int) -> bytes | None:
        """Some of it."""
        return self.data[start:end]


@pytest.fixture
def recent() -> RecentRequests:
    """Nothing counted yet."""
    return RecentRequests(SetClock(NOW), "run-1")


def looking(file: File, recent: RecentRequests) -> Ahead:
    """Look at a file."""
    counter = RequestCounter(OwnVisits(), recent, keeps_tallies=True)
    log_format = make_format(LogSource(name="x", paths=["/x"], format="apache-access", log_group="/x"))
    return Ahead(cast("Tail", file), log_format, counter)


def counted(recent: RecentRequests) -> int:
    """What is counted of the last minute."""
    return recent.told(NOW - 60, NOW).traffic.requests


def test_each_line_counts_once(recent: RecentRequests) -> None:
    """Look by look what is new is counted, and an unfinished line when it is whole; what is read later is known."""
    file = File(LINE * 10 + LINE[:20], position=3 * len(LINE))
    looks = looking(file, recent)
    assert not looks.has_seen_all()
    looks.look(len(LINE), NOW)
    assert (counted(recent), looks.has_seen_all()) == (9, True)
    looks.look(len(LINE), NOW)
    file.data += LINE[20:] + LINE
    assert not looks.has_seen_all()
    looks.look(2 * len(LINE), NOW)
    assert (counted(recent), looks.has_seen_all()) == (11, True)
    assert recent.take(1, 0, len(file.data)) == len(file.data)


def test_of_a_long_backlog_the_end_counts(recent: RecentRequests) -> None:
    """After a day without CloudWatch the end of the file is looked at, from its first whole line on, bit by bit."""
    lines = 200_000
    file = File(LINE * lines)
    looks = looking(file, recent)
    looks.look(0, NOW)
    assert not looks.has_seen_all()
    for _ in range(3):
        looks.look(0, NOW)
    assert looks.has_seen_all()
    assert counted(recent) == ahead._FARTHEST_BYTES // len(LINE)


def test_endless_lines_and_what_can_not_be_read(recent: RecentRequests) -> None:
    """A line without end holds up nothing; a compressed file and one that is looked for are left alone."""
    file = File(b"x" * (ahead.PIECE_BYTES + 7) + b"\n" + LINE)
    looks = looking(file, recent)
    looks.look(0, NOW)
    assert (counted(recent), looks.has_seen_all()) == (1, True)
    for content in (None, Content(is_compressed=True)):
        looks = looking(File(LINE, content=content), recent)
        looks.look(0, NOW)
        assert not looks.has_seen_all()
    assert counted(recent) == 1
