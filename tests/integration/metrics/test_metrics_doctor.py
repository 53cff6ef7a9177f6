"""Doctor finds why a server tells no metrics, and each remedy, carried out as it stands, ends the finding."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from sandbox.servers.mariadb import MariaDb
from sandbox.servers.process import ServerError, open_directory, wait_until
from tests.integration.metrics.sick import listening, saying, silent
from tests.integration.metrics.web import Web, web_host
from vawsum_agent.config.model import (
    AgentConfig,
    ApacheConfig,
    Config,
    MetricsConfig,
    MysqlMetricsConfig,
    PhpFpmConfig,
)
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.metrics.doctor import access, checks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    """Run Apache and PHP-FPM."""
    try:
        with web_host() as host:
            yield host
    except (ServerError, FileNotFoundError) as error:
        pytest.skip(f"no web server: {error}")


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDb]:
    """Run a MariaDB."""
    with open_directory("vawsum-doctor-") as folder, contextlib.ExitStack() as stack:
        server = MariaDb(folder / "db")
        try:
            stack.enter_context(server)
        except (ServerError, FileNotFoundError) as error:
            pytest.skip(f"no MariaDB: {error}")
        server.execute("CREATE USER agent@localhost IDENTIFIED BY 'hunter2'")
        yield server


def of_mysql(state_dir: Path, option_file: Path) -> Config:
    """Ask MySQL alone."""
    mysql = MysqlMetricsConfig(defaults_file=str(option_file))
    return Config(agent=AgentConfig(state_dir=str(state_dir)), metrics=MetricsConfig(mysql=mysql))


def of_pages(apache: str | None, php_fpm: str | None = None) -> Config:
    """Ask the status pages alone."""
    return Config(
        metrics=MetricsConfig(
            apache=ApacheConfig(status_url=apache) if apache else None,
            php_fpm=PhpFpmConfig(status_url=php_fpm) if php_fpm else None,
        )
    )


def bad(config: Config) -> list[Finding]:
    """What is wrong; all of it has a remedy."""
    found = [finding for finding in access(config) if finding.severity is not Severity.OK]
    assert all(finding.remedy for finding in found)
    return found


def test_nothing_configured() -> None:
    """Without [metrics] doctor says so, and check-config --online asks nobody."""
    assert [finding.what for finding in checks(Config())] == ["not configured"]
    assert list(access(Config())) == []


def test_all_is_well(web: Web, server: MariaDb, tmp_path: Path) -> None:
    """Servers that answer are told with what they say, beside disks and process groups."""
    option_file = written(server, tmp_path)
    server.execute("GRANT SLAVE MONITOR ON *.* TO agent@localhost")
    pages, mysql = of_pages(web.apache_url, web.php_fpm_url).metrics, of_mysql(tmp_path, option_file).metrics
    assert pages is not None
    assert mysql is not None
    metrics = MetricsConfig(apache=pages.apache, php_fpm=pages.php_fpm, mysql=mysql.mysql)
    found = list(checks(Config(agent=AgentConfig(state_dir=str(tmp_path)), metrics=metrics)))
    assert {finding.severity for finding in found} == {Severity.OK}
    said = [finding.what for finding in found]
    assert "Apache answers: 1 of 64 workers busy" in said
    assert "PHP-FPM answers: 0 of 4 processes of pool www busy" in said
    assert any("lets in agent@localhost: 1 of 151 connections" in text for text in said)
    assert {"/", "process group apache"} <= {finding.where for finding in found}
    server.execute("REVOKE SLAVE MONITOR ON *.* FROM agent@localhost")


@pytest.mark.parametrize(
    ("path", "what", "remedy"),
    [
        ("/server-status", "is not the page of mod_status", "?auto"),
        ("/file.txt?auto", "is not the page of mod_status", "?auto"),
        ("/none.txt/?auto", "answered 404", "etc/apache2/vawsum-status.conf"),
    ],
)
def test_wrong_page(web: Web, path: str, what: str, remedy: str) -> None:
    """A page that is another, and one that is switched off, are told apart."""
    (web.apache.document_root / ".htaccess").write_text("")
    (found,) = bad(of_pages(f"http://127.0.0.1:{web.apache.port}{path}"))
    assert (found.severity, what in found.what, remedy in found.remedy) == (Severity.PROBLEM, True, True)


def test_page_that_tells_half() -> None:
    """With ExtendedStatus off the page answers and says too little; a value that makes no sense is told as well."""
    body = b"BusyWorkers: 1\nIdleWorkers: -9\nScoreboard: _W\n"
    with listening(saying(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)) as port:
        found = bad(of_pages(f"http://127.0.0.1:{port}/server-status?auto"))
    assert [finding.severity for finding in found] == [Severity.WARNING, Severity.WARNING]
    assert "ExtendedStatus On" in found[0].remedy
    assert found[1].what == "1 of its values make no sense and are left out"


def test_server_that_hangs() -> None:
    """A page that never comes is a problem within seconds, and doctor goes on with the next."""
    with listening(silent) as port:
        url = f"http://127.0.0.1:{port}/"
        began = time.monotonic()
        found = bad(of_pages(url + "server-status?auto", url + "fpm-status?json"))
        assert time.monotonic() - began < 11
    assert ["took longer than" in finding.what for finding in found] == [True, True]


def test_page_that_never_ends() -> None:
    """A page that goes on and on is told as that, at once and not when the time is over; its address is told once."""
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    with listening(saying(head, *[b"x" * 65536] * 64)) as port:
        (found,) = bad(of_pages(f"http://127.0.0.1:{port}/server-status?auto"))
    assert found.what == "Apache's status page is too large, or never ends: more than 256 KiB came"
    assert "status_url" in found.remedy


def written(server: MariaDb, folder: Path, *, mode: int = 0o600) -> Path:
    """Name the server and the agent's account."""
    path = folder / "mysql.cnf"
    path.touch(mode=0o600)
    path.write_text(f"[client]\nuser = agent\npassword = hunter2\nsocket = {server.socket}\n")
    path.chmod(mode)
    return path


def test_open_option_file(server: MariaDb, tmp_path: Path) -> None:
    """A file that others may read is refused; its remedy is the command that closes it."""
    config = of_mysql(tmp_path, written(server, tmp_path, mode=0o644))
    (found,) = bad(config)
    assert (found.severity, found.where) == (Severity.PROBLEM, str(tmp_path / "mysql.cnf"))
    subprocess.run(shlex.split(found.remedy), check=True)
    assert all(finding.where != found.where for finding in bad(config))


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file away needs root")
def test_option_file_of_somebody_else(server: MariaDb, tmp_path: Path) -> None:
    """Whoever owns the file can send the agent elsewhere: neither root nor the daemon's user is a warning."""
    path = written(server, tmp_path)
    os.chown(path, 33, 33)
    config = of_mysql(tmp_path, path)
    found = next(finding for finding in bad(config) if finding.where == str(path))
    assert found.severity is Severity.WARNING
    subprocess.run(shlex.split(found.remedy), check=True)
    assert all(finding.where != str(path) for finding in bad(config))


def test_missing_grant(server: MariaDb, tmp_path: Path) -> None:
    """What the account may not see is named by the GRANT that mends it."""
    config = of_mysql(tmp_path, written(server, tmp_path))
    (found,) = bad(config)
    assert found.severity is Severity.WARNING
    assert found.remedy == "GRANT SLAVE MONITOR ON *.* TO 'agent'@'localhost'"
    server.execute(found.remedy)
    assert bad(config) == []
    server.execute("REVOKE SLAVE MONITOR ON *.* FROM agent@localhost")


def test_replication_that_stands_still(server: MariaDb, tmp_path: Path) -> None:
    """A replica that does not run is a warning with what the server says of it, and the statement that starts it."""
    config = of_mysql(tmp_path, written(server, tmp_path))
    server.execute("GRANT SLAVE MONITOR ON *.* TO agent@localhost")
    server.execute("CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=1, MASTER_USER='copy'")
    try:
        (stopped,) = bad(config)
        assert stopped.severity is Severity.WARNING
        assert "replication from 127.0.0.1:1 does not run" in stopped.what
        assert "its IO thread says No, its SQL thread says No; the server tells no error" in stopped.what
        assert stopped.remedy == "START SLAVE"
        server.execute(stopped.remedy)
        assert wait_until(lambda: "error connecting to master" in str(bad(config)), 20)
        (failing,) = bad(config)
        assert failing.remedy == "mend what the server says, then: START SLAVE"
    finally:
        server.execute("STOP SLAVE; RESET SLAVE ALL")
        server.execute("REVOKE SLAVE MONITOR ON *.* FROM agent@localhost")


def test_refused_login(server: MariaDb, tmp_path: Path) -> None:
    """A wrong password is a problem, and is not repeated."""
    path = written(server, tmp_path)
    path.write_text(path.read_text().replace("hunter2", "hunter3"))
    (found,) = bad(of_mysql(tmp_path, path))
    assert (found.severity, found.where) == (Severity.PROBLEM, str(server.socket))
    assert "Access denied" in found.what
    assert "hunter3" not in str(found)
