"""The account of a backup needs exactly what the list says: with it a backup works, and without any of it it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.servers.process import open_directory
from tests.integration.backup.dumping import Kept, started
from vawsum_agent.backup.dump.dump import DumpRequest, dump
from vawsum_agent.backup.manifest import Database
from vawsum_agent.backup.server.account import expect_to_see_all
from vawsum_agent.backup.server.facts import read_server
from vawsum_agent.backup.server.grants import read_grants
from vawsum_agent.backup.server.privileges import missing, needed
from vawsum_agent.backup.server.programs import find_dump
from vawsum_agent.core.errors import AgentError, BackupError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.servers.mariadb import MariaDb

SCHEMA = """CREATE DATABASE `sh_op`; USE `sh_op`; CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1);
CREATE VIEW v AS SELECT * FROM t; CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW SET @x = 1;
CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1; CREATE PROCEDURE p() SELECT 1;
CREATE TABLE old (id INT) ENGINE = MyISAM; CREATE SEQUENCE s;
"""


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDb]:
    """One with a database that has a bit of everything."""
    with open_directory("vawsum-server-") as folder, started(folder) as server:
        server.execute(SCHEMA)
        yield server


def backup_works(option_file: str) -> bool:
    """Dump as an account, and read the users; True when all of the database is there."""
    try:
        found = read_server(option_file, ["sh_op"])
        writer = Kept()
        result = dump(DumpRequest(server=found, program=find_dump(found.flavour), option_file=option_file), writer)
        grants = read_grants(option_file, found)
    except AgentError:
        return False
    is_all = found.databases == [Database(name="sh_op", views=1, routines=1, triggers=1, events=1, lasting_events=1)]
    has_position = result.binlog is not None and bool(result.binlog.gtid)
    return result.is_whole and is_all and has_position and grants.account_count > 1


def test_exactly_what_is_needed(server: MariaDb, tmp_path: Path) -> None:
    """All of it: whole. All but one: not; and that one is what is named as missing."""
    wanted = needed(read_server(str(server.option_file), ["sh_op"]))
    option_file = tmp_path / "backup.cnf"
    option_file.touch(mode=0o600)
    option_file.write_text(f"[client]\nuser = backup\npassword = x\nsocket = {server.socket}\n")

    def give(privileges: list[object]) -> list[str]:
        server.execute("CREATE OR REPLACE USER backup@localhost IDENTIFIED BY 'x'")
        for privilege in wanted:
            if privilege in privileges:
                server.execute(privilege.grant("backup@localhost"))
        return server.execute("SHOW GRANTS FOR backup@localhost").splitlines()

    assert missing(wanted, give([*wanted])) == []
    assert backup_works(str(option_file))
    for one in wanted:
        assert missing(wanted, give([other for other in wanted if other != one])) == [one]
        assert not backup_works(str(option_file)), one


def test_hidden_database(server: MariaDb, tmp_path: Path) -> None:
    """An account that is to dump all, and doesn't see one database, is refused rather than trusted to dump the rest."""
    server.execute("CREATE OR REPLACE USER blind@localhost IDENTIFIED BY 'x'; CREATE OR REPLACE DATABASE hidden")
    for privilege in needed(read_server(str(server.option_file), ["sh_op"])):
        server.execute(privilege.grant("blind@localhost"))
    option_file = tmp_path / "blind.cnf"
    option_file.touch(mode=0o600)
    option_file.write_text(f"[client]\nuser = blind\npassword = x\nsocket = {server.socket}\n")
    try:
        blind = read_server(str(option_file))
        assert [database.name for database in blind.databases] == ["sh_op"]
        with pytest.raises(BackupError, match="SHOW DATABASES"):
            expect_to_see_all(str(option_file), blind)
        server.execute("GRANT SHOW DATABASES ON *.* TO blind@localhost")
        assert [database.name for database in read_server(str(option_file)).databases] == ["hidden", "sh_op"]
    finally:
        server.execute("DROP DATABASE hidden; DROP USER blind@localhost")


def test_mount_point(server: MariaDb) -> None:
    """The ``lost+found`` of a disk that is mounted at the data is no database: no server takes one of that name."""
    (server.data_directory / "lost+found").mkdir()
    try:
        shown = server.execute("SHOW DATABASES").splitlines()
        found = read_server(str(server.option_file))
    finally:
        (server.data_directory / "lost+found").rmdir()
    assert "#mysql50#lost+found" in shown
    assert [database.name for database in found.databases] == ["sh_op"]
