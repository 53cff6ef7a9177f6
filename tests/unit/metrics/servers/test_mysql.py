"""What status variables mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.metrics.servers.pages import NONSENSE
from vawsum_agent.metrics.servers.mysql import METRICS, MysqlSource, read_status

VARIABLES: dict[str, object] = {
    "Threads_connected": "30",
    "Threads_running": "2",
    "Uptime": "3600",
    "Queries": "5000",
    "Slow_queries": "4",
    "Innodb_row_lock_waits": "6",
    "Innodb_row_lock_time": "700",
    "Aborted_connects": "8",
    "Aborted_clients": "9",
    "Bytes_received": "1000",
    "Bytes_sent": "18446744073709551615",
    "Innodb_buffer_pool_reads": "10",
    "Innodb_buffer_pool_read_requests": "1000",
}


def test_variables_are_read() -> None:
    """Gauges as they are, totals as counters, and connections against their limit."""
    collected = read_status(VARIABLES, 120)
    assert collected is not None
    assert {reading.name: reading.value for reading in collected.gauges} == {
        "mysql_up": 1,
        "mysql_connections": 30,
        "mysql_connections_limit": 120,
        "mysql_connections_used_percent": 25,
        "mysql_threads_running": 2,
        "mysql_uptime": 3600,
    }
    assert (collected.counters["mysql_queries"], len(collected.counters), collected.left_out) == (5000, 10, 0)


def test_an_administrator_beyond_the_limit_uses_all() -> None:
    """MySQL lets one administrator in beyond max_connections: that is 100 %, and no nonsense."""
    collected = read_status(VARIABLES | {"Threads_connected": "121"}, 120)
    assert collected is not None
    assert ("mysql_connections_used_percent", 100.0, ()) in collected.gauges


def test_hit_rate_is_of_what_was_read_since() -> None:
    """The buffer pool's rate is that of the reads since the look before; without reads there is none."""
    source = MysqlSource("/nowhere")
    derived = source.derive({"buffer_pool_reads": 5.0, "buffer_pool_read_requests": 100.0, "mysql_queries": 7.0}, 10.0)
    assert derived == [("mysql_queries", 7.0, ()), ("mysql_buffer_pool_hit_percent", 95.0, ())]
    assert source.derive({"buffer_pool_reads": 0.0, "buffer_pool_read_requests": 0.0}, 10.0) == []
    assert source.derive({"buffer_pool_reads": 9.0, "buffer_pool_read_requests": 8.0}, 10.0) == []


@pytest.mark.parametrize("nonsense", [*NONSENSE, None])
def test_nonsense_is_left_out(nonsense: str | None) -> None:
    """A variable that makes no sense is left out and counted; the others count on."""
    collected = read_status(VARIABLES | {"Threads_running": nonsense}, 120)
    assert collected is not None
    assert collected.left_out == 1
    assert "mysql_threads_running" not in {reading.name for reading in collected.gauges}


def test_no_variables_are_none() -> None:
    """A proxy that knows no status variables is not taken for MySQL, though it knows max_connections."""
    assert read_status({}, 151) is None


@given(
    st.dictionaries(st.sampled_from([*VARIABLES, "x"]), st.one_of(st.none(), st.text(), st.integers(), st.floats())),
    st.integers(),
)
def test_no_variables_raise(variables: dict[str, object], limit: int) -> None:
    """Anything under the names of variables: readings of known metrics, or none."""
    collected = read_status(variables, limit)
    assert collected is None or {reading.name for reading in collected.gauges} <= {metric.name for metric in METRICS}
