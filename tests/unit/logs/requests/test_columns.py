"""Reading in bulk says what the lines say one by one, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.logs.requests.lines import ODD, STAMP, UNIFORM, block_of, one_by_one
from vawsum_agent.core.requests import latency_buckets
from vawsum_agent.logs.requests.columns import read_columns
from vawsum_agent.logs.requests.hosts import by_host

if TYPE_CHECKING:
    from tests.unit.logs.requests.lines import Count, Counts

START = f'10.0.0.1 - - {STAMP} "GET / HTTP/1.1"'


def in_bulk(block: bytes) -> Counts | None:
    """Count by columns; None when they can't be read."""
    read = read_columns(block)
    if read is None:
        return None
    columns, host = read
    if host is None:
        counts: Counts = {}
        for some_host, lines in by_host(block):
            for name, count in (one_by_one(lines) if some_host is None else (in_bulk(lines) or {})).items():
                assert some_host in (None, name)
                counts[name] = add(counts[name], count) if name in counts else count
        return counts
    latencies = columns.latencies
    certain, numbers = latency_buckets(latencies.certain_us), latency_buckets(latencies.numbers)
    return {host: (columns.statuses, columns.sent_bytes, certain, numbers)}


def add(one: Count, other: Count) -> Count:
    """Add counts member by member."""
    return one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3]


@given(UNIFORM)
def test_lines_of_one_form_are_read_in_bulk(lines: list[str]) -> None:
    """Common, combined and vhost_combined, with and without latency: by column the same as line by line."""
    block = block_of([line.encode() for line in lines])
    found = in_bulk(block)
    # Text behind common's numbers is the one form here that bulk leaves alone.
    is_common_and_more = block.count(b'"') // len(lines) < 6 and (b"Zxy9" in block or b'"10.0.0.7"' in block)
    assert found == one_by_one(block) or (found is None and is_common_and_more)


@given(st.lists(ODD, min_size=1, max_size=6), st.integers(1, 3))
def test_lines_of_any_form_are_never_read_wrongly(lines: list[bytes], times: int) -> None:
    """Escaped quotes, garbage, invalid UTF-8, numbers out of range: in bulk the same, or not at all."""
    block = block_of(lines * times)
    found = in_bulk(block)
    assert found is None or found == one_by_one(block)


@given(UNIFORM, ODD, st.integers(0, 12))
def test_one_odd_line_spoils_nothing(lines: list[str], odd: bytes, place: int) -> None:
    """One line that is different among others that are alike: in bulk the same, or not at all."""
    texts = [line.encode() for line in lines]
    texts.insert(place, odd)
    block = block_of(texts)
    found = in_bulk(block)
    assert found is None or found == one_by_one(block)


@pytest.mark.parametrize(
    "line",
    [
        f"{START} 200 5",
        f"{START} 304 -",
        f"{START} 200 5 1512",
        f'{START} 304 - "-" "curl/8"',
        f'{START} 200 5 "-" "curl/8" 1512',
        f'{START} 200 5 "-" "curl/8" 1512 0',
        f'{START} 200 5 "-" "curl/8" 0/1512',
        f'{START} 200 5 "-" "curl/8" 1512 Zxy',
        f'{START} 200 5 "-" "curl/8" 1512 "10.0.0.7"',
        f'{START} 200 5 "-" "a\\"b\\\\"',
        f'app.vawsum.com:80 {START} 200 5 "-" "curl/8"',
        f'2001:db8::1 - John Smith {STAMP} "-" 408 - "-" "-"',
    ],
)
def test_usual_forms_are_fast(line: str) -> None:
    """What web servers write every day is read in bulk, not line by line."""
    block = block_of([line.encode()] * 3)
    assert in_bulk(block) == one_by_one(block)
    assert sum(sum(statuses.values()) for statuses, *_ in one_by_one(block).values()) == 3
