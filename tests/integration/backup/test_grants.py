"""Users, roles and grants of one real server become those of another."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from sandbox.servers.process import open_directory
from tests.integration.backup.dumping import started
from vawsum_agent.backup.server.facts import read_server
from vawsum_agent.backup.server.grants import Grants, read_grants
from vawsum_agent.backup.server.grants_file import read_grants_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.servers.mariadb import MariaDb

DATA = """CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY, secret INT);
CREATE PROCEDURE shop.p() SELECT 1;
"""
ACCOUNTS = r"""CREATE ROLE reader; CREATE ROLE writer; CREATE ROLE `odd ``ro'le`;
GRANT reader TO writer; GRANT SELECT ON shop.* TO reader; GRANT INSERT ON shop.t TO writer;
CREATE USER 'o''b`r\\x'@'%' IDENTIFIED BY 'p''w;\\' REQUIRE SSL WITH MAX_USER_CONNECTIONS 3
  PASSWORD EXPIRE INTERVAL 30 DAY;
GRANT writer TO 'o''b`r\\x'@'%' WITH ADMIN OPTION; SET DEFAULT ROLE writer FOR 'o''b`r\\x'@'%';
CREATE USER ''@'host_1'; CREATE USER 'é"x'@'10.0.0.0/255.0.0.0' IDENTIFIED BY 'y';
CREATE USER locked@localhost IDENTIFIED VIA unix_socket OR mysql_native_password USING PASSWORD('x') ACCOUNT LOCK;
GRANT SELECT (id), UPDATE ON shop.t TO locked@localhost WITH GRANT OPTION;
GRANT EXECUTE ON PROCEDURE shop.p TO locked@localhost; GRANT `odd ``ro'le` TO locked@localhost;
GRANT SELECT ON shop.* TO PUBLIC;
"""


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[MariaDb, MariaDb]]:
    """Two: one with accounts of all kinds, and one that has only its own."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(open_directory("vawsum-grants-"))
        yield stack.enter_context(started(folder / "one")), stack.enter_context(started(folder / "two"))


def accounts(server: MariaDb) -> Grants:
    """Read them."""
    return read_grants(str(server.option_file), read_server(str(server.option_file)))


def test_copied(servers: tuple[MariaDb, MariaDb]) -> None:
    """After its SQL ran in another server, twice, that server tells the same of each; the file can be taken apart."""
    one, two = servers
    one.execute(DATA + ACCOUNTS)
    two.execute(DATA)
    found = accounts(one)
    assert read_grants_file(found.sql) == list(found.accounts)
    two.execute(found.sql.decode())
    two.execute(found.sql.decode())
    assert accounts(two).sql.decode().splitlines() == found.sql.decode().splitlines()
    names = {(account.user, account.host, account.is_role) for account in found.accounts}
    assert {("reader", "", True), ("o'b`r\\x", "%", False), ("", "host_1", False), ("PUBLIC", "", True)} <= names
    assert not [account for account in found.accounts if account.user == "mariadb.sys"]
    assert found.account_count == len(names)


def test_password_still_works(servers: tuple[MariaDb, MariaDb]) -> None:
    """Who could log in there can log in here: the hash came along; an existing user gets the source's password."""
    one, two = servers
    one.execute("CREATE OR REPLACE USER moved@localhost IDENTIFIED BY 'of one'; GRANT SELECT ON *.* TO moved@localhost")
    two.execute("CREATE OR REPLACE USER moved@localhost IDENTIFIED BY 'of two'")
    (moved,) = [account for account in accounts(one).accounts if account.user == "moved"]
    for statement in (*moved.creation, *moved.grants):
        two.execute(statement)
    option_file = two.directory / "moved.cnf"
    option_file.touch(mode=0o600)
    option_file.write_text(f"[client]\nuser = moved\npassword = of one\nsocket = {two.socket}\n")
    assert read_server(str(option_file), ["mysql"]).flavour == "mariadb"
