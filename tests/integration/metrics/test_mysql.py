"""A real MariaDB, asked by an account that may see no more than it has to."""

from __future__ import annotations

import contextlib
import re
import signal
import time
from typing import TYPE_CHECKING

import pytest

from sandbox.aws.certificate import make_certificate
from sandbox.servers.mariadb import MariaDb
from sandbox.servers.process import ServerError, open_directory, wait_until
from vawsum_agent.core.errors import AgentError
from vawsum_agent.metrics.sample.increases import increases
from vawsum_agent.metrics.servers import MysqlSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vawsum_agent.core.metric import Collected

PASSWORD = "hunter2 # 'quoted'"
SHOP = "CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY, v INT); INSERT INTO shop.t VALUES (1, 1)"
OF_REPLICAS = {"mysql_replication_running", "mysql_replication_lag_seconds"}


READING = re.compile(
    r"SET NAMES utf8mb4|SET AUTOCOMMIT = 1|SET SESSION TRANSACTION READ ONLY|"
    r"SELECT VERSION\(\) .*|SHOW GLOBAL STATUS .*|SHOW ALL SLAVES STATUS"
)


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDb]:
    """Run a MariaDB that logs every statement, with an account for the agent that has no grant at all."""
    with open_directory("vawsum-mysql-") as folder, contextlib.ExitStack() as stack:
        options = ["general_log = ON", f"general_log_file = {folder}/general.log", "server_id = 1", "log_bin = binlog"]
        certificate = make_certificate(folder)
        options += [f"ssl_cert = {certificate.chain}", f"ssl_key = {certificate.key}"]
        server = MariaDb(folder / "one", options=options)
        try:
            stack.enter_context(server)
        except (ServerError, FileNotFoundError) as error:
            pytest.skip(f"no MariaDB: {error}")
        quoted = PASSWORD.replace("'", "''")
        server.execute(f"CREATE USER agent@localhost IDENTIFIED BY '{quoted}'")
        server.execute(SHOP)
        yield server


def option_file(server: MariaDb, *, password: str = PASSWORD, name: str = "agent.cnf") -> str:
    """Name the server and the agent's account."""
    path = server.directory / name
    path.touch(mode=0o600)
    path.write_text(f'[client]\nuser = agent\npassword = "{password}"\nsocket = {server.socket}\n')
    return str(path)


@pytest.fixture
def source(server: MariaDb) -> Iterator[MysqlSource]:
    """Look as the agent does."""
    source = MysqlSource(option_file(server))
    yield source
    source.close()


def gauges(collected: Collected) -> dict[str, float]:
    """The gauges by name."""
    return {reading.name: reading.value for reading in collected.gauges}


def derived(source: MysqlSource, before: Collected, after: Collected) -> dict[str, float]:
    """What counters came to between two looks, as a round works it out."""
    added = increases(before.counters, after.counters, source.wraps_at)
    return {reading.name: reading.value for reading in source.derive(added, 10.0)}


def test_values_move_with_traffic(server: MariaDb, source: MysqlSource) -> None:
    """Statements, slow ones, lock waits and refused logins show as what was added; every metric has a value."""
    before = source.collect()
    for _ in range(20):
        server.execute("SELECT * FROM shop.t")
    wrong = MysqlSource(option_file(server, password="wrong", name="wrong.cnf"))
    with pytest.raises(AgentError):
        wrong.collect()
    wait_for_a_lock(server)
    after = source.collect()
    moved = derived(source, before, after)
    assert 20 <= moved["mysql_queries"] <= 80
    assert moved["mysql_slow_queries"] >= 20  # long_query_time is 0
    assert moved["mysql_row_lock_waits"] == 1
    assert 500 <= moved["mysql_row_lock_time"] < 20_000
    assert moved["mysql_aborted_connects"] == 1
    assert 0 <= moved["mysql_buffer_pool_hit_percent"] <= 100
    values = gauges(after)
    assert values.keys() | moved.keys() == {metric.name for metric in source.metrics} - OF_REPLICAS
    assert (values["mysql_connections"], values["mysql_connections_limit"], values["mysql_up"]) == (1, 151, 1)
    assert values["mysql_connections_used_percent"] == pytest.approx(100 / 151)
    assert after.left_out == 0


def wait_for_a_lock(server: MariaDb) -> None:
    """Wait a second in vain for a row that another session holds."""
    holder = "START TRANSACTION; UPDATE shop.t SET v = 2; SELECT SLEEP(3); ROLLBACK"
    event = f"SET GLOBAL event_scheduler = ON; CREATE EVENT shop.hold ON SCHEDULE AT NOW() DO BEGIN {holder}; END"
    server.execute(f"DELIMITER //\n{event} //")
    assert wait_until(
        lambda: (
            "SLEEP" in server.execute("SELECT INFO FROM information_schema.processlist WHERE INFO LIKE 'SELECT SLEEP%'")
        ),
        5,
    )
    with pytest.raises(ServerError, match="Lock wait timeout"):
        server.execute("SET innodb_lock_wait_timeout = 1; UPDATE shop.t SET v = 3")


def test_asks_and_changes_nothing(server: MariaDb, source: MysqlSource) -> None:
    """All that the agent ever sends is in the server's log of statements: it reads, over one connection, read only."""
    log = server.directory.parent / "general.log"
    already = log.stat().st_size
    for _ in range(5):
        source.collect()
    source.close()
    with log.open("rb") as file:
        file.seek(already)
        lines = [line.split("\t")[-1] for line in file.read().decode().splitlines()]
    assert sum(line.startswith("agent@localhost") for line in lines) == 1
    sent = [line for line in lines if not line.startswith("agent@localhost") and line]
    assert [line for line in sent if not READING.fullmatch(line)] == []
    assert sum(line.startswith("SHOW GLOBAL STATUS") for line in sent) == 5


def test_missing_grant_is_remembered(server: MariaDb, source: MysqlSource) -> None:
    """Without SLAVE MONITOR replication is left out, asked for once, and no error; with it, all is seen."""
    source.collect()
    assert (source.missing_privilege, source.account) == ("SLAVE MONITOR", "agent@localhost")
    assert "MariaDB" in source.version
    server.execute("GRANT SLAVE MONITOR ON *.* TO agent@localhost")
    try:
        for _ in range(60):  # a grant counts from the next login on, which comes by itself
            source.collect()
        assert source.missing_privilege == ""
    finally:
        server.execute("REVOKE SLAVE MONITOR ON *.* FROM agent@localhost")


def test_closed_connection_is_replaced(server: MariaDb, source: MysqlSource) -> None:
    """A connection that the server closed between two looks is replaced without an error."""
    source.collect()
    number = server.execute("SELECT id FROM information_schema.processlist WHERE user = 'agent'")
    server.execute(f"KILL {number}")
    assert gauges(source.collect())["mysql_up"] == 1


def test_refused_login_says_what_to_do(server: MariaDb) -> None:
    """A wrong password is told with the file to mend, and without the password."""
    path = option_file(server, password="hunter3", name="wrong.cnf")
    with pytest.raises(AgentError, match="Access denied for user 'agent'@'localhost'") as caught:
        MysqlSource(path).collect()
    assert path in caught.value.hint
    assert "hunter3" not in str(caught.value)


def test_no_connection_left(server: MariaDb) -> None:
    """At max_connections a new login is told so; a connection that is held goes on looking."""
    held, late = MysqlSource(option_file(server)), MysqlSource(option_file(server))
    before = held.collect()
    server.execute("SET GLOBAL max_connections = 10")
    crowd = [MysqlSource(option_file(server)) for _ in range(9)]
    try:
        for one in crowd:
            one.collect()
        with pytest.raises(AgentError, match="Too many connections") as caught:
            late.collect()
        assert "max_connections" in caught.value.hint
        after = held.collect()
        assert gauges(after)["mysql_connections_used_percent"] == 100
        assert derived(held, before, after)["mysql_aborted_connects"] == 1
    finally:
        for one in (*crowd, held):
            one.close()
        server.execute("SET GLOBAL max_connections = 151")


def test_frozen_server_fails_in_time(server: MariaDb) -> None:
    """A server that is stopped accepts and never answers: an error within the limit, new or kept connection alike."""
    source = MysqlSource(option_file(server), limit_s=1.0)
    source.collect()
    server.signal(signal.SIGSTOP)
    try:
        for _ in range(2):
            began = time.monotonic()
            with pytest.raises(AgentError, match=r"did not answer within 0\.5 s"):
                source.collect()
            assert time.monotonic() - began < source.limit_s
    finally:
        server.signal(signal.SIGCONT)
    assert wait_until(lambda: is_up(source), 10)
    source.close()


def is_up(source: MysqlSource) -> bool:
    """Whether a look succeeds."""
    try:
        return gauges(source.collect())["mysql_up"] == 1
    except AgentError:
        return False


def test_killed_is_down_and_restarted_begins_anew(server: MariaDb, source: MysqlSource) -> None:
    """Killed with -9 it is down; restarted it is up at once, and counts from nothing."""
    for _ in range(50):
        server.execute("SELECT 1")
    before = source.collect()
    server.signal(signal.SIGKILL)
    server.stop()
    with pytest.raises(AgentError) as caught:
        source.collect()
    assert str(server.socket) in caught.value.message
    assert "is MySQL running?" in caught.value.hint
    assert source.down() == [("mysql_up", 0.0, ())]
    server.start()
    server.execute("SELECT 1")
    after = source.collect()
    assert gauges(after)["mysql_uptime"] < 30
    assert 1 <= derived(source, before, after)["mysql_queries"] <= 20


@pytest.mark.parametrize("trust", ["", "ssl-ca = {authority}"], ids=["unasked", "verified"])
def test_over_tcp_with_tls(server: MariaDb, trust: str) -> None:
    """Over TCP the login is by TLS wherever the server has it, and a frozen server is hung up on through it too."""
    server.execute("CREATE OR REPLACE USER secure@localhost IDENTIFIED BY 'x' REQUIRE SSL")
    path = server.directory / "tcp.cnf"
    path.touch(mode=0o600)
    lines = ["[client]", "user = secure", "password = x", "host = localhost", f"port = {server.port}"]
    path.write_text("\n".join([*lines, trust.format(authority=server.directory.parent / "ca.pem"), ""]))
    source = MysqlSource(str(path), limit_s=1.0)
    assert gauges(source.collect())["mysql_up"] == 1
    server.signal(signal.SIGSTOP)
    try:
        with pytest.raises(AgentError, match=r"did not answer within 0\.5 s"):
            source.collect()
    finally:
        server.signal(signal.SIGCONT)
    source.close()


def test_certificate_of_somebody_else(server: MariaDb, tmp_path: Path) -> None:
    """Where the file names an authority, a server without its certificate gets no password."""
    other = make_certificate(tmp_path).authority
    path = server.directory / "tcp.cnf"
    path.touch(mode=0o600)
    path.write_text(f"[client]\nuser = agent\nhost = localhost\nport = {server.port}\nssl-ca = {other}\n")
    with pytest.raises(AgentError, match="CERTIFICATE_VERIFY_FAILED"):
        MysqlSource(str(path)).collect()


def test_replica_tells_of_its_channels(server: MariaDb) -> None:
    """A replica with two sources: it runs when both channels do, is behind by the worst, stands still with either."""
    with open_directory("vawsum-replica-") as folder, contextlib.ExitStack() as stack:
        other = stack.enter_context(MariaDb(folder / "other", options=["server_id = 2", "log_bin = binlog"]))
        replica = stack.enter_context(MariaDb(folder / "replica", options=["server_id = 3"]))
        replica.execute(f"{SHOP}; CREATE USER agent@localhost; GRANT SLAVE MONITOR ON *.* TO agent@localhost")
        source = MysqlSource(option_file(replica, password=""))
        stack.callback(source.close)
        assert not OF_REPLICAS & gauges(source.collect()).keys()
        follow(replica, "slow", server, "MASTER_DELAY=4")
        follow(replica, "quick", other, "MASTER_DELAY=0")
        assert wait_until(lambda: gauges(source.collect())["mysql_replication_running"] == 1, 10)
        server.execute("UPDATE shop.t SET v = v + 1")
        assert wait_until(lambda: gauges(source.collect()).get("mysql_replication_lag_seconds", 0) >= 2, 10)
        replica.execute("STOP SLAVE 'quick' SQL_THREAD")
        stopped = gauges(source.collect())
        assert (stopped["mysql_replication_running"], stopped["mysql_up"]) == (0, 1)


def follow(replica: MariaDb, channel: str, server: MariaDb, more: str) -> None:
    """Replicate from where a server is now."""
    server.execute("CREATE USER copy@'127.0.0.1'; GRANT REPLICATION SLAVE ON *.* TO copy@'127.0.0.1'")
    file, position, *_ = server.execute("SHOW MASTER STATUS").split("\t")
    where = f"MASTER_HOST='127.0.0.1', MASTER_PORT={server.port}, MASTER_USER='copy'"
    at = f"MASTER_LOG_FILE='{file}', MASTER_LOG_POS={position}"
    replica.execute(f"CHANGE MASTER '{channel}' TO {where}, {at}, {more}; START SLAVE '{channel}'")
