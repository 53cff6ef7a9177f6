"""What the status page of a pool means, and that no other page means anything."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.metrics.servers.pages import FPM, HTML
from vawsum_agent.metrics.servers.php_fpm import METRICS, PhpFpmSource, read_status

WWW = (("pool", "www"),)


def test_page_is_read() -> None:
    """Every number of the page that a metric is made of is there, with the pool it is of."""
    found = read_status(FPM)
    assert found is not None
    pool, collected = found
    assert pool == "www"
    assert {reading.name: reading.value for reading in collected.gauges} == {
        "php_fpm_up": 1,
        "php_fpm_listen_queue": 2,
        "php_fpm_listen_queue_limit": 511,
        "php_fpm_processes_idle": 1,
        "php_fpm_processes_active": 4,
        "php_fpm_processes_total": 5,
        "php_fpm_uptime": 3600,
    }
    assert {reading.dimensions for reading in collected.gauges} == {WWW}
    assert collected.counters == {
        "php_fpm_accepted_connections": 812,
        "php_fpm_max_children_reached": 7,
        "php_fpm_slow_requests": 3,
    }
    assert collected.left_out == 0


def test_limit_of_a_unix_socket_is_not_known() -> None:
    """Linux tells no limit of a unix socket's queue: 0 is no value then, and none that counts as left out."""
    found = read_status(FPM.replace(b":511", b":0"))
    assert found is not None
    assert "php_fpm_listen_queue_limit" not in {reading.name for reading in found[1].gauges}
    assert found[1].left_out == 0


@pytest.mark.parametrize(
    "nonsense", ["NaN", "Infinity", "-3", "1e999", '"many"', "true", "null", "[]", "9" * 300, '1,"active processes":2']
)
def test_nonsense_is_left_out(nonsense: str) -> None:
    """A field that makes no sense, or comes twice, is left out and counted; the others count on."""
    found = read_status(FPM.replace(b'"active processes":4', f'"active processes":{nonsense}'.encode()))
    assert found is not None
    values = {reading.name: reading.value for reading in found[1].gauges}
    assert "php_fpm_processes_active" not in values
    assert (values["php_fpm_processes_idle"], found[1].left_out) == (1, 1)


@pytest.mark.parametrize(
    "page",
    [b"", HTML, FPM[:-20], b"[]", b"5", b"{}", b'{"pool":"www"}', b'{"pool":7,"idle processes":1}', b"[" * 100_000]
    + [
        FPM.replace(b'"www"', name)
        for name in (b'""', b'"  "', b'":x"', '"ü"'.encode(), b'"a\\u0000"', b'"' + b"x" * 300 + b'"')
    ]
    + [FPM.replace(b'"www"', b'"www","pool":"admin"')],
    ids=range(16),
)
def test_another_page_is_none(page: bytes) -> None:
    """Other pages, pages cut short, and those of no pool that CloudWatch could name are not taken."""
    assert read_status(page) is None


def test_down_is_told_of_the_pool() -> None:
    """An alarm on php_fpm_up matches its pool: it is remembered for the time when the page is away."""
    source = PhpFpmSource("http://user:secret@127.0.0.1:1/fpm-status?json")
    assert source.down() == [("php_fpm_up", 0.0, (("pool", "unknown"),))]
    assert "secret" not in source.name
    assert source.derive({"php_fpm_slow_requests": 2.0}, 10.0)[0].value == 2


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*json.loads(FPM), "other"]), json_values))
def test_no_document_raises(document: dict[str, object]) -> None:
    """Any JSON under the names of the page: readings of known metrics, or none."""
    found = read_status(json.dumps({"pool": "www"} | document).encode())
    assert found is None or {reading.name for reading in found[1].gauges} <= {metric.name for metric in METRICS}


@given(st.binary(), st.integers(0, len(FPM)), st.binary(max_size=4))
def test_no_bytes_raise(page: bytes, position: int, junk: bytes) -> None:
    """Any bytes, and the page with bytes in the wrong place: no error but ours."""
    read_status(page)
    read_status(FPM[:position] + junk + FPM[position:])
