"""What the page of mod_status means, and that no other page means anything."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.metrics.servers.pages import APACHE, HTML, NONSENSE
from vawsum_agent.metrics.servers.apache import METRICS, ApacheSource, read_status

NAMES = {metric.name for metric in METRICS}


def test_page_is_read() -> None:
    """Every number of the page that a metric is made of is there, in the metric's unit."""
    collected = read_status(APACHE)
    assert collected is not None
    assert {reading.name: reading.value for reading in collected.gauges} == {
        "apache_up": 1,
        "apache_workers_busy": 3,
        "apache_workers_idle": 47,
        "apache_workers_limit": 150,
        "apache_workers_used_percent": 2,
        "apache_connections": 9,
        "apache_uptime": 86400,
    }
    assert collected.counters == {"apache_requests": 1200, "apache_bytes": 3400 * 1024, "duration_ms": 48000}
    assert collected.left_out == 0


def test_increases_become_metrics() -> None:
    """Requests and bytes are what was added; the time of a request is a mean over those that were added."""
    source = ApacheSource("http://127.0.0.1/server-status?auto")
    derived = source.derive({"apache_requests": 4.0, "apache_bytes": 2048.0, "duration_ms": 100.0}, 10.0)
    assert {reading.name: reading.value for reading in derived} == {
        "apache_requests": 4,
        "apache_bytes": 2048,
        "apache_request_time": 25,
    }
    assert source.derive({"apache_requests": 0.0, "duration_ms": 0.0}, 10.0) == [("apache_requests", 0.0, ())]
    assert source.derive({}, 10.0) == []


def test_page_without_totals() -> None:
    """With ExtendedStatus off there are workers alone, and nothing counts as left out."""
    collected = read_status(re.sub(rb"(?m)^(Total|Uptime|Conns).*\n", b"", APACHE))
    assert collected is not None
    assert (collected.counters, collected.left_out) == ({}, 0)
    assert ("apache_workers_busy", 3, ()) in collected.gauges


@pytest.mark.parametrize("nonsense", NONSENSE)
@pytest.mark.parametrize("field", ["BusyWorkers", "Total Accesses", "ServerUptimeSeconds", "Scoreboard"])
def test_nonsense_is_left_out(field: str, nonsense: str) -> None:
    """A field that makes no sense is left out and counted; the others count on."""
    collected = read_status(re.sub(rf"(?m)^{field}: .*$".encode(), f"{field}: {nonsense}".encode(), APACHE))
    assert collected is not None
    assert collected.left_out == 1
    assert ("apache_workers_idle", 47, ()) in collected.gauges


def test_field_given_twice_is_left_out() -> None:
    """Of two totals there is no saying which is true."""
    collected = read_status(APACHE + b"Total Accesses: 5\n")
    assert collected is not None
    assert collected.left_out == 1
    assert "apache_requests" not in collected.counters


@pytest.mark.parametrize(
    "page", [b"", HTML, b"\0" * 1000, b"Scoreboard: ___\n", b"BusyWorkers: NaN\nIdleWorkers: -1\n"]
)
def test_another_page_is_none(page: bytes) -> None:
    """A page without one worker that makes sense is not the page of mod_status."""
    assert read_status(page) is None


@given(st.lists(st.one_of(st.sampled_from(APACHE.splitlines(keepends=True)), st.binary(max_size=40))).map(b"".join))
def test_no_page_raises(page: bytes) -> None:
    """Lines in any order, any number of times, with any bytes in between: readings of known metrics, or none."""
    collected = read_status(page)
    assert collected is None or {reading.name for reading in collected.gauges} <= NAMES


@given(st.integers(0, len(APACHE)), st.binary(max_size=4))
def test_damaged_pages_do_not_raise(position: int, junk: bytes) -> None:
    """Cut anywhere, or with bytes in the wrong place: no error but ours."""
    read_status(APACHE[:position])
    read_status(APACHE[:position] + junk + APACHE[position:])
