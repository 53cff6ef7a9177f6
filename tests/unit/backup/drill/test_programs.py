"""Which server programs fit a backup: flavours are told apart by what programs say, never by their names alone."""

from __future__ import annotations

import pytest

from vawsum_agent.backup.drill.programs import Programs, find, numbers
from vawsum_agent.core.errors import BackupError

MARIADB = "mariadbd  Ver 10.11.6-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)"
MYSQL = "/usr/sbin/mysqld  Ver 8.0.36-0ubuntu0.22.04.1 for Linux on x86_64 ((Ubuntu))"


def test_mariadb() -> None:
    """The server, what makes its system tables, and what knows time zones."""
    names = ("mariadbd", "mariadb-install-db", "mariadb-tzinfo-to-sql")
    found = find("mariadb", lambda name: f"/usr/sbin/{name}" if name in names else None, lambda _: MARIADB)
    assert found == Programs(
        "mariadb",
        "/usr/sbin/mariadbd",
        "10.11.6-MariaDB-0+deb12u1",
        "/usr/sbin/mariadb-install-db",
        "/usr/sbin/mariadb-tzinfo-to-sql",
    )


def test_mysql() -> None:
    """Needs no installer, and does without time zones."""
    found = find("mysql", lambda name: "/usr/sbin/mysqld" if name == "mysqld" else None, lambda _: MYSQL)
    assert (found.server, found.version, found.installer, found.zones) == (
        "/usr/sbin/mysqld",
        "8.0.36-0ubuntu0.22.04.1",
        "",
        "",
    )


def test_old_mariadb() -> None:
    """Its server is called mysqld."""
    names = {"mysqld": "/usr/sbin/mysqld", "mysql_install_db": "/usr/bin/mysql_install_db"}
    said = "/usr/sbin/mysqld  Ver 10.3.39-MariaDB-0+deb10u1 for debian-linux-gnu"
    assert find("mariadb", names.get, lambda _: said).server == "/usr/sbin/mysqld"


@pytest.mark.parametrize(("flavour", "said"), [("mysql", MARIADB), ("mariadb", MYSQL), ("mysql", "nonsense")])
def test_wrong_flavour(flavour: str, said: str) -> None:
    """A backup of one is not restored into the other: the hint says what to install."""
    with pytest.raises(BackupError) as raised:
        find("mysql" if flavour == "mysql" else "mariadb", lambda name: f"/usr/sbin/{name}", lambda _: said)
    assert "not installed here" in raised.value.message
    assert ("mariadb-server" if flavour == "mariadb" else "mysql-server-core") in raised.value.hint


def test_without_an_installer() -> None:
    """A MariaDB server alone can't make its system tables."""
    with pytest.raises(BackupError, match="mariadb-install-db are not installed"):
        find("mariadb", {"mariadbd": "/usr/sbin/mariadbd"}.get, lambda _: MARIADB)


def test_numbers() -> None:
    """Major and minor, of whatever a server calls itself."""
    assert (numbers("10.11.6-MariaDB"), numbers("8.0.36"), numbers("?")) == ((10, 11), (8, 0), (0, 0))
