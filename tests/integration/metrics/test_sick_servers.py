"""Servers that hang, drip or talk nonsense: an error of ours, in time, and nothing else."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.counts import count
from tests.integration.metrics.sick import dripping, listening, saying, silent
from vawsum_agent.core.errors import AgentError
from vawsum_agent.metrics.servers import ApacheSource, MysqlSource, PhpFpmSource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vawsum_agent.core.metric import MetricSource

LIMIT_S = 1.0
SLACK_S = 5.0
OK = b"HTTP/1.1 200 OK\r\n"
GREETING = b"J\x00\x00\x00\x0a8.0.36\x00"
"""How MySQL's first packet begins: its length, its number, the protocol's version, the server's."""


def option_file(folder: Path, port: int) -> str:
    """Name a server on a port."""
    path = folder / "mysql.cnf"
    path.touch(mode=0o600)
    path.write_text(f"[client]\nuser = agent\npassword = hunter2hunter2\nhost = 127.0.0.1\nport = {port}\n")
    return str(path)


def apache(folder: Path, port: int) -> ApacheSource:
    """Apache on a port."""
    del folder
    return ApacheSource(f"http://127.0.0.1:{port}/server-status?auto", limit_s=LIMIT_S)


def php_fpm(folder: Path, port: int) -> PhpFpmSource:
    """PHP-FPM behind a port."""
    del folder
    return PhpFpmSource(f"http://127.0.0.1:{port}/fpm-status?json", limit_s=LIMIT_S)


def mysql(folder: Path, port: int) -> MysqlSource:
    """MySQL on a port."""
    return MysqlSource(option_file(folder, port), limit_s=LIMIT_S)


SOURCES = pytest.mark.parametrize("make", [apache, php_fpm, mysql])
PAGES = pytest.mark.parametrize("make", [apache, php_fpm])


def failure(source: MetricSource) -> AgentError:
    """Look, and see that it fails within the limit."""
    began = time.monotonic()
    with pytest.raises(AgentError) as caught:
        source.collect()
    assert time.monotonic() - began <= source.limit_s + SLACK_S
    assert caught.value.hint
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value


@SOURCES
def test_accepts_and_never_answers(make: Callable[[Path, int], MetricSource], tmp_path: Path) -> None:
    """A server that takes the connection and says nothing fails within the limit, again in each round, and is down."""
    with listening(silent) as port:
        source = make(tmp_path, port)
        for message in (failure(source).message, failure(source).message):
            assert re.search(r"took longer than 0.5 s|did not answer within 0.5 s", message)
    assert [reading.value for reading in source.down()] == [0.0]


@PAGES
@pytest.mark.parametrize(
    ("head", "drip"),
    [
        (b"", b"H"),
        (OK, b"x-filler: 1\r\n"),
        (OK + b"\r\n", b"a"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    ],
    ids=["status line", "headers", "body", "chunks"],
)
def test_page_that_takes_a_minute(
    make: Callable[[Path, int], MetricSource], head: bytes, drip: bytes, tmp_path: Path
) -> None:
    """A page that is never silent and takes 60 s is cut off at the limit, whichever part of it drips."""
    with listening(dripping(head, drip)) as port:
        assert "longer than 0.5 s" in failure(make(tmp_path, port)).message


def test_mysql_that_drips(tmp_path: Path) -> None:
    """A greeting that drips in is cut off at the limit as well, though each byte of it comes in time."""
    with listening(dripping(GREETING[:4], b"x")) as port:
        assert "did not answer within 0.5 s" in failure(mysql(tmp_path, port)).message


@PAGES
@pytest.mark.parametrize("length", [b"", b"Content-Length: 99999999999999\r\n"])
def test_endless_page(make: Callable[[Path, int], MetricSource], length: bytes, tmp_path: Path) -> None:
    """A page without end is not taken into memory."""
    with listening(saying(OK + length + b"\r\n", *[b"x" * 65536] * 64)) as port:
        failure(make(tmp_path, port))


@PAGES
@pytest.mark.parametrize(
    ("answer", "told", "hint"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "302", "redirect"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "403", "etc/apache2/vawsum-status.conf"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "404", "etc/apache2/vawsum-status.conf"),
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "503", "running?"),
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", "500", "error log"),
        (OK + b"Content-Length: 20\r\n\r\n<html>Welcome</html>", "is not the page", "status_url has to end with ?"),
        (OK + b"Content-Length: 900\r\n\r\n{}", "HTTP", "status_url"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "HTTP", "status_url"),
        (b"", "HTTP", "status_url"),
    ],
)
def test_answers_that_are_no_page(
    make: Callable[[Path, int], MetricSource], answer: bytes, told: str, hint: str, tmp_path: Path
) -> None:
    """Each answer that is not the page says what it was, and what to do about it; a redirect is not followed."""
    with listening(saying(answer)) as port:
        error = failure(make(tmp_path, port))
    assert told in error.message
    assert hint in error.hint


@SOURCES
def test_nobody_listens(make: Callable[[Path, int], MetricSource], tmp_path: Path) -> None:
    """A server that is not running says so, with its address."""
    with listening(silent) as port:
        pass
    error = failure(make(tmp_path, port))
    assert f"127.0.0.1:{port}" in error.message
    assert "running" in error.hint


@SOURCES
@settings(max_examples=count(40, 1000), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    answer=st.lists(
        st.one_of(
            st.binary(max_size=80),
            st.sampled_from(
                [OK, b"\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"-1\r\n", GREETING]
            ),
        ),
        max_size=5,
    ).map(b"".join)
)
def test_any_answer(make: Callable[[Path, int], MetricSource], answer: bytes, tmp_path: Path) -> None:
    """Whatever bytes a server says: our error, in time."""
    with listening(saying(answer)) as port:
        failure(make(tmp_path, port))
