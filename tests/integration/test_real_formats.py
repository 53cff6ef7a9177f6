"""The formats on what real Apache, PHP-FPM, MariaDB and rsyslog write, in zones with and without summer time."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from sandbox.servers.apache import LOG_FORMATS, Apache
from sandbox.servers.mariadb import MariaDb
from sandbox.servers.php_fpm import PhpFpm
from sandbox.servers.process import ServerError, open_directory, wait_until
from sandbox.servers.rsyslog import TEMPLATES, Rsyslog
from vawsum_agent.config.model import FormatName, LogSource
from vawsum_agent.logs.formats.match import match_rate
from vawsum_agent.logs.formats.registry import make_format

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WEB_ZONE = "Asia/Kolkata"
PHP_ZONE = "Europe/Berlin"
DB_ZONE = "America/New_York"

BOOM = r"""<?php
function deeper($secret) { throw new RuntimeException("first line\nsecond line"); }
function slow() { usleep(1500000); }
error_log('own message');
echo $undefined;
if (isset($_GET['slow'])) { slow(); }
deeper('x');
"""
RAW = "<?php fwrite(fopen('php://stderr', 'w'), \"PHP Fatal error:  x\\nStack trace:\\n#0 {main}\\n\"); echo 'ok';"
HOSTILE = "x [01/Jan/2001:00:00:00 +0000] "


@dataclass(frozen=True)
class Written:
    """Logs that servers wrote, and between which two moments."""

    logs: Path
    begun_s: float
    ended_s: float

    def entries(self, name: FormatName, file: str, zone: str = "UTC") -> list[bytes]:
        """Cut a log into its entries as the agent does, and see that each has its true time.

        The only entries that may have none are the banners of a slow log.
        """
        log_format = make_format(LogSource(name="x", paths=["/x"], format=name, timezone=zone))
        block = (self.logs / file).read_bytes()
        lines = block.splitlines(keepends=True)
        matched, total, example = match_rate(log_format, lines)
        assert matched == total > 0, example
        entries = lines
        if log_format.start is not None:
            starts = [found.start() for found in log_format.start.finditer(block)]
            entries = [block[begin:end] for begin, end in zip(starts, [*starts[1:], len(block)], strict=True)]
        texts = [log_format.time_text(entry) for entry in entries]
        if log_format.times is not None:
            assert log_format.times.findall(block) == texts
        for entry, text in zip(entries, texts, strict=True):
            if text is None:
                assert name == "mysql-slow", entry
                assert b"started with:" in entry
                continue
            time_ms = log_format.time_ms(text, None, self.ended_s)
            assert time_ms is not None, entry
            # Stamps are cut to the second, never rounded up.
            assert self.begun_s - 1 <= time_ms / 1000 <= self.ended_s + 0.1, entry
        return entries


@pytest.fixture(scope="module")
def web() -> Iterator[Written]:
    """Apache before PHP-FPM, with hostile requests, an exception and a slow script."""
    with open_directory("formats-web-") as directory:
        logs, begun_s = directory / "log", time.time()
        fpm = PhpFpm(
            directory / "fpm", settings={"date.timezone": PHP_ZONE}, is_catching_output=True, log_directory=logs
        )
        access_logs = {f"{name}.log": name for name in LOG_FORMATS}
        apache = Apache(directory / "apache", access_logs=access_logs, php_socket=fpm.socket, log_directory=logs)
        fpm.variables["TZ"] = apache.variables["TZ"] = WEB_ZONE
        with fpm, apache:
            (apache.document_root / "boom.php").write_text(BOOM)
            (apache.document_root / "raw.php").write_text(RAW)
            assert apache.get("/raw.php") == (200, b"ok")
            assert apache.get("/boom.php")[0] == 500
            assert apache.get("/boom.php?slow=1")[0] == 500
            hostile = {"User-Agent": HOSTILE, "Referer": HOSTILE + '"', "X-Forwarded-For": HOSTILE}
            assert apache.get("/none/[01/Jan/2001:00:00:00%20+0000]", headers=hostile)[0] == 404
            apache.reopen_logs()
            assert wait_until(lambda: apache.error_log.read_bytes().count(b"resuming") == 2, 10.0)
            assert wait_until(lambda: b"boom.php:3" in fpm.slow_log.read_bytes(), 10.0)
        yield Written(logs, begun_s, time.time())


def _deadlock(server: MariaDb) -> None:
    """Let two transactions wait for each other's row; the server ends one of them."""
    update = "UPDATE x.t SET b = b + 1 WHERE a = %d;"
    both = [
        f"BEGIN; {update % first} SELECT SLEEP(0.7); {update % second} COMMIT" for first, second in ((1, 2), (2, 1))
    ]
    with ThreadPoolExecutor(2) as pool:
        failures = [work.exception() for work in [pool.submit(server.execute, sql) for sql in both]]
    assert [failure is None for failure in failures].count(True) == 1
    assert any("1213" in str(failure) for failure in failures)


@pytest.fixture(scope="module")
def database() -> Iterator[Written]:
    """MariaDB with every statement in its slow log, a deadlock with all that InnoDB prints of it, and a restart."""
    with open_directory("formats-db-") as directory:
        begun_s = time.time()
        server = MariaDb(directory / "db", options=["innodb_print_all_deadlocks = ON"])
        server.variables["TZ"] = DB_ZONE
        with server:
            server.execute("CREATE DATABASE x; CREATE TABLE x.t (a INT PRIMARY KEY, b INT) ENGINE = InnoDB")
            server.execute("USE x; INSERT INTO t VALUES (1, 0), (2, 0);\nSELECT *\n\nFROM t; SELECT SLEEP(1.1)")
            with pytest.raises(ServerError, match="1045"):
                server.execute("SELECT 1", user="nobody")
            _deadlock(server)
        with server:
            server.flush_logs()
        yield Written(server.log_directory, begun_s, time.time())


@pytest.mark.parametrize("name", LOG_FORMATS)
def test_apache_access(web: Written, name: str) -> None:
    """Every request is an entry with its own time, whatever stamps the client puts into it."""
    entries = web.entries("apache-access", f"{name}.log")
    assert len(entries) == 4
    # Written when a request has ended, by several processes: the order is nobody's promise.
    for target in (b"/raw.php", b"/none/[01/Jan/2001"):
        assert sum(target in entry for entry in entries) == 1


def test_apache_error(web: Written) -> None:
    """Every entry is recognised, its local time read by the source's zone; a graceful restart leaves its own."""
    entries = web.entries("apache-error", "error.log", WEB_ZONE)
    assert sum(b"resuming normal operations" in entry for entry in entries) == 2
    assert sum(b"File does not exist" in entry for entry in entries) == 1


def test_php_error(web: Written) -> None:
    """An uncaught exception with a message of two lines and its stack trace is one entry, in PHP's own zone."""
    entries = web.entries("php-error", "php-error.log", "Pacific/Auckland")
    assert len(entries) == 6
    assert [b"own message" in entry for entry in entries] == [True, False, False] * 2
    assert entries[2].splitlines()[1].startswith(b"second line in ")
    assert entries[2].splitlines()[-1].startswith(b"  thrown in ")
    assert all(PHP_ZONE.encode() + b"]" in entry for entry in entries)


def test_php_fpm(web: Written) -> None:
    """Notices and what workers printed are entries; a trace that workers printed line by line is one."""
    entries = web.entries("php-fpm", "php-fpm.log", WEB_ZONE)
    printed = [entry for entry in entries if b"said into stderr" in entry]
    assert [entry.count(b"\n") for entry in printed] == [3]
    assert any(b"ready to handle connections" in entry for entry in entries)


def test_php_fpm_slow(web: Written) -> None:
    """A slow request is one entry, with its stack."""
    (entry,) = web.entries("php-fpm-slow", "php-fpm-slow.log", WEB_ZONE)
    assert b"script_filename = " in entry
    assert b"slow() " in entry


def test_mysql_error(database: Written) -> None:
    """MariaDB's local times are read by the source's zone; a deadlock's description belongs to its entry."""
    entries = database.entries("mysql-error", "error.log", DB_ZONE)
    deadlock = [entry for entry in entries if b"*** (1) TRANSACTION:" in entry]
    assert deadlock
    assert all(b" [Note] InnoDB: " in entry.splitlines()[0] for entry in deadlock)
    ready = [entry for entry in entries if b"ready for connections" in entry]
    assert [b"\nVersion: '" in entry for entry in ready] == [True, True]


def test_mysql_slow(database: Written) -> None:
    """Each statement is an entry, with or without a ``# Time:`` line; so is the banner of each start."""
    entries = database.entries("mysql-slow", "slow.log", "UTC")  # the zone plays no part: SET timestamp is enough
    assert all(entry.startswith((b"# Time: ", b"# User@Host: ", b"/")) for entry in entries)
    assert any(entry.startswith(b"# User@Host: ") for entry in entries)
    for statement in (b"CREATE DATABASE x;\n", b"SELECT *\n\nFROM t;\n", b"SELECT SLEEP(1.1);\n"):
        assert sum(entry.endswith(statement) for entry in entries) == 1
    assert sum(b"started with:" in entry for entry in entries) >= 2


def test_syslog() -> None:
    """The three file formats of rsyslog: without a year, ISO 8601, RFC 5424."""
    with open_directory("formats-syslog-") as directory:
        begun_s = time.time()
        server = Rsyslog(directory / "rsyslog")
        server.variables["TZ"] = PHP_ZONE
        with server:
            for number in range(3):
                server.log(f"message {number}")
            last = server.log_directory / list(TEMPLATES)[-1]
            assert wait_until(lambda: last.exists() and b"message 2" in last.read_bytes(), 10.0)
        written = Written(server.log_directory, begun_s, time.time())
        for file in TEMPLATES:
            assert len(written.entries("syslog", file, PHP_ZONE)) == 3
