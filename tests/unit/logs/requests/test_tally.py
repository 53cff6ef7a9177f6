"""From a block and its layout to tallies by minute and virtual host."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.logs.requests.lines import ODD, STAMP, UNIFORM, block_of, one_by_one
from vawsum_agent.core.requests import MOST_HOSTS, OTHER_HOSTS, RequestTally, bucket_us, latency_buckets
from vawsum_agent.logs.batch.layout import TOO_OLD_MS, Layout, Run
from vawsum_agent.logs.requests.parts import parts_of, spans_by_period
from vawsum_agent.logs.requests.period import Period
from vawsum_agent.logs.requests.tally import tally, us_of_one
from vawsum_agent.logs.requests.visits import OwnVisits

if TYPE_CHECKING:
    from tests.unit.logs.requests.lines import Counts

MINUTE_MS = 60_000
BASE_MS = 1_790_000_040_000


def line(rest: str = "", host: str = "", status: int = 200) -> bytes:
    """Write a combined line."""
    return f'{host}10.0.0.1 - - {STAMP} "GET / HTTP/1.1" {status} 5 "-" "curl/8"{rest}\n'.encode()


def told(block: bytes, runs: list[Run]) -> dict[int, RequestTally]:
    """Count, and read what was written, by minute."""
    return {at: RequestTally.decode(body) for at, body in tally("web", block, Layout(runs, is_by_line=True))}


def counted(block: bytes, size: int) -> Counts:
    """Count a block as lines of one minute, taken apart in parts of a size."""
    period = Period()
    period.count(parts_of(block, [(0, len(block))], size))
    return {
        host: (
            found.statuses,
            found.sent_bytes,
            latency_buckets(found.certain_us),
            latency_buckets(found.numbers),
        )
        for host, found in period.hosts.items()
    }


@given(
    st.lists(st.tuples(UNIFORM, st.integers(1, 40)), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 400), ODD), max_size=4),
    st.sampled_from([2 << 10, 20 << 10, 128 << 10]),
    st.booleans(),
)
def test_any_mix_of_lines_counts_the_same(
    stretches: list[tuple[list[str], int]], odd: list[tuple[int, bytes]], size: int, has_end: bool
) -> None:
    """Stretches of lines of one form each, and odd ones in between: each line counts as it does by itself."""
    lines = [text.encode() for texts, times in stretches for text in texts * times]
    for place, text in odd:
        lines.insert(place, text)
    block = block_of(lines)
    block = block if has_end else block[:-1]
    assert counted(block, size) == one_by_one(block)


def test_large_blocks_of_many_hosts_count_the_same() -> None:
    """A megabyte of lines of sixty hosts, with a client of IPv6 and a garbled line now and then."""
    dice = random.Random(7)
    lines = [line(f" {dice.randrange(10**6)}", f"h{dice.randrange(60)}.example:80 ") for _ in range(9000)]
    lines[5000] = b"garbage\n"
    lines[6000] = line(" 5").replace(b"10.0.0.1", b"2001:db8::1")
    block = b"".join(lines)
    assert counted(block, 128 << 10) == one_by_one(block)


def test_each_minute_has_its_own() -> None:
    """Lines count in the minute of their own time, late ones too; what is too old to be sent does not count."""
    ok, failed = line(), line(status=503)
    times = [0, 59_999, 60_000, 59_000, TOO_OLD_MS - BASE_MS, 120_000]
    lines = [ok, ok, failed, ok, failed, failed]
    runs = [Run(len(text), BASE_MS + time_ms) for text, time_ms in zip(lines, times, strict=True)]
    found = told(b"".join(lines), runs)
    assert {at - BASE_MS: (one.hosts[""].requests, one.hosts[""].answers_5xx) for at, one in found.items()} == {
        0: (3, 0),
        MINUTE_MS: (1, 1),
        2 * MINUTE_MS: (1, 1),
    }


@given(
    st.lists(st.tuples(st.integers(1, 300), st.integers(-1, 400_000)), min_size=1, max_size=60), st.integers(1, 2000)
)
def test_no_byte_is_in_two_minutes(runs: list[tuple[int, int]], size: int) -> None:
    """The spans of all minutes and what is too old make up the block; their parts give each line once, in order."""
    dated = [Run(length, time_ms) for length, time_ms in runs]
    block = b"".join(b"x" * (length - 1) + b"\n" for length, _ in dated)
    spans = spans_by_period(dated)
    lengths: dict[int, int] = {}
    for length, time_ms in dated:
        lengths[time_ms // MINUTE_MS * MINUTE_MS] = lengths.get(time_ms // MINUTE_MS * MINUTE_MS, 0) + length
    lengths.pop(-MINUTE_MS, None)
    assert {at: sum(end - start for start, end in found) for at, found in spans.items()} == lengths
    for found in spans.values():
        parts = [*parts_of(block, found, size)]
        assert b"".join(parts) == b"".join(block[start:end] for start, end in found)
        assert all(len(part) >= size for part in parts[:-1])
        assert all(part.endswith(b"\n") for part in parts)


def test_answers_by_class() -> None:
    """1xx and what is no status count as requests and in no class."""
    lines = [line(status=status) for status in (200, 204, 301, 404, 404, 404, 500, 101, 999)]
    block = b"".join(lines)
    counted = told(block, [Run(len(block), BASE_MS)])[BASE_MS].hosts[""]
    assert (counted.requests, counted.sent_bytes) == (9, 45)
    assert (counted.answers_2xx, counted.answers_3xx, counted.answers_4xx, counted.answers_5xx) == (2, 1, 3, 1)


@pytest.mark.parametrize(
    ("numbers", "expected_us"),
    [
        ([900, 15_000, 80], [900, 15_000, 80]),  # %D
        ([0, 0, 3], [0, 0, 3_000_000]),  # %T
        ([2, 1], []),  # too few to tell
    ],
)
def test_microseconds_or_seconds(numbers: list[int], expected_us: list[int]) -> None:
    """`%D` and `%T` are told apart by what they can be, over all hosts of a batch; what can't be told is left out."""
    block = b"".join(line(f" {number}", f"h{number % 2}.x:80 ") for number in numbers)
    hosts = told(block, [Run(len(block), BASE_MS)])[BASE_MS].hosts.values()
    found = sorted(
        bucket_us(bucket) for counted in hosts for bucket, count in counted.latency.items() for _ in range(count)
    )
    assert found == pytest.approx(sorted(expected_us), rel=0.032)


def test_seconds_show_in_their_zeros() -> None:
    """A log whose least number is 0 is in seconds, unless that would be hours."""
    assert us_of_one(0, 300) == 1_000_000
    assert us_of_one(0, 3_600) == 1
    assert us_of_one(1, 299) == 0


def test_of_too_many_hosts_the_busiest_keep_their_names() -> None:
    """Beyond fifty hosts a minute, those with the fewest requests are counted together."""
    block = b"".join(line(host=f"h{number}.x:80 ") * (number + 1) for number in range(60))
    hosts = told(block, [Run(len(block), BASE_MS)])[BASE_MS].hosts
    assert hosts.keys() == {OTHER_HOSTS, *(f"h{number}.x" for number in range(10, 60))}
    assert len(hosts) == MOST_HOSTS + 1
    assert hosts[OTHER_HOSTS].requests == sum(range(1, 11))


def test_a_block_without_requests_has_no_tally() -> None:
    """Garbage leaves nothing to store."""
    block = b"garbage\n" * 500
    assert told(block, [Run(len(block), BASE_MS)]) == {}


def test_own_visits_are_not_counted() -> None:
    """What the agent itself asked for is in no tally; minutes in which nobody else came have none."""
    own = (
        line(host="")
        .replace(b"10.0.0.1", b"127.0.0.1")
        .replace(b"GET / ", b"GET /s?auto ")
        .replace(b"curl/8", b"vawsum-agent")
    )
    block = own + line() + own
    runs = [Run(len(own), BASE_MS), Run(len(block) - len(own), BASE_MS + MINUTE_MS)]
    tallies = tally("web", block, Layout(runs, is_by_line=True), OwnVisits(["http://127.0.0.1/s?auto"]))
    assert [RequestTally.decode(body).hosts[""].requests for _, body in tallies] == [1]
    assert len(told(block, runs)) == 2
