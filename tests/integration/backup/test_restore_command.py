"""`backup restore` from end to end, on a database host whose backups lie in the sandbox's S3."""

from __future__ import annotations

import json
import signal
import threading
from typing import TYPE_CHECKING

import pytest
import zstandard

from sandbox.servers.mariadb import MariaDb
from sandbox.servers.process import open_directory
from tests.integration.backup.hosts import PREFIX, SERVER, DatabaseHost
from tests.integration.backup.restores import OPTIONS, emptied, log_of, text_of, wait_for
from vawsum_agent.backup.names import DUMP, BackupName

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Sandbox

SHOP = """
CREATE DATABASE shop CHARACTER SET utf8mb4; USE shop;
CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, customer INT, note TEXT, KEY (customer), KEY (note(20)));
INSERT INTO orders (customer, note) SELECT seq % 977, CONCAT(MD5(seq), REPEAT(SHA1(seq + 1), 12)) FROM seq_1_to_60000;
CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(50));
INSERT INTO customers SELECT seq, MD5(seq) FROM seq_1_to_2000;
CREATE TABLE prices (id INT PRIMARY KEY, price DECIMAL(10,2)); INSERT INTO prices SELECT seq, seq / 7 FROM seq_1_to_500;
CREATE VIEW cheap AS SELECT * FROM prices WHERE price < 10;
CREATE EVENT often ON SCHEDULE EVERY 1 SECOND DO DELETE FROM shop.prices LIMIT 1;
"""


@pytest.fixture(scope="module")
def shop() -> Iterator[MariaDb]:
    """A server with a shop in it."""
    with open_directory("shop-") as directory, MariaDb(directory, options=OPTIONS) as server:
        server.execute(SHOP)
        yield server


@pytest.fixture
def origin(shop: MariaDb) -> MariaDb:
    """Whose backups these are."""
    return shop


@pytest.fixture(scope="module")
def other() -> Iterator[MariaDb]:
    """Another server, which runs events."""
    options = [*OPTIONS, "event_scheduler = ON"]
    with open_directory("other-") as directory, MariaDb(directory, options=options) as server:
        yield server


@pytest.fixture
def target(other: MariaDb) -> MariaDb:
    """It, empty."""
    emptied(other)
    return other


@pytest.fixture
def host(shop: MariaDb, sandbox: Sandbox, tmp_path: Path) -> DatabaseHost:
    """The shop's database host, with a backup."""
    host = DatabaseHost(tmp_path / "host", sandbox, shop.option_file)
    host.backed_up("--no-verify")
    return host


def _is_loading(host: DatabaseHost, least_bytes: int = 1) -> bool:
    running = host.journal.running()
    return running is not None and running.phase == "tables" and running.done_bytes >= least_bytes


def _small_tables_are_done(host: DatabaseHost) -> bool:
    notes = list(host.journal.folder.glob("restore-*.json"))
    return bool(notes) and notes[0].read_text().count('["table"') >= 2


def test_whole(host: DatabaseHost, shop: MariaDb, target: MariaDb) -> None:
    """A whole backup arrives, is counted before events change it, and what was written to is said."""
    ended = host.run("backup", "restore", "--into", str(target.option_file), "--json")
    assert ended.code == 0, ended.error
    told = ended.document
    assert (told["is_same"], told["differences"]) == (True, [])
    rows = {row["table"]: (row["rows"], row["expected_rows"]) for row in told["tables"]}
    assert rows == {"orders": (60000, 60000), "customers": (2000, 2000), "prices": (500, 500)}
    assert str(target.socket) in ended.error
    target.execute("DROP EVENT shop.often; DELETE FROM shop.prices; INSERT INTO shop.prices SELECT 1, 2")
    assert target.execute("CHECKSUM TABLE shop.orders") == shop.execute("CHECKSUM TABLE shop.orders")


def test_the_report_for_people(host: DatabaseHost, target: MariaDb) -> None:
    """It names each table with its rows, the size and the time."""
    ended = host.run("backup", "restore", "--database", "shop", "--into", str(target.option_file))
    assert ended.code == 0, ended.error
    assert "shop.orders" in ended.out
    assert "62,500 rows counted" in ended.out
    assert "/s)" in ended.out


def test_one_table_over_a_broken_one(host: DatabaseHost, shop: MariaDb, target: MariaDb) -> None:
    """A dropped table comes back alone; where it is still there, it takes --force."""
    into = ("--into", str(target.option_file))
    assert host.run("backup", "restore", "--table", "shop.orders", *into).code == 0
    target.execute("DELETE FROM shop.orders WHERE id > 10")
    refused = host.run("backup", "restore", "--table", "shop.orders", *into)
    assert refused.code == 1
    assert "shop.orders" in refused.error
    assert "--force" in refused.error
    forced = host.run("backup", "restore", "--table", "shop.orders", "--force", *into)
    assert forced.code == 0, forced.error
    assert target.execute("CHECKSUM TABLE shop.orders") == shop.execute("CHECKSUM TABLE shop.orders")


def test_stdout(host: DatabaseHost) -> None:
    """--stdout prints the dump, byte for byte; a reader that leaves early is no failure worth a word."""
    (backup_id,) = host.ids()
    ended = host.run("backup", "restore", "--stdout")
    assert ended.code == 0, ended.error
    key = BackupName(SERVER, backup_id).key(PREFIX, DUMP)
    head = host.bucket().head(key)
    assert head is not None
    compressed = b"".join(host.bucket().read_range(key, 0, head.size_bytes))
    reader = zstandard.ZstdDecompressor().stream_reader(compressed, read_across_frames=True)
    assert ended.out == reader.read().decode()
    with host.start("backup", "restore", "--stdout") as process:
        assert process.stdout is not None
        process.stdout.read(100)
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_killed_and_resumed(host: DatabaseHost, shop: MariaDb, target: MariaDb) -> None:
    """After kill -9 amid a table the same command says that there is one to resume, and --resume does what is left;
    until then that server is not backed up.
    """  # noqa: D205 - one sentence
    into = ("--into", str(target.option_file), "--database", "shop")
    with host.start("backup", "restore", *into) as process:
        wait_for(lambda: _small_tables_are_done(host))
        process.kill()
    again = host.run("backup", "restore", *into)
    assert again.code == 1
    assert "--resume" in again.error
    host.configure(option_file=target.option_file)
    refused = host.run("backup", "run")
    assert (refused.code, "a restore into this server is unfinished" in refused.error) == (1, True), refused.error
    assert len(host.ids()) == 1
    host.configure()
    target.execute("SET GLOBAL general_log = ON")
    resumed = host.run("backup", "restore", *into, "--resume", "--json")
    target.execute("SET GLOBAL general_log = OFF")
    assert resumed.code == 0, resumed.error
    assert "going on: 2 of 3 tables are done" in resumed.error
    log = log_of(target)
    assert "CREATE TABLE `orders`" in log
    assert "CREATE TABLE `customers`" not in log
    target.execute("DROP EVENT shop.often")
    assert target.execute("CHECKSUM TABLE shop.orders") == shop.execute("CHECKSUM TABLE shop.orders")
    assert list(host.journal.folder.glob("restore-*.json")) == []


def test_resumed_after_a_newer_backup(host: DatabaseHost, target: MariaDb) -> None:
    """--resume alone means the restore that was broken off, whatever was published since; another one it is not."""
    into = ("--into", str(target.option_file), "--database", "shop")
    with host.start("backup", "restore", *into) as process:
        wait_for(lambda: _small_tables_are_done(host))
        process.kill()
    host.backed_up("--no-verify")
    first, _ = host.ids()
    other = host.run("backup", "restore", "--into", str(target.option_file), "--resume")
    assert (other.code, "there is no restore of everything" in other.error) == (1, True)
    resumed = host.run("backup", "restore", *into, "--resume", "--json")
    assert resumed.code == 0, resumed.error
    assert "going on: 2 of 3 tables are done" in resumed.error
    assert resumed.document["backup_id"] == first


def test_interrupted(host: DatabaseHost, target: MariaDb) -> None:
    """Ctrl-C ends it in order: what is done is said, no client is left, and the lock is free."""
    with host.start("backup", "restore", "--into", str(target.option_file), "--database", "shop") as process:
        wait_for(lambda: _small_tables_are_done(host))
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "2 of 3 tables are done" in error
    assert "--resume" in error
    assert not host.journal.is_locked()
    wait_for(lambda: "LOCK TABLES" not in target.execute("SHOW PROCESSLIST"))
    last = host.journal.outcomes()[-1]
    assert (last.kind, last.is_ok) == ("restore", False)


def test_the_server_restarts_meanwhile(host: DatabaseHost, shop: MariaDb) -> None:
    """A server that is killed amid a table and comes back gets the table again, from its beginning."""
    with open_directory("restarts-") as directory, MariaDb(directory, options=OPTIONS) as server:
        with host.start(
            "backup", "restore", "--into", str(server.option_file), "--database", "shop", "--json"
        ) as process:
            drained: list[str] = []
            reader = threading.Thread(target=lambda: drained.extend(process.communicate(timeout=110)))
            reader.start()
            wait_for(lambda: _small_tables_are_done(host))
            server.signal(signal.SIGKILL)
            server.stop()
            server.start()
            reader.join()
        assert process.returncode == 0, drained
        assert text_of(server, "shop") == text_of(shop, "shop")


def test_s3_fails_again_and_again(host: DatabaseHost, sandbox: Sandbox, shop: MariaDb, target: MariaDb) -> None:
    """503s and connections that break amid a body are gone on with; what arrives is right."""
    sandbox.fault("unavailable", operation="s3:GetObject", rate=0.3)
    sandbox.fault("cut", operation="s3:GetObject", rate=0.3, count=20)
    ended = host.run("backup", "restore", "--table", "shop.orders", "--into", str(target.option_file))
    assert ended.code == 0, ended.error
    assert target.execute("CHECKSUM TABLE shop.orders") == shop.execute("CHECKSUM TABLE shop.orders")


WRONG_USES = [
    (("--backup", "20200101T000000Z"), 1, ("no backup 20200101T000000Z", "the nearest is", "backup list")),
    (("--backup", "yesterday"), 64, ("no backup ID",)),
    (("--server", "none"), 1, ("no backup of none", SERVER)),
    (("--table", "shop.order"), 64, ("no table shop.order", "shop.orders")),
    (("--table", "orders"), 64, ("no table orders", "shop.orders")),
    (("--table", "shop.cheap"), 64, ("it is a view", "--database shop")),
    (("--database", "shopp"), 64, ("no database shopp", "is it shop?")),
    (("--resume",), 1, ("to go on with", "without --resume")),
]


def test_wrong_uses(host: DatabaseHost, target: MariaDb) -> None:
    """What can't be done is one line that says what to do instead, and the server is as it was."""
    for arguments, code, words in WRONG_USES:
        ended = host.run("backup", "restore", "--into", str(target.option_file), *arguments)
        assert ended.code == code, (arguments, ended.error)
        errors = [line for line in ended.error.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, (arguments, ended.error)
        assert all(word in errors[0] for word in words), (arguments, errors[0])
    assert "shop" not in target.execute("SHOW DATABASES")


def test_a_wrong_password(host: DatabaseHost, target: MariaDb, tmp_path: Path) -> None:
    """One line names the option file, and never the password."""
    wrong = tmp_path / "wrong.cnf"
    wrong.touch(mode=0o600)
    wrong.write_text(f"[client]\nuser = nobody\npassword = chalk-and-cheese\nsocket = {target.socket}\n")
    ended = host.run("backup", "restore", "--into", str(wrong))
    assert ended.code == 1
    assert len(ended.error.splitlines()) == 1
    assert "Access denied" in ended.error
    assert "chalk" not in ended.error + json.dumps([str(one) for one in host.journal.outcomes()])


def test_the_target_is_down(host: DatabaseHost, tmp_path: Path) -> None:
    """A server that is not there is said at once, before anything is done."""
    nowhere = tmp_path / "nowhere.cnf"
    nowhere.touch(mode=0o600)
    nowhere.write_text(f"[client]\nuser = root\nsocket = {tmp_path}/none.sock\n")
    ended = host.run("backup", "restore", "--into", str(nowhere))
    assert ended.code == 1
    assert "is MySQL running?" in ended.error
