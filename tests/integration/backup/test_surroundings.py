"""What is wrong around a backup: one line that says what to do, exit code 1, a note in the journal, and no half."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from sandbox.servers.mariadb import MariaDb
from tests.integration.backup.hosts import DatabaseHost

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Sandbox

DATA = """
CREATE DATABASE school; USE school;
CREATE TABLE pupils (id INT PRIMARY KEY, name VARCHAR(50)); INSERT INTO pupils VALUES (1, 'a');
CREATE USER weak@localhost IDENTIFIED BY 'w'; GRANT SELECT, SHOW VIEW, EVENT ON school.* TO weak@localhost;
GRANT SELECT ON mysql.* TO weak@localhost; GRANT BINLOG MONITOR ON *.* TO weak@localhost;
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    """A server."""
    with MariaDb(tmp_path_factory.mktemp("source"), options=["log_bin = binlog"]) as server:
        server.execute(DATA)
        yield server


@pytest.fixture
def origin(source: MariaDb) -> MariaDb:
    """Whose backups these are."""
    return source


@pytest.fixture
def host(tmp_path: Path, sandbox: Sandbox, source: MariaDb) -> DatabaseHost:
    """Its host."""
    return DatabaseHost(tmp_path / "host", sandbox, source.option_file)


def option_file(folder: Path, socket: Path, mode: int = 0o600, **options: str) -> Path:
    """Write another one."""
    path = folder / "other.cnf"
    lines = [f"{name} = {value}" for name, value in {"socket": str(socket), **options}.items()]
    path.write_text("\n".join(["[client]", *lines, ""]))
    path.chmod(mode)
    return path


def expect_refused(host: DatabaseHost, *words: str) -> None:
    """One line with these words, exit code 1, nothing published, the reason in the journal; then all is well again."""
    ended = host.run("backup", "run")
    assert ended.code == 1
    assert ended.error.count("\n") == 1, ended.error
    assert all(word in ended.error for word in words), ended.error
    (outcome,) = host.journal.outcomes()
    assert outcome.error in ended.error


def expect_well(host: DatabaseHost) -> None:
    """The next run publishes."""
    host.expect_nothing_published()
    host.configure()
    assert host.backed_up()["rows"] == 1


def test_wrong_password(host: DatabaseHost, source: MariaDb, tmp_path: Path) -> None:
    """The option file is named, its password is not."""
    host.configure(option_file=option_file(tmp_path, source.socket, user="weak", password="hunter2hunter2"))
    expect_refused(host, "Access denied", "other.cnf")
    assert "hunter2" not in host.journal.outcomes()[0].error
    expect_well(host)


def test_server_down(host: DatabaseHost, tmp_path: Path) -> None:
    """It says where it looked."""
    host.configure(option_file=option_file(tmp_path, tmp_path / "none.sock", user="root"))
    expect_refused(host, "none.sock")
    expect_well(host)


def test_open_option_file(host: DatabaseHost, source: MariaDb, tmp_path: Path) -> None:
    """A password that others can read is not used."""
    host.configure(option_file=option_file(tmp_path, source.socket, mode=0o644, user="root"))
    expect_refused(host, "0644", "chmod 600")
    expect_well(host)


def test_missing_grant(host: DatabaseHost, source: MariaDb, tmp_path: Path) -> None:
    """What the account may not see would be missing in silence: it is named, with the statement that grants it."""
    host.configure(option_file=option_file(tmp_path, source.socket, user="weak", password="w"))
    expect_refused(host, "TRIGGER", "GRANT TRIGGER ON `school`.* TO")
    expect_well(host)


@pytest.mark.parametrize("option", ["no-data", "ignore-table-data = school.pupils"])
def test_option_that_leaves_rows_out(host: DatabaseHost, source: MariaDb, tmp_path: Path, option: str) -> None:
    """A section of the option file that makes the dump program leave rows out makes no backup without them."""
    path = option_file(tmp_path, source.socket, user="root")
    path.write_text(f"{path.read_text()}\n[mysqldump]\n{option}\n")
    host.configure(option_file=path)
    expect_refused(host, "school.pupils", "option file")
    expect_well(host)


@pytest.mark.differs("the option file leaves rows out, which is flagged")
def test_option_that_chooses_rows(host: DatabaseHost, source: MariaDb, tmp_path: Path) -> None:
    """A dump without the many rows that the server tells of is published, and flagged."""
    source.execute(
        "CREATE DATABASE crowd; USE crowd; CREATE TABLE crowd.t (id INT PRIMARY KEY);"
        " INSERT INTO crowd.t SELECT seq FROM seq_1_to_30000; ANALYZE TABLE crowd.t"
    )
    path = option_file(tmp_path, source.socket, user="root")
    path.write_text(f"{path.read_text()}\n[mysqldump]\nwhere = false\n")
    host.configure(option_file=path)
    try:
        (flag,) = host.backed_up()["flags"]
    finally:
        source.execute("DROP DATABASE crowd")
    assert "crowd.t" in flag


def test_no_bucket(host: DatabaseHost) -> None:
    """It is named."""
    host.configure(bucket="vawsum-backsup")
    expect_refused(host, "vawsum-backsup")
    expect_well(host)


def test_wrong_key(host: DatabaseHost) -> None:
    """A key that is none, or disabled."""
    host.configure('kms_key_id = "arn:aws:kms:ap-south-1:123456789012:key/00000000-0000-0000-0000-000000000000"')
    expect_refused(host, "KMS")
    expect_well(host)


def test_may_not_write(host: DatabaseHost, sandbox: Sandbox) -> None:
    """The missing action is named."""
    sandbox.deny("s3:PutObject")
    expect_refused(host, "s3:PutObject")
    sandbox.deny()
    expect_well(host)


def test_clock_is_wrong(host: DatabaseHost, sandbox: Sandbox) -> None:
    """S3 refuses what is signed an hour off; that it is the clock is said."""
    sandbox.settings(clock_offset_s=3600)
    expect_refused(host, "clock")
    sandbox.settings(clock_offset_s=0)
    expect_well(host)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk")
def test_disk_full(host: DatabaseHost) -> None:
    """Without room for its journal nothing is begun."""
    host.state_dir.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", host.state_dir], check=True)
    try:
        (host.state_dir / "ballast").write_bytes(b"")
        with (host.state_dir / "ballast").open("wb", buffering=0) as ballast:
            try:
                while ballast.write(b"x" * 4096):
                    pass
            except OSError:
                pass
        ended = host.run("backup", "run")
        assert ended.code == 1
        assert ended.error.count("\n") == 1, ended.error
        assert "No space left" in ended.error
        host.expect_nothing_published()
        (host.state_dir / "ballast").unlink()
        assert host.backed_up()["rows"] == 1
    finally:
        subprocess.run(["umount", host.state_dir], check=True)
